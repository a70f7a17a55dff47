"""What the Lab's page changes about the specifications of its charts; saved images keep them."""

from __future__ import annotations

from typing import Any

from regcls.lab import charts


def titled(spec: dict[str, Any], run: int | None, title: str = "") -> dict[str, Any]:
    """Return a chart's specification with the run that it shows in its title.

    Parameters
    ----------
    spec : dict
        Vega-Lite specification with a title.
    run : int or None
        Index of the run, from 0; None for all runs.
    title : str
        Title instead of the specification's own.

    Returns
    -------
    dict
        The specification.

    Examples
    --------
    >>> titled({"title": "Test error"}, 1)["title"], titled({"title": "Test error"}, None)["title"]
    ('Test error, run 2', 'Test error, all runs')
    """
    of = "all runs" if run is None else f"run {run + 1}"
    return {**spec, "title": f"{title or spec['title']}, {of}"}


def on_page(spec: dict[str, Any], legend: bool = True) -> dict[str, Any]:
    """Return the specification of a chart for the Lab's page, which names the models in its text.

    Parameters
    ----------
    spec : dict
        Vega-Lite specification.
    legend : bool
        Whether the models have a legend, in one row. Charts below one that has it go without.

    Returns
    -------
    dict
        The specification; without a legend, it is lower by the legend's height.
    """
    changed = _with_legend(spec, {"labelExpr": None, "columns": 4} if legend else None)
    changed["layer"] = [_without_empty_labels(layer) for layer in changed.get("layer", [])]
    return changed if legend else {**changed, "height": charts.LOW}


def _without_empty_labels(layer: dict[str, Any]) -> dict[str, Any]:
    """Hide rectangles from screen readers: before a run there are none, a group without a label.

    The chart's text describes them.
    """
    mark = layer.get("mark")
    if not isinstance(mark, dict) or mark.get("type") != "rect":
        return layer
    return {**layer, "mark": {**mark, "aria": False}}


def _with_legend(part: Any, changes: dict[str, Any] | None) -> Any:
    """Change the legends of the models in a part of a specification, or remove them."""
    if isinstance(part, list):
        return [_with_legend(item, changes) for item in part]
    if not isinstance(part, dict):
        return part
    inner = {name: _with_legend(value, changes) for name, value in part.items()}
    if part.get("field") != "model" or "scale" not in part:
        return inner
    legend = changes if changes is None else {**(part.get("legend") or {}), **changes}
    if legend is not None:
        legend = {
            name: value for name, value in legend.items() if name == "title" or value is not None
        }
    return inner | {"legend": legend}
