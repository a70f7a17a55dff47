"""What a saved chart shows: marks, axes, legends and text of an SVG image that Vega has drawn."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

Point = tuple[float, float]
_VIEW = re.compile(r"concat_\d+_group$")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
_SUFFIXES = {"%": 0.01, "k": 1e3, "M": 1e6}


@dataclass
class Mark:
    """A mark with what Vega writes about it: ``values`` are the texts of its data by title."""

    kind: str
    values: dict[str, str]
    at: Point
    points: list[Point]
    outline: str  # commands of its path, without numbers: the shape of a symbol
    fill: str
    stroke: str
    text: str

    @property
    def colour(self) -> str:
        return self.stroke if self.fill in ("", "none", "transparent") else self.fill


@dataclass
class Axis:
    """An axis: its title and the pixels and values of its ticks."""

    title: str
    orient: str  # "X" or "Y"
    scale: str  # "linear", "log" or "discrete"
    pixels: list[float] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def value(self, pixel: float) -> float:
        """Return the value at a position, from the first and the last tick with a number."""
        ticks = [(p, number(t)) for p, t in zip(self.pixels, self.labels, strict=True) if t]
        (first, low), (last, high) = ticks[0], ticks[-1]
        share = (pixel - first) / (last - first)
        if self.scale == "log":
            return low * (high / low) ** share
        return low + share * (high - low)

    def pixel(self, value: float) -> float:
        """Return the position of a value."""
        ticks = [(p, number(t)) for p, t in zip(self.pixels, self.labels, strict=True) if t]
        (first, low), (last, high) = ticks[0], ticks[-1]
        if self.scale == "log":
            share = math.log(value / low) / math.log(high / low)
        else:
            share = (value - low) / (high - low)
        return first + share * (last - first)


@dataclass
class View:
    """A chart, or charts side by side, with its own title."""

    title: str = ""
    subtitle: str = ""
    axes: list[Axis] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    legend: list[Mark] = field(default_factory=list)  # symbols with their labels as text
    gradients: list[str] = field(default_factory=list)  # titles of legends of continuous colours

    def axis(self, title: str) -> Axis | None:
        return next((axis for axis in self.axes if axis.title == title), None)

    def of(self, kind: str, *titles: str) -> list[Mark]:
        """Return the marks of a kind that have data of all these titles."""
        return [m for m in self.marks if m.kind == kind and all(t in m.values for t in titles)]


@dataclass
class Figure:
    """A saved image: its charts, and the text around them."""

    views: list[View]

    @property
    def charts(self) -> list[View]:
        return [view for view in self.views if view.axes]

    @property
    def caption(self) -> str:
        return self.views[0].title

    @property
    def settings(self) -> str:
        return self.views[0].subtitle

    @property
    def titles(self) -> list[str]:
        """Titles, from the outermost one, without the caption."""
        return [view.title for view in self.views[1:] if view.title]

    @property
    def legend(self) -> list[Mark]:
        return [entry for view in self.views for entry in view.legend]

    @property
    def gradients(self) -> list[str]:
        return [title for view in self.views for title in view.gradients]


def read(svg: bytes) -> Figure:
    """Return what an SVG image shows."""
    figure = Figure([])
    root = ElementTree.fromstring(svg)
    _walk(root, (0.0, 0.0), figure, None)
    return figure


def _walk(element: ElementTree.Element, origin: Point, figure: Figure, view: View | None) -> None:
    origin = _moved(element, origin)
    kind = element.get("class", "")
    if "role-frame root" in kind or _VIEW.search(kind):
        view = View()
        figure.views.append(view)
    if view is not None and "role-title-text" in kind:
        view.title = _text(element)
    elif view is not None and "role-title-subtitle" in kind:
        view.subtitle = _text(element)
    elif view is not None and "role-axis" in kind:
        if element.get("aria-label"):  # the grid lines are a second group without a label
            view.axes.append(_axis(element, origin))
    elif view is not None and "role-legend" in kind:
        _read_legend(element, view)
    else:
        if view is not None and element.get("aria-label"):
            view.marks.append(_mark(element, origin))
        for child in element:
            _walk(child, origin, figure, view)


def _read_legend(element: ElementTree.Element, view: View) -> None:
    symbols = [_mark(e, (0.0, 0.0)) for e in _parts(element, "role-legend-symbol")]
    labels = [_text(e) for e in _parts(element, "role-legend-label")]
    if not symbols:
        view.gradients += [_text(e) for e in _parts(element, "role-legend-title")]
    for symbol, label in zip(symbols, labels, strict=False):
        symbol.text = label
        view.legend.append(symbol)


def _parts(element: ElementTree.Element, role: str) -> Iterator[ElementTree.Element]:
    """Yield what is drawn inside the groups of a role."""
    for group in element.iter():
        if role in group.get("class", ""):
            yield from group


def _axis(element: ElementTree.Element, origin: Point) -> Axis:
    label = element.get("aria-label", "")
    orient = label[0]
    scale = next((s for s in ("log", "discrete") if f"for a {s} scale" in label), "linear")
    title = " ".join(_text(e) for e in _parts(element, "role-axis-title"))
    axis = Axis(title, orient, scale)
    for group, place in _groups(element, origin):
        if "role-axis-tick" in group.get("class", ""):
            places = (_moved(line, place) for line in group)
            axis.pixels = [x if orient == "X" else y for x, y in places]
    axis.labels = [_text(e) for e in _parts(element, "role-axis-label")]
    return axis


def _groups(
    element: ElementTree.Element, origin: Point
) -> Iterator[tuple[ElementTree.Element, Point]]:
    for child in element:
        place = _moved(child, origin)
        yield child, place
        yield from _groups(child, place)


def _mark(element: ElementTree.Element, origin: Point) -> Mark:
    at = origin  # its own translation is part of it already
    path = element.get("d", "")
    points = [(at[0] + x, at[1] + y) for x, y in _points(path)]
    if element.tag.endswith("line"):
        end = (at[0] + float(element.get("x2", 0)), at[1] + float(element.get("y2", 0)))
        points = [at, end]
    values: dict[str, str] = {}
    for part in element.get("aria-label", "").split("; "):
        title, _, value = part.partition(": ")
        values.setdefault(title, value)
    outline = re.sub(r"[^A-Za-z]", "", path)
    look = (element.get("fill", ""), element.get("stroke", ""))
    kind = element.get("aria-roledescription", "")
    return Mark(kind, values, at, points, outline, *look, _text(element))


def _moved(element: ElementTree.Element, origin: Point) -> Point:
    found = re.search(r"translate\(([^,)]+),([^)]+)\)", element.get("transform", ""))
    return (origin[0] + float(found[1]), origin[1] + float(found[2])) if found else origin


def _text(element: ElementTree.Element) -> str:
    """Return a text whose lines are elements of their own."""
    return " ".join(t.strip() for t in element.itertext() if t.strip())


def _points(path: str) -> list[Point]:
    """Return the corners of a path."""
    points: list[Point] = []
    x = y = 0.0
    for command, rest in re.findall(r"([A-Za-z])([^A-Za-z]*(?:e[-+]?\d+[^A-Za-z]*)*)", path):
        numbers = [float(n) for n in _NUMBER.findall(rest)]
        if command in "MLACQ":
            x, y = numbers[-2:]
        elif command in "Hh":
            x = numbers[0] + (x if command == "h" else 0)
        elif command in "Vv":
            y = numbers[0] + (y if command == "v" else 0)
        elif command in "mlacq":
            x, y = x + numbers[-2], y + numbers[-1]
        else:  # Z
            continue
        points.append((x, y))
    return points


def number(text: str) -> float:
    """Return the number that a label writes, such as "−1.5", "20%" or "3k"."""
    text = text.strip().replace("−", "-").replace(",", "")
    for suffix, factor in _SUFFIXES.items():
        if text.endswith(suffix):
            return float(text[:-1]) * factor
    return float(text)


def agrees(text: str, value: object) -> bool:
    """Return whether a text is a value in one of the number formats of the charts."""
    if isinstance(value, str):
        return text == value
    expected = float(value)  # type: ignore[arg-type]
    if math.isnan(expected):
        return text in ("null", "NaN", "")
    formats = _PERCENT if text.endswith("%") else _FORMATS
    nearly = (expected * (1 + e) for e in (0.0, 1e-9, -1e-9))  # halves are rounded up or down
    try:
        return any(_same(text, format(v, f), f) for v in nearly for f in formats)
    except ValueError:  # the text is no number
        return False


_PERCENT = (".0%", ".1%", ".6%")
_FORMATS = (".2g", ".3g", ".4g", ".10g", ".2f", ".3f", ".4f")


def _same(text: str, written: str, how: str) -> bool:
    decimals = (len(part.strip("%").partition(".")[2]) for part in (text, written))
    if how.endswith("f") and len(set(decimals)) > 1:
        return False
    # Vega writes at most ten decimals of a number without a format.
    exact = 1e-10 if how == ".10g" else 0.0
    return math.isclose(number(text), number(written), rel_tol=1e-8, abs_tol=exact)


BESIDE = 9.0  # pixels from a point to the text that stands beside it


def misplaced(view: View, pixels: float) -> list[str]:
    """Return the marks whose position and data differ by more than so many pixels, as text.

    The position of a symbol, or one corner of another mark, is held against the value that the mark
    has under the title of an axis. Where it has values of both y-axes, one of them has to fit.
    """
    wrong = []
    for mark in view.marks:
        places = [mark.at] if mark.kind in SYMBOLS or not mark.points else mark.points
        near = pixels + (BESIDE if mark.kind == "text mark" else 0.0)
        for orient in "XY":
            axes = [
                axis
                for axis in view.axes
                if axis.orient == orient and axis.scale != "discrete" and axis.title in mark.values
            ]
            found = np.array([x if orient == "X" else y for x, y in places])
            if axes and not any(_fits(axis, mark.values[axis.title], found, near) for axis in axes):
                wrong.append(f"{mark.kind} {mark.values} is at {orient} = {found}")
    return wrong


def _fits(axis: Axis, text: str, found: np.ndarray, pixels: float) -> bool:
    value, digits = number(text), len(text.strip("%").partition(".")[2])
    rounding = 0.5 * 10.0**-digits * 0.01 if text.endswith("%") else 0.0
    expected = axis.pixel(value)
    tolerance = pixels + (abs(axis.pixel(value + rounding) - expected) if rounding else 0.0)
    return bool(np.abs(found - expected).min() <= tolerance)


SYMBOLS = ("point", "circle", "square", "text mark")
