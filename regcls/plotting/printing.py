"""Charts as they are saved in a file: without interaction, with their caption below.

On a page, the caption and the settings stand beside a chart; a saved image has to carry both.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from regcls.plotting.style import LIGHT, theme

PRINT_WIDTH = 720  # pixels of a chart's plotting area, before the scale of a PNG
PRINT_SCALE = 2
_FONT_SIZE = 11  # pixels
_CHARACTER = 5.8  # pixels, on average at this size
# By default, scales of parts of one specification are merged: a legend's would change the panels'.
_APART = dict.fromkeys(("color", "fill", "stroke", "shape", "strokeDash", "opacity"), "independent")
# Selections need a browser. The rest is valid at the top level of a specification only.
_LEFT_OUT = ("params", "$schema", "config", "autosize", "background", "datasets")


def static(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a specification as a part of a larger one, without interaction.

    Parameters
    ----------
    spec : mapping
        Vega-Lite specification of one chart.

    Returns
    -------
    dict
        The specification without selections and without the names of its views. Selections refer to
        these names, and views of one name would all be drawn with the data of one of them.

    Examples
    --------
    >>> static({"layer": [{"name": "view_1", "mark": "bar"}], "params": [{"name": "pick"}]})
    {'layer': [{'mark': 'bar'}]}
    """
    kept = {key: part for key, part in spec.items() if key not in (*_LEFT_OUT, "name")}
    if "layer" in kept:
        kept["layer"] = [static(layer) for layer in kept["layer"]]
    return kept


def with_text(
    parts: Sequence[Mapping[str, Any]], caption: str, settings: str, width: float, title: str = ""
) -> dict[str, Any]:
    """Return charts one below the other as one specification, with text below them.

    Parameters
    ----------
    parts : sequence of mapping
        Specifications from `static`, from top to bottom.
    caption, settings : str
        Paragraphs below the charts; empty ones are left out.
    width : float
        Width of the text in pixels.
    title : str
        Title above all charts; none if empty.

    Returns
    -------
    dict
        Vega-Lite specification on a white background.
    """
    whole: dict[str, Any] = {"vconcat": list(parts), "resolve": {"scale": _APART}}
    if title:
        heading = {"text": title, "anchor": "middle", "fontSize": 15, "offset": 12}
        whole = {"vconcat": [whole | {"title": heading}]}
    text, subtitle = (wrapped(paragraph, width) for paragraph in (caption, settings))
    if text or subtitle:
        whole["title"] = {
            "text": text or subtitle,
            "subtitle": subtitle if text else [],
            "orient": "bottom",
            "anchor": "start",
            "align": "left",
            "fontSize": _FONT_SIZE,
            "fontWeight": "normal",
            "subtitleFontSize": _FONT_SIZE,
            "subtitleColor": LIGHT.quiet,
            "offset": 12,
        }
    look = theme()
    # On paper, where nothing can be hovered, positions are read from ticks.
    look = look | {"axis": look["axis"] | {"ticks": True, "domain": True}}
    return whole | {"config": look, "background": LIGHT.background, "padding": 8}


def wrapped(paragraph: str, width: float) -> list[str]:
    """Return the lines of a paragraph.

    Parameters
    ----------
    paragraph : str
        Text.
    width : float
        Width of the lines in pixels.

    Returns
    -------
    list of str
        Lines; none for an empty paragraph.

    Examples
    --------
    >>> wrapped("Lower is better.", 60)
    ['Lower is', 'better.']
    """
    most = max(int(width / _CHARACTER), 10)
    return textwrap.wrap(paragraph, most, break_on_hyphens=False)


def as_png(spec: Mapping[str, Any]) -> bytes:
    """Return a specification as a PNG image of twice its size in pixels."""
    import vl_convert

    return vl_convert.vegalite_to_png(dict(spec), scale=PRINT_SCALE)


def as_svg(spec: Mapping[str, Any]) -> bytes:
    """Return a specification as an SVG image, UTF-8 encoded."""
    import vl_convert

    return vl_convert.vegalite_to_svg(dict(spec)).encode()
