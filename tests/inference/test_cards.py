"""regcls.inference.cards and charts: cards as tables, measured speed, the training chart."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.inference import cards
from regcls.inference import charts as inference_charts
from regcls.tasks import pairs
from regcls.tasks.pairs import Pair
from tests.helpers import fake_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Pair:
    root = tmp_path_factory.mktemp("models")
    fake_pair.make_pair(root)
    return pairs.load_pair("age", root)


def test_facts_state_what_is_in_the_card(pair):
    lines = cards.facts(pair.regcls)
    assert lines["task and variant"] == "age, reg+cls"
    assert lines["input"] == "96 × 96 pixels, RGB, uint8"
    assert lines["classes"] == "12 equal-width"
    assert "opset 18" in lines["file"] and "MB" in lines["file"]


def test_metrics_have_one_row_per_part(pair):
    table = cards.metrics({"reg": pair.reg.card})
    assert table["subset"].tolist() == ["overall", "many", "medium", "few"]
    assert table["mae"].tolist() == [6.5, 6.0, 6.0, 6.0]
    assert "delta1" not in table


def test_histograms_keep_their_sums_when_ranges_are_merged(pair):
    whole = cards.histogram(pair.reg.card)
    joined = cards.histogram(pair.reg.card, most=5)
    assert len(whole) == 12 and len(joined) == 4
    assert whole["train"].sum() == joined["train"].sum()
    np.testing.assert_array_equal(joined["high"].iloc[:-1], joined["low"].iloc[1:])


def test_speed_has_one_row_per_batch_size(pair):
    rows = list(cards.measure_speed(pair.reg, repeats=2))
    assert [row["batch size"] for row in rows] == list(cards.BATCHES)
    assert all(0 < row["slowest"] <= row["images per second"] <= row["fastest"] for row in rows)


def test_class_edges_are_drawn(pair):
    picture = inference_charts.training(pair.reg.card, pair.regcls.card)
    assert len(picture.data["edges"]) == 13 and "12 classes" in picture.caption
