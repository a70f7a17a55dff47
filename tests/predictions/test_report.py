"""Somebody's predictions: columns guessed, rows left out with a word, figures by hand, the HTML."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from regcls.io.tables import TableError
from regcls.predictions import charts as predictions_charts
from regcls.predictions import columns as predictions_columns
from regcls.predictions import html, ranges
from regcls.predictions.columns import Arrays, Columns
from regcls.predictions.report import Report
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers.made_tables import table


def made(frame: pd.DataFrame | None = None, **more) -> Report:
    columns = Columns("age", ("pred_good", "pred_poor"), **more)
    found = predictions_columns.arrays(table() if frame is None else frame, columns)
    return Report(found, ranges.edges(found, "count", 8))


# Columns


def test_columns_are_guessed_by_name_and_likeness():
    frame = table().rename(columns={"age": "y_true"})
    found = predictions_columns.detect(frame)
    assert found == Columns("y_true", ("pred_good", "pred_poor"), None, "site")
    blind = frame.rename(columns={"pred_good": "a", "pred_poor": "b"})
    assert predictions_columns.detect(blind).models == (
        "a",
        "b",
    )  # the id does not follow the target


def test_training_targets_are_found_in_the_same_table():
    frame = table().assign(y_train=1.0)
    assert predictions_columns.detect(frame).train == "y_train"


def test_shipped_predictions_are_understood():
    for task in ("age", "depth", "progress"):
        path = MODELS_FOLDER / task / "test_predictions.parquet"
        found = predictions_columns.detect(pd.read_parquet(path))
        assert found.target == "y_true" and {"reg", "regcls"} <= set(found.models)


BAD = {
    "no numbers": (
        pd.DataFrame({"a": ["x", "y"], "b": ["u", "v"]}),
        None,
        "at least one prediction",
    ),
    "one column": (pd.DataFrame({"y": [1.0, 2.0]}), None, "at least one prediction"),
    "constant": (
        pd.DataFrame({"y": [1.0, 1.0], "p": [1.0, 2.0]}),
        Columns("y", ("p",)),
        "values must differ",
    ),
    "no row": (
        pd.DataFrame({"y": [1.0, np.nan], "p": [np.nan, 2.0]}),
        Columns("y", ("p",)),
        "no row has a number",
    ),
    "unknown": (table(), Columns("age", ("none",)), "no column 'none'"),
    "no models": (table(), Columns("age", ()), "at least one column of predictions"),
    "itself": (table(), Columns("age", ("age",)), "cannot be both"),
    "words": (table(), Columns("age", ("site",)), "contains words"),
    "dates": (
        table().assign(day=pd.Timestamp("2024-01-01")),
        Columns("day", ("pred_good",)),
        "contains dates",
    ),
}


@pytest.mark.parametrize(("frame", "columns", "words"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_reported_gets_a_sentence(frame, columns, words):
    with pytest.raises(TableError, match=words):
        predictions_columns.arrays(frame, columns or predictions_columns.detect(frame))


def test_rows_without_numbers_are_left_out_and_counted():
    frame = table(10)
    frame.loc[2, "age"], frame.loc[5, "pred_good"] = np.nan, np.inf
    found = predictions_columns.arrays(frame, Columns("age", ("pred_good",)))
    assert len(found.y) == 8 and found.rows.tolist() == [1, 2, 4, 5, 7, 8, 9, 10]
    assert found.notes[0].startswith("Column age: 1 of") and "(1 missing)" in found.notes[0]
    assert found.notes[1].startswith("Column pred_good: 1 of") and "(1 infinite)" in found.notes[1]


def test_training_targets_of_another_file():
    frame = pd.DataFrame({"age": [1.0, np.nan, 3.0], "note": ["a", "b", "c"]})
    assert predictions_columns.training_targets(frame, "train.csv", "age").tolist() == [1, 3]
    with pytest.raises(TableError, match=r"train\.csv needs a column called y"):
        predictions_columns.training_targets(
            pd.DataFrame({"a": [1.0], "b": [2.0]}), "train.csv", "y"
        )


# Ranges


def flat(y: list[float], train: list[float] | None = None) -> Arrays:
    values = np.array(y, float)
    return Arrays(
        values, {"p": values}, np.arange(len(y)), None if train is None else np.array(train)
    )


def test_ranges_by_count_width_quantile_and_own_edges():
    found = flat([0, 1, 2, 3, 10])
    assert ranges.edges(found, "count", 2).tolist() == [0, 5, 10]
    assert ranges.edges(found, "width", 4).tolist() == [0, 4, 8, 12]
    assert ranges.edges(found, "quantile", 2).tolist() == [0, 2, 10]
    assert ranges.edges(found, "edges", 0, "0; 5, 20").tolist() == [0, 5, 20]
    assert ranges.edges(flat([0, 1], [0, 30]), "count", 3).tolist() == [0, 10, 20, 30]


@pytest.mark.parametrize(
    ("kind", "size", "own", "words"),
    [
        ("count", 0, "", "from 1 to 200"),
        ("width", 0, "", "width must be above"),
        ("edges", 0, "1, two", "must be numbers"),
        ("edges", 0, "3, 2, 1", "ascending"),
        ("edges", 0, "2, 5", "must cover the targets"),
        ("colour", 3, "", "not 'colour'"),
    ],
)
def test_ranges_that_cannot_be_made_get_a_sentence(kind, size, own, words):
    with pytest.raises(TableError, match=words):
        ranges.edges(flat([0, 1, 2, 3, 10]), kind, size, own)


# Figures


def test_figures_by_hand():
    frame = pd.DataFrame({"y": [0.0, 1, 2, 10], "a": [1.0, 1, 2, 6], "b": [0.0, 1, 2, 10]})
    found = predictions_columns.arrays(frame, Columns("y", ("a", "b")))
    one = Report(found, np.array([0.0, 5, 10]))
    errors = one.errors.table().set_index(["model", "low"])["mae"]
    assert errors[("a", 0.0)] == pytest.approx(1 / 3) and errors[("a", 5.0)] == 4
    assert one.overall.set_index("model").loc["a", "balanced_mae"] == pytest.approx((1 / 3 + 4) / 2)
    assert one.worst["row"].tolist() == [4, 1, 2, 3]
    assert one.worst["largest error"].tolist() == [4, 1, 0, 0]
    assert one.imbalance.startswith(
        "2 of 2 ranges contain 80 % of the 4 test targets; the largest has 3"
    )


def test_the_verdict_is_as_certain_as_its_interval():
    assert made().verdict.startswith(
        "pred_good has a lower MAE than pred_poor: the difference is -"
    )
    frame = table()
    frame["pred_poor"] = frame["age"] + np.random.default_rng(9).normal(0, 1, len(frame))
    assert made(frame).verdict.startswith("No significant difference in MAE between")
    single = predictions_columns.arrays(frame, Columns("age", ("pred_good",)))
    assert "select a second column" in Report(single, ranges.edges(single)).verdict


def test_rows_that_belong_together_widen_the_intervals():
    frame = pd.concat([table(40)] * 10, ignore_index=True)
    alone, together = made(frame), made(frame, group="id")
    widths = [
        one.overall["mae_high"].to_numpy() - one.overall["mae_low"].to_numpy()
        for one in (alone, together)
    ]
    assert (widths[1] > 2 * widths[0]).all()


def test_bands_and_density_hold_every_row():
    one = made()
    assert one.density.groupby("model")["count"].sum().tolist() == [400, 400]
    poor = one.bands[one.bands["model"] == "pred_poor"].sort_values("low")
    assert poor["q50"].iloc[-1] < -2 < poor["q50"].iloc[0]  # rare targets are pulled down
    assert (poor["q10"] <= poor["q50"]).all() and (poor["q50"] <= poor["q90"]).all()


def test_segments_are_told_apart():
    one = made(category="site")
    assert set(one.segments["segment"]) == {"north", "south"}
    assert one.segments.groupby("model")["test"].sum().tolist() == [400, 400]


def test_shots_say_how_they_were_told_apart():
    labels, words = made().shot_names
    assert set(labels) == {"many", "medium", "few"} and "more than 100 test targets" in words
    big = table(40_000)
    labels, words = made(big[big["age"] < 40]).shot_names
    assert "largest range" in words and "few" in labels


# Out


def test_every_picture_is_drawn():
    one = made(category="site")
    pictures = [
        predictions_charts.distribution(one),
        predictions_charts.errors(one),
        predictions_charts.differences(one, "pred_poor", "pred_good"),
        predictions_charts.density(one, "pred_good"),
        predictions_charts.residuals(one),
    ]
    for picture in pictures:
        assert picture.caption and picture.png().startswith(b"\x89PNG")


def test_the_html_is_whole_and_escapes_what_it_was_given():
    frame = table().rename(columns={"pred_good": "<script>alert(1)</script>"})
    found = predictions_columns.arrays(
        frame, Columns("age", ("<script>alert(1)</script>", "pred_poor"))
    )
    page = html.write(Report(found, ranges.edges(found)), "<b>mine</b>.csv")
    assert "<script>alert" not in page and "<b>mine" not in page
    assert not re.search(r'(src|href)="https?:', page)
    specs = json.loads(re.search(r"const SPECS = (\[.*?\]);</script>", page)[1])
    assert len(specs) == page.count('<div class="chart">') == 6
    assert page.count("</script>") == 2
