"""The heat map and the error curves: every setting, readable text, outlines of what is decided."""

from __future__ import annotations

import numpy as np
import pytest

from regcls import study
from regcls.plotting.chart import Picture
from regcls.stats.verdicts import BETTER
from regcls.study import effect_chart, error_chart, summary
from regcls.study.summarise import summarise
from regcls.study.summary import Summary
from tests.helpers import study_store, svg_figures

GRID = study.load("quick")


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> Summary:
    store = tmp_path_factory.mktemp("s") / "s.sqlite"
    return summarise(study.read(GRID, study_store.make(GRID, store)))


@pytest.mark.parametrize("log", np.linspace(-1.5, 1.5, 61))
def test_text_on_a_cell_has_contrast(log):
    """Of 4.5 or more, whatever the effect (WCAG 2, AA)."""
    on = effect_chart.luminance(effect_chart.colour_of(log))
    text = {effect_chart.DARK: 0.0, effect_chart.LIGHT: 1.0}[effect_chart.ink(log)]
    low, high = sorted((on, text))
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_blue_is_a_lower_error_and_both_sides_are_equally_far_from_grey():
    for log in (0.25, 0.5, 1.0):
        red, _, blue = effect_chart.colour_of(-log)
        assert blue > red
        red, _, blue = effect_chart.colour_of(log)
        assert red > blue


def states(picture: Picture) -> dict[str, str]:
    cells = picture.data["cells"]
    return dict(zip(cells["cell"], cells["state"], strict=True))


def test_every_setting_is_a_cell_and_decided_ones_are_outlined(quick):
    found = states(effect_chart.effect_map(quick, "reg"))
    assert list(found) == [cell.cell for cell in quick.cells]
    verdicts = {cell.cell: cell.against["reg"].verdict for cell in quick.cells}
    assert set(verdicts.values()) == {BETTER}
    assert set(found.values()) == {"decided"}
    found = states(effect_chart.effect_map(quick, "control", picked="severe_64"))
    assert found.pop("severe_64") == "picked"
    assert set(found.values()) == {"open"}


def test_settings_without_results_are_empty_cells(tmp_path):
    only = lambda m: m.sampling == "severe"
    made = summarise(study.read(GRID, study_store.make(GRID, tmp_path / "s.sqlite", only=only)))
    picture = effect_chart.effect_map(made, "reg")
    assert [state == "empty" for state in states(picture).values()] == [True, True, False, False]
    assert picture.data["cells"]["text"].tolist()[:2] == ["–", "–"]
    assert picture.svg().startswith(b"<svg")


def test_picking_a_cell_changes_the_data_and_not_the_chart(quick):
    """So that the browser redraws nothing but the outline."""
    first, second = (effect_chart.effect_map(quick, "reg", cell) for cell in ("", "severe_64"))
    assert first.spec is second.spec


@pytest.mark.parametrize("name", ["paper", "fair"])
def test_samplings_are_headings_where_there_are_several_rows(name):
    found = summary.shipped(name)
    xs, rows, samplings = found.places()
    picture = effect_chart.effect_map(found, next(iter(found.comparisons)))
    y = picture.spec["layer"][0]["encoding"]["y"]
    assert len(y["scale"]["domain"]) == len(samplings) * (len(rows) + 1)
    assert len(picture.data["cells"]) == len(xs) * len(rows) * len(samplings)
    drawn = svg_figures.read(picture.svg()).charts[0]
    assert len(drawn.of("text mark", "setting")) == len(found.cells)


@pytest.mark.parametrize("name", ["paper", "fair"])
def test_error_curves_have_every_setting_of_their_row(name):
    found = summary.shipped(name)
    for row in found.places()[1]:
        picture = error_chart.error_curves(found, row)
        cells = [cell for cell in found.cells if cell.row == row]
        assert len(picture.data["points"]) == sum(len(cell.errors) for cell in cells)
        assert all(len(table) for table in picture.data.values())  # empty layers make Vega warn
        assert ("published" in picture.data) == any(cell.published for cell in cells)


def test_error_curves_of_two_values_are_points_with_bars(quick):
    picture = error_chart.error_curves(quick, "clean")
    marks = [layer["mark"]["type"] for layer in picture.spec["layer"]]
    assert "line" not in marks and "rule" in marks
    assert picture.png().startswith(b"\x89PNG")
