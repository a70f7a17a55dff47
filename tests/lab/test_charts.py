"""The Lab's charts: stable specifications between redraws, models that differ beyond colour."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from regcls.lab import charts, page_specs
from regcls.lab.data import function_curve
from regcls.lab.settings import LabSettings
from regcls.plotting.chart import Picture
from regcls.plotting.style import COLOURS


def bands(name: str, shift: float = 0.0) -> pd.DataFrame:
    at = np.arange(4.0)
    frames = [
        pd.DataFrame(
            {name: at, "model": m, "median": at + 1 + shift, "low": at + 0.5, "high": at + 2}
        )
        for m in COLOURS
    ]
    return pd.concat(frames)


def lines(name: str) -> pd.DataFrame:
    one = bands(name).rename(columns={"median": "value"})[[name, "model", "value"]]
    return pd.concat([one.assign(run=run) for run in (2, 3)])


def densities() -> tuple[pd.DataFrame, pd.DataFrame]:
    targets = pd.DataFrame({"low": [0.0, 1], "high": [1.0, 2], "share": [0.2, 0.8]})
    inputs = pd.DataFrame({"left": [-1.0, 0], "right": [0.0, 1], "share": [0.5, 0.5]})
    return targets, inputs


def predictions(settings: LabSettings, one: bool) -> Picture:
    others = lines("x") if one and settings.repeats > 1 else None
    limits = settings.target_function.limits
    runs = 1 if one else settings.repeats
    curve = function_curve(settings)
    return charts.predictions(bands("x"), curve, *densities(), limits, runs, others)


def named(spec: dict) -> set[str]:
    """Return the names of the data that a specification uses."""
    if "layer" in spec:
        return set().union(*map(named, spec["layer"]))
    return {spec["data"]["name"]}


def test_redraw_keeps_the_spec_and_changes_the_data():
    first = charts.history(bands("epoch"), 80, 10)
    second = charts.history(bands("epoch", 1), 80, 10)
    assert first.spec == second.spec
    assert not first.data["history"].equals(second.data["history"])


@pytest.mark.parametrize("one", [True, False])
@pytest.mark.parametrize("repeats", [1, 10])
def test_the_first_run_keeps_the_chart_that_was_there_before(repeats, one):
    """A changed specification or caption would make the browser build the chart anew."""
    settings = LabSettings(repeats=repeats)
    before = charts.predictions(
        function=function_curve(settings),
        limits=settings.target_function.limits,
        runs=1 if one else repeats,
        **charts.no_predictions(settings),
    )
    after = predictions(settings, one)
    assert (before.spec, before.caption) == (after.spec, after.caption)
    assert before.data["function"].equals(after.data["function"])
    assert set(before.data) == set(after.data)


@pytest.mark.parametrize("one", [True, False])
@pytest.mark.parametrize("repeats", [1, 10])
def test_each_table_is_drawn_and_each_layer_has_its_table(repeats, one):
    picture = predictions(LabSettings(repeats=repeats), one)
    assert set(picture.data) == named(picture.spec)
    assert ("others" in picture.data) == (one and repeats > 1)


def test_other_runs_are_faint_lines_behind_the_shown_one():
    picture = charts.history(bands("epoch"), 80, 1, lines("epoch"))
    faint, shown = picture.spec["layer"]
    assert (faint["data"]["name"], shown["data"]["name"]) == ("others", "history")
    assert faint["mark"]["opacity"] < 0.3 and faint["encoding"]["detail"]["field"] == "run"
    assert "Other runs are faint" in predictions(LabSettings(), one=True).caption


def test_models_differ_in_more_than_colour():
    spec = json.dumps(charts.history(bands("epoch"), 80, 10).spec)
    assert "strokeDash" in spec
    assert len(set(COLOURS.values())) == 3


@pytest.mark.parametrize("legend", [True, False])
def test_on_the_page_legends_are_short_or_left_out_and_the_rest_is_kept(legend):
    spec = charts.history(bands("epoch"), 80, 10).spec
    before = json.dumps(spec)
    shown = page_specs.on_page(spec, legend)
    assert json.dumps(spec) == before  # specifications are shared
    assert '"labelExpr"' in before and '"labelExpr"' not in json.dumps(shown)
    assert ('"legend": {' in json.dumps(shown)) == legend
    assert (shown["height"] < spec["height"]) != legend
    assert [layer["mark"] for layer in shown["layer"]] == [x["mark"] for x in spec["layer"]]
