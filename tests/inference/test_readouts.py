"""Read-outs that a card defines: which there are, their predictions and their intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from regcls.inference import readouts
from regcls.stats.conformal import conformal_radius
from tests.helpers import fake_pair

LINE = {"x": [0.0, 60.0, 120.0], "y": [10.0, 60.0, 100.0]}
HEAD = {"tau": 1.0, "statistic": "mean", "weight": 0.25}
PRIOR = [300, 200, 150, 120, 90, 70, 50, 30, 20, 10, 4, 1]


def with_readouts(variant: str = "reg+cls", best: str = "mixed"):
    found = {"best": best, "recalibrated": LINE}
    if variant == "reg+cls":
        found |= {"prior": PRIOR, "class": {**HEAD, "weight": 0.0}, "mixed": HEAD}
    return replace(fake_pair.card(variant), readouts=found)


def test_which_readouts_there_are():
    assert readouts.available(fake_pair.card()) == ("value",)
    assert readouts.best(fake_pair.card()) == "value"
    assert readouts.available(with_readouts("reg", "recalibrated")) == ("value", "recalibrated")
    card = with_readouts()
    assert readouts.available(card) == ("value", "recalibrated", "class", "mixed")
    assert readouts.in_order(card) == ("mixed", "value", "recalibrated", "class")
    with pytest.raises(ValueError, match="'class'"):
        readouts.predict(with_readouts("reg", "value"), np.zeros(1), None, "class")


def test_predictions_by_hand():
    value = np.array([30.0, 90.0])
    logits = np.log(np.array([PRIOR, PRIOR], float))  # with the prior removed, all classes alike
    found = readouts.predict_all(with_readouts(), value, logits)
    assert next(iter(found)) == "mixed"
    assert found["value"].tolist() == [30, 90]
    assert found["recalibrated"].tolist() == pytest.approx([35, 80])
    assert found["class"].tolist() == pytest.approx([60, 60])
    assert found["mixed"].tolist() == pytest.approx([0.25 * 30 + 45, 0.25 * 90 + 45])


def test_intervals_use_the_radius_of_the_range_and_are_clipped_to_the_limits():
    table = {**fake_pair.card().calibration["value"], "radius": [*range(5, 16), None]}
    card = replace(fake_pair.card(), calibration={"value": table})
    found = readouts.interval(card, 34.0)
    assert (found.low, found.high, found.level, found.units) == (26, 42, 0.9, 120)
    assert (readouts.interval(card, -3.0).low, readouts.interval(card, -3.0).high) == (0, 2)
    assert readouts.interval(card, 109.0).high == 120
    too_few = readouts.interval(card, 119.0)
    assert np.isnan([too_few.low, too_few.high]).all() and too_few.units == 1
    bare = readouts.interval(replace(card, calibration=None), 34.0)
    assert np.isnan([bare.low, bare.high, bare.level]).all()
    assert np.isnan(readouts.interval(card, 34.0, "class").level), "another read-out"


def test_intervals_have_their_nominal_coverage():
    rng = np.random.default_rng(1)

    def draw(n):
        truth = rng.uniform(0, 100, n)
        return truth, truth + rng.normal(0, 2 + truth / 10)

    truth, predicted = draw(4000)
    table = fake_pair.card().calibration["value"]
    radius = conformal_radius(truth, predicted, table["edges"], 0.9).tolist()
    card = replace(fake_pair.card(), calibration={"value": {**table, "radius": radius}})
    truth, predicted = draw(6000)
    ends = [readouts.interval(card, p) for p in predicted]
    covered = np.array([e.low <= t <= e.high for t, e in zip(truth, ends, strict=True)])
    assert 0.88 < covered.mean() < 0.93
    for part in (predicted < 30, (predicted > 70) & (predicted < 110)):
        assert 0.86 < covered[part].mean() < 0.95


def test_columns_of_a_table():
    assert readouts.column("reg", "value") == "reg"
    assert readouts.column("regcls", "mixed") == "regcls_mixed"
