"""Grids of small charts that a page can stack on a narrow screen or save as one image."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from regcls.plotting.chart import Picture
from regcls.plotting.printing import as_png, as_svg, static, with_text
from regcls.study.grid import Grid

SELECTION = "pick"  # name of the selection that a click makes; its field is "cell"
GREY = "#73848D"  # contrast of 4:1 or more with the background of both themes
_WIDTH = 210  # pixels of a panel in an image
_BETWEEN = 48  # pixels for the axis and the gap of a panel, for the width of the text
_LABEL_LIMIT = 400  # pixels of a legend's label


@dataclass(frozen=True)
class LegendEntry:
    """A legend's entry on a page and in an image.

    Attributes
    ----------
    label : str
        Text.
    symbol : str
        HTML of the symbol.
    shape : str
        Vega symbol of the same look.
    fill, stroke : str
        Its colours.
    """

    label: str
    symbol: str
    shape: str
    fill: str
    stroke: str = "transparent"


@dataclass(frozen=True)
class Panels:
    """Charts in rows and columns.

    Attributes
    ----------
    panels : dict of (str, str) to Picture
        Charts by row and column title.
    caption : str
        Text below the panels.
    title : str
        Title above all panels of an image; a page has headings instead.
    legend : tuple of LegendEntry
        Legend of an image; a page shows `html_legend` of the same entries.
    y_title : str
        Title of the first column's y-axis in an image, where the panels have none on the page.
    settings : str
        Settings behind the data, below the caption of an image.
    hint : str
        What can be clicked on the page, after the caption; left out of images.
    """

    panels: dict[tuple[str, str], Picture]
    caption: str
    title: str = ""
    legend: tuple[LegendEntry, ...] = ()
    y_title: str = ""
    settings: str = ""
    hint: str = ""

    @property
    def rows(self) -> list[str]:
        """Row titles, in order."""
        return list(dict.fromkeys(row for row, _ in self.panels))

    @property
    def columns(self) -> list[str]:
        """Column titles, in order."""
        return list(dict.fromkeys(column for _, column in self.panels))

    def whole(self) -> dict[str, Any]:
        """Return all panels as one Vega-Lite specification with embedded data.

        Returns
        -------
        dict
        """
        rows = [
            {"hconcat": [self._panel(row, column) for column in self.columns]} for row in self.rows
        ]
        shared = {"scale": {"color": "shared", "shape": "shared", "strokeDash": "shared"}}
        return {"vconcat": rows, "resolve": shared}

    @property
    def printed(self) -> dict[str, Any]:
        """Specification of a saved image: title, legend, panels, caption and settings."""
        parts = [_legend_view(self.legend), self.whole()] if self.legend else [self.whole()]
        width = len(self.columns) * (_WIDTH + _BETWEEN)
        return with_text(parts, self.caption, self.settings, width, self.title)

    def _panel(self, row: str, column: str) -> dict[str, Any]:
        """Return the specification of one panel, without interaction and of fixed size."""
        picture = self.panels[row, column]
        spec = static(copy.deepcopy(picture.spec))
        for name, data in picture.data.items():
            _embed(spec, name, json.loads(data.to_json(orient="records")))
        if self.y_title and column == self.columns[0]:
            for layer in spec["layer"]:
                layer["encoding"]["y"]["title"] = self.y_title
        title = f"{row}, {column}" if row else column
        return spec | {"title": title, "width": _WIDTH}

    def png(self) -> bytes:
        """Return all panels as a PNG image.

        Returns
        -------
        bytes
        """
        return as_png(self.printed)

    def svg(self) -> bytes:
        """Return all panels as an SVG image, UTF-8 encoded.

        Returns
        -------
        bytes
        """
        return as_svg(self.printed)


def _legend_view(entries: tuple[LegendEntry, ...]) -> dict[str, Any]:
    """Return a chart that consists of a legend only."""
    labels = [entry.label for entry in entries]
    legend = {
        "title": None,
        "orient": "none",
        "direction": "horizontal",
        "columns": 0,
        "labelLimit": _LABEL_LIMIT,
        "symbolSize": 80,
        "symbolOpacity": 1,
    }

    def channel(values: list[str]) -> dict[str, Any]:
        scale = {"domain": labels, "range": values}
        return {"field": "label", "type": "nominal", "scale": scale, "legend": legend}

    return {
        "data": {"values": []},
        "mark": {"type": "point", "filled": False},
        "width": _WIDTH,
        "height": 14,
        "view": {"stroke": None},
        "encoding": {
            "shape": channel([entry.shape for entry in entries]),
            "fill": channel([entry.fill for entry in entries]),
            "stroke": channel([entry.stroke for entry in entries]),
        },
    }


def settings_text(grid: Grid) -> str:
    """Return what all cells of a grid share as a sentence, for the files of its charts.

    Parameters
    ----------
    grid : Grid
        The grid.

    Returns
    -------
    str
        Name, number of settings and runs, and protocol.

    Examples
    --------
    >>> print(settings_text(Grid("demo", title="A demo", classes=(4, 16))))
    Grid “demo” (A demo): 2 settings, each planned for 10 functions × 5 data seeds, with 65,115 \
samples per data set (a third for training), 80 epochs and batches of 256.
    """
    title = f" ({grid.title})" if grid.title else ""
    repeats = f" × {grid.repeats} initialisations" if grid.repeats > 1 else ""
    protocol = grid.protocol
    return (
        f"Grid “{grid.name}”{title}: {len(grid.cells)} settings, each planned for "
        f"{len(grid.functions)} functions × {grid.data_seeds} data seeds{repeats}, with "
        f"{protocol.samples:,} samples per data set (a third for training), {protocol.epochs} "
        f"epochs and batches of {protocol.batch}."
    )


def _embed(part: Any, name: str, rows: list[dict[str, Any]]) -> None:
    """Replace references to the named data by the data, in all parts of a specification."""
    if isinstance(part, dict):
        if part.get("data") == {"name": name}:
            part["data"] = {"values": rows}
        for item in part.values():
            _embed(item, name, rows)
    elif isinstance(part, list):
        for item in part:
            _embed(item, name, rows)


def html_legend(entries: Iterable[LegendEntry]) -> str:
    """Return a legend that wraps on narrow screens.

    Parameters
    ----------
    entries : iterable of LegendEntry
        Entries, in order.

    Returns
    -------
    str
        HTML.
    """
    parts = [
        f'<span style="white-space:nowrap">{entry.symbol} {entry.label}</span>' for entry in entries
    ]
    return f'<div style="display:flex;flex-wrap:wrap;gap:.2rem 1.2rem">{"".join(parts)}</div>'
