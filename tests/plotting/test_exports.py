"""Every chart saved as a file shows the numbers of its table, and explains itself."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import vl_convert

from regcls.plotting.style import NAMES
from regcls.study import effect_chart
from tests.helpers import svg_figures
from tests.helpers.svg_figures import Figure, Mark, View
from tests.plotting.export_cases import CASES
from tests.plotting.export_cases.shown import Case, Ends, Lines, Marks, Shown

ROOT = Path(__file__).resolve().parents[2]
PIXELS = 1.25  # how far a mark may be from its value: Vega rounds the positions of ticks
DRAWINGS = ("Picture", "Figure", "LayerChart", "FacetChart")
# Plotly's figures are turned and clicked on the Depth page, and their data are saved instead: the
# maps as PNG in millimetres or colours, or as NPY in metres.
INTERACTIVE = {f"regcls.tasks.depth.charts.{name}" for name in ("maps", "difference", "cloud")}
CONVERTERS = {"regcls.plotting.chart.from_chart"}
# Quantities without a unit, counts, and targets of a visitor's table, whose unit is not known.
NO_UNIT = {
    "input x",
    "target y",
    "epoch",
    "half width s of the peak (log scale)",
    "training samples",
    "test samples",
    "rows",
    "target",
    "true",
    "predicted",
    "prediction − truth",
    "difference in MAE",
    "mean absolute error",
}
SERIES = ("model", "series", "group", "metric", "split", "shot")  # titles of a mark's series


@cache
def case(name: str) -> Case:
    return CASES[name]()


@cache
def figure(name: str) -> Figure:
    return svg_figures.read(case(name).drawn.svg())


# Charts whose points have a shape per model, so that colour is not the only cue.
SHAPED = (
    "regcls.plotting.errors.errors_per_range",
    "regcls.study.error_chart.error_curves",
    "regcls.study.range_chart.range_errors",
)
every_chart = pytest.mark.parametrize("name", CASES)


@every_chart
def test_marks_are_the_numbers_of_the_table(name):
    found, expected = figure(name).charts, case(name).shown
    for view, shown in zip(found, expected.values(), strict=True):
        for part in shown:
            assert differences(view, part) == []


@every_chart
def test_marks_stand_where_their_axes_say(name):
    for view in figure(name).charts:
        assert svg_figures.misplaced(view, PIXELS) == []


@every_chart
def test_the_file_has_title_caption_and_settings(name):
    drawn, saved = case(name).drawn, figure(name)
    assert saved.titles and len(set(saved.titles)) == len(saved.titles)
    assert saved.titles == [drawn.spec["title"]]
    assert drawn.caption and saved.caption == drawn.caption
    assert drawn.settings and saved.settings == drawn.settings
    assert not any(word in saved.caption.lower() for word in ("click", "select", "hover"))


@every_chart
def test_vega_does_not_warn(name, capfd):
    """Such as of encodings of one field that ask for different legends."""
    vl_convert.vegalite_to_vega(case(name).drawn.printed, show_warnings=True)
    assert "WARN" not in capfd.readouterr().err


@every_chart
def test_axes_have_titles_with_units(name):
    for view in figure(name).charts:
        for axis in view.axes:
            assert axis.title or axis.scale == "discrete", "an axis has no title"
            percent = all(label.endswith("%") for label in axis.labels)
            with_unit = "(" in axis.title or axis.title in NO_UNIT or percent
            assert with_unit or axis.scale == "discrete", f"{axis.title} has no unit"


@every_chart
def test_the_legend_names_every_series_in_its_colour(name):
    saved = figure(name)
    legend = {entry.text: entry for entry in saved.legend}
    for view in saved.charts:
        for series in SERIES:
            marks = [mark for mark in view.marks if series in mark.values]
            named = {mark.values[series] for mark in marks}
            if len(named) < 2:
                continue
            for mark in marks:
                label = mark.values[series]
                entry = legend[label if label in legend else NAMES[label]]
                if mark.kind in ("point", "line mark", "rule mark", "bar"):
                    assert mark.colour.lower() == entry.colour.lower(), mark.values


@pytest.mark.parametrize("name", SHAPED)
def test_points_have_the_shapes_of_the_legend(name):
    saved = figure(name)
    outlines = {entry.text: entry.outline for entry in saved.legend}
    assert len(set(outlines.values())) > 1
    for view in saved.charts:
        for mark in view.of("point", "model"):
            label = mark.values["model"]
            if "published" in mark.values:  # diamonds, which the caption explains
                assert mark.outline not in outlines.values()
                assert "diamonds are published means" in saved.caption
            else:
                assert mark.outline == outlines[NAMES.get(label, label)]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("regcls.lab.charts.class_map", "probability per strip"),
        ("regcls.predictions.charts.density", "rows"),
        ("regcls.study.effect_chart.effect_map", "reg+cls: lower ← ratio (log scale) → higher"),
    ],
)
def test_continuous_colours_have_a_legend(name, title):
    assert figure(name).gradients == [title]


def test_colours_of_the_heat_map_are_on_the_side_of_their_ratios():
    """And they are those for which the text on them was chosen."""
    for view in figure("regcls.study.effect_chart.effect_map").charts:
        for mark in view.of("rect mark", "log"):
            red, green, blue = (int(v) for v in mark.fill[4:-1].split(","))
            log = svg_figures.number(mark.values["log"])
            assert (blue - red) * log <= 0 or abs(log) < 0.02
            expected = effect_chart.colour_of(log)
            assert np.abs(np.subtract((red, green, blue), expected)).max() <= 1


# Nothing is left out


def test_every_drawing_function_has_a_case():
    covered = {name.split()[0] for name in CASES}
    assert drawing_functions() == covered | INTERACTIVE | CONVERTERS


def test_pages_draw_nothing_themselves():
    for path in (ROOT / "pages").rglob("*.py"):
        imported = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for name in imported_names(node)
        }
        assert not imported & {"altair", "matplotlib", "plotly"}, path


def drawing_functions() -> set[str]:
    """Return the public functions of the library that return a chart."""
    found = set()
    for path in (ROOT / "regcls").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.returns and node.name[0] != "_":
                names = {n.id for n in ast.walk(node.returns) if isinstance(n, ast.Name)}
                names |= {n.attr for n in ast.walk(node.returns) if isinstance(n, ast.Attribute)}
                if names & set(DRAWINGS) and "Iterator" not in names:
                    found.add(f"{module}.{node.name}")
    return found


def imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


# The comparison notices what once went wrong


@pytest.mark.parametrize("name", [n for n in CASES if "study" not in n])
def test_a_changed_number_would_be_noticed(name):
    """A single number that differs between the data of the chart and the table is found."""
    view = figure(name).charts[0]
    for part in case(name).shown[""]:
        for changed in altered(part):
            assert differences(view, changed), changed


def altered(part: Shown) -> list[Shown]:
    """Return what is expected with one number changed by a tenth of their range, in each column."""
    if isinstance(part, Lines):
        table = part.table.reset_index(drop=True)
        return [
            replace(part, table=table.assign(**{column: moved(table[column])}))
            for column in part.columns[1:]
        ]
    columns = {title: np.asarray(values) for title, values in dict(part.values).items()}
    changed: list[Shown] = [
        replace(part, values=columns | {title: moved(values)})
        for title, values in columns.items()
        if np.issubdtype(values.dtype, np.number)
    ]
    for name, ends in (("x", part.x), ("y", part.y)):
        if ends is not None:
            changed.append(replace(part, **{name: (*ends[:-1], moved(ends[-1]))}))
    return changed


def moved(values: Sequence[float] | pd.Series) -> np.ndarray:
    """Return the numbers with the first known one changed by a tenth of their range."""
    changed = np.array(values, float)
    first = np.flatnonzero(np.isfinite(changed))[0]
    changed[first] += 0.1 * (np.ptp(changed[np.isfinite(changed)]) or abs(changed[first]) or 1.0)
    return changed


# Comparison of a chart with a table


def differences(view: View, part: Shown) -> list[str]:
    """Return where the marks of a chart differ from what it has to show."""
    return of_lines(view, part) if isinstance(part, Lines) else of_marks(view, part)


def of_marks(view: View, part: Marks) -> list[str]:
    columns = {title: list(values) for title, values in dict(part.values).items()}
    marks = view.of(part.kind, *columns)
    rows = len(next(iter(columns.values())))
    if len(marks) != rows:
        return [f"{len(marks)} marks of the kind {part.kind} for {rows} rows"]
    wrong = [
        f"{title} is {mark.values[title]}, not {value}"
        for title, values in columns.items()
        for mark, value in zip(marks, values, strict=True)
        if not svg_figures.agrees(mark.values[title], value)
    ]
    for orient, ends in (("X", part.x), ("Y", part.y)):
        if ends is not None:
            wrong += of_places(view, marks, orient, ends)
    return wrong


def of_places(view: View, marks: Sequence[Mark], orient: str, ends: Ends) -> list[str]:
    """Compare positions, read off the axis, with the ends of each mark or with its centre."""
    axis = view.axis(ends[0])
    if axis is None:
        return [f"there is no axis {ends[0]}"]
    index = 0 if orient == "X" else 1
    wrong = []
    for mark, *values in zip(marks, *ends[1:], strict=True):
        places = [p[index] for p in mark.points] if len(values) == 2 else [mark.at[index]]
        found = (min(places), max(places)) if len(values) == 2 else places
        pixels = sorted(axis.pixel(float(v)) for v in values if np.isfinite(v))
        if len(pixels) == len(found) and not np.allclose(found, pixels, rtol=0, atol=PIXELS):
            shown = ", ".join(f"{axis.value(pixel):.4g}" for pixel in found)
            wrong.append(f"{ends[0]}: a {mark.kind} is at {shown}, not at {values}")
    return wrong


def of_lines(view: View, part: Lines) -> list[str]:
    x_axis, y_axis = (view.axis(title) for title in part.axes)
    if x_axis is None or y_axis is None:
        return [f"there are no axes {part.axes}"]
    found = view.of(part.kind, *([part.by] if part.by else []))
    lines = {mark.values[part.by] if part.by else "": mark for mark in found}
    groups = part.table.groupby(part.by, sort=False) if part.by else [("", part.table)]
    wrong = []
    for name, unordered in groups:
        rows = unordered.sort_values(part.columns[0], kind="stable")
        mark = lines.get(str(name))
        if mark is None:
            wrong.append(f"there is no {part.kind} of {name}")
            continue
        there, back = part.columns[1], part.columns[2:]
        path = [rows[[part.columns[0], there]]]
        path += [rows[[part.columns[0], column]][::-1] for column in back]
        corners = pd.DataFrame(np.concatenate([p.to_numpy(float) for p in path])).dropna()
        expected = np.array([(x_axis.pixel(x), y_axis.pixel(y)) for x, y in corners.to_numpy()])
        if len(mark.points) != len(expected):
            wrong.append(f"{name} has {len(mark.points)} points, not {len(expected)}")
            continue
        off = np.abs(np.array(mark.points) - expected).max()
        # The path of a band starts with either edge, that of a line with either end.
        off = min(off, np.abs(np.array(mark.points)[::-1] - expected).max())
        if off > PIXELS:
            wrong.append(f"the {part.kind} of {name} is up to {off:.1f} pixels off")
    return wrong
