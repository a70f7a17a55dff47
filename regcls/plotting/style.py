"""Colours, dashes, shapes and display names of the models in all charts."""

from __future__ import annotations

import json
from collections.abc import Sequence

# Colours of Okabe and Ito. The control is dashed as well, so that colour is not the only cue.
COLOURS = {"reg": "#D55E00", "control": "#009E73", "reg+cls": "#0072B2"}
# User-supplied models: a related colour and another name than the shipped model's.
OWN_COLOURS = {"own reg": "#E69F00", "own reg+cls": "#56B4E9"}
PALETTE = COLOURS | OWN_COLOURS
_OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#0072B2", "#D55E00", "#B8A500", "#7A7A7A")
_ALIASES = {"regcls": "reg+cls", "reg_cls": "reg+cls"}
NAMES = {
    "reg": "reg",
    "control": "control (reg, matched scale)",
    "reg+cls": "reg+cls",
}
FUNCTION = "true function"
FUNCTION_COLOUR = "#7A7A7A"
HISTOGRAM_COLOUR = "#8A9AA3"
DENSITY_COLOUR = "#CC79A7"
DASHES = {"reg": [1, 0], "control": [5, 3], "reg+cls": [1, 0]}
SHAPES = {"reg": "circle", "control": "triangle-up", "reg+cls": "square"}


def palette(models: Sequence[str]) -> list[str]:
    """Return one colour per model name.

    Parameters
    ----------
    models : sequence of str
        Model names. Known names (``reg``, ``control``, ``reg+cls``, also spelled ``regcls`` or
        ``reg_cls``, and the user-supplied models) keep their colour.

    Returns
    -------
    list of str
        Hexadecimal colours. A read-out such as "reg+cls, class head" takes the colour of its model
        if that is free. Other names take the unused colours, which repeat after eight.

    Examples
    --------
    >>> palette(["reg", "baseline"])
    ['#D55E00', '#009E73']
    >>> palette(["reg, recalibrated", "reg"])
    ['#009E73', '#D55E00']
    """
    known = [PALETTE.get(_ALIASES.get(model, model)) for model in models]
    for i, model in enumerate(models):
        own = PALETTE.get(model.partition(", ")[0])
        if known[i] is None and own not in known:
            known[i] = own
    left = iter([colour for colour in _OTHERS if colour not in known] + list(_OTHERS) * 8)
    return [colour or next(left) for colour in known]


def label_expression() -> str:
    """Return the Vega expression that replaces a model's key by its display name in a legend."""
    return f"{json.dumps(NAMES)}[datum.label] || datum.label"
