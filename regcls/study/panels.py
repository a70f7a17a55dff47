"""Grids of small charts that a page can stack on a narrow screen or save as one image."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from regcls.plotting.chart import PRINT_SCALE, Picture

SELECTION = "pick"  # name of the selection that a click makes; its field is "cell"
GREY = "#73848D"  # contrast of 4:1 or more with the background of both themes
_WIDTH = 210  # pixels of a panel in an image
_BROWSER_ONLY = ("params", "$schema", "config", "autosize")


@dataclass(frozen=True)
class Panels:
    """Charts in rows and columns.

    Attributes
    ----------
    panels : dict of (str, str) to Picture
        Charts by row and column title.
    caption : str
        Text below the panels.
    """

    panels: dict[tuple[str, str], Picture]
    caption: str

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
        return {
            "vconcat": rows,
            "background": "white",
            "resolve": {"scale": {"color": "shared", "shape": "shared", "strokeDash": "shared"}},
        }

    def _panel(self, row: str, column: str) -> dict[str, Any]:
        """Return the specification of one panel, without interaction and of fixed size."""
        picture = self.panels[row, column]
        spec = copy.deepcopy(picture.spec)
        for name, data in picture.data.items():
            _embed(spec, name, json.loads(data.to_json(orient="records")))
        title = f"{row}, {column}" if row else column
        static = {key: part for key, part in spec.items() if key not in _BROWSER_ONLY}
        for layer in static["layer"]:
            # Names, to which selections refer, are the same in all panels: layers of one name would
            # be drawn with the data of one panel.
            layer.pop("name", None)
        return static | {"title": title, "width": _WIDTH}

    def png(self) -> bytes:
        """Return all panels as a PNG image.

        Returns
        -------
        bytes
        """
        import vl_convert

        return vl_convert.vegalite_to_png(self.whole(), scale=PRINT_SCALE)

    def svg(self) -> bytes:
        """Return all panels as an SVG image, UTF-8 encoded.

        Returns
        -------
        bytes
        """
        import vl_convert

        return vl_convert.vegalite_to_svg(self.whole()).encode()


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


def html_legend(entries: Iterable[tuple[str, str]]) -> str:
    """Return a legend that wraps on narrow screens.

    Parameters
    ----------
    entries : iterable of (str, str)
        Symbol, as HTML, and label of each entry.

    Returns
    -------
    str
        HTML.
    """
    parts = [
        f'<span style="white-space:nowrap">{symbol} {label}</span>' for symbol, label in entries
    ]
    return f'<div style="display:flex;flex-wrap:wrap;gap:.2rem 1.2rem">{"".join(parts)}</div>'
