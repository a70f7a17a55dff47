"""The error report as one HTML file with interactive charts, which works offline and prints well."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from html import escape as _escape
from pathlib import Path
from typing import Any

from regcls import __version__
from regcls.formats import counted
from regcls.plotting import mixture, style
from regcls.plotting.chart import Picture
from regcls.predictions import charts, figures
from regcls.predictions.figures import Figures
from regcls.predictions.html_style import STYLE
from regcls.predictions.report import Report

OVERALL = (
    "MAE: mean absolute error; balanced MAE: its mean over target ranges; GM: geometric mean of "
    "absolute errors."
)
SERA = " SERA: sum of squared errors weighted by the rarity of the target in training."
INTERVALS = "Values in brackets: 95% intervals."
_FONT = "system-ui, sans-serif"
_ENCODED = ("color", "fill", "stroke", "shape", "strokeDash")


@dataclass(frozen=True)
class _Part:
    """A chart or a table of the report, with its heading within a section."""

    what: Picture | Figures
    heading: str = ""
    caption: str = ""
    slider: bool = False
    models: tuple[str, ...] = ()  # of the legend, if they are not all


def file_name(title: str) -> str:
    """Return the report's file name.

    Parameters
    ----------
    title : str
        Name of the table, such as that of its file.

    Returns
    -------
    str
        "report-", what is left of the name, and ".html".

    Examples
    --------
    >>> file_name("my data.csv"), file_name("Age (shipped models)")
    ('report-my-data.html', 'report-Age-shipped-models.html')
    """
    stem = re.sub(r"\.(csv|tsv|txt|parquet|xlsx?|gz)$", "", Path(title).name, flags=re.IGNORECASE)
    slug = re.sub(r"[^\w.]+", "-", stem).strip("-.")[:80]
    return f"report-{slug or 'table'}.html"


def write(report: Report, title: str, made: date | None = None) -> str:
    """Return the report as an HTML page that loads nothing from the network.

    Parameters
    ----------
    report : Report
        An error report.
    title : str
        Name of the table, for the heading.
    made : date, optional
        Date of the report; by default today.

    Returns
    -------
    str
        The page, with the charts' library and data inside.
    """
    sections = _sections(report)
    settings = charts.settings_text(report, title)
    specs: list[dict[str, Any]] = []
    body = "".join(
        _section(number, heading, parts, report, settings, specs)
        for number, (heading, parts) in enumerate(sections.items(), start=1)
    )
    headings = [*sections, "Data and method"]
    name = _escape(title)  # as it is
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Error report: {name}</title><style>{STYLE}</style></head><body>"
        f"<main>{_opening(report, title, made or date.today())}{_contents(headings)}{body}"
        f"{_method(len(headings), report)}</main>{_script(specs)}</body></html>"
    )


def intervals(report: Report) -> str:
    """Return what the report's intervals are for and how they were made, in sentences."""
    level = figures.percent(report.errors.level)
    return (
        f"These figures are for new {report.unit} like those of the table, with the same models. "
        f"Intervals of errors: {level}, percentile bootstrap over {report.unit}. Intervals of "
        f"differences: t-intervals that hold together in at least {level} of such reports (Holm's "
        "correction over all pairs of models and all ranges); verdicts follow from them."
    )


def escape(text: str) -> str:
    """Return text as HTML, typeset as on the page."""
    return _escape(figures.typeset(text))


def _opening(report: Report, title: str, made: date) -> str:
    """Title, what the report is on, the verdict, and the errors at a glance."""
    first, *rest = report.verdict_parts
    covered = () if report.coverage is None else report.coverage.sentences(report.unit)
    facts = [
        f"{made.day} {made:%B %Y}",
        counted(len(report.arrays.y), "row"),
        counted(len(report.models), "model"),
        counted(len(report.edges) - 1, "target range"),
    ]
    return (
        f'<header><p class="kind">Error report per target range</p><h1>{_escape(title)}</h1>'
        f'<p class="facts">{escape(" · ".join(facts))}</p></header>'
        f'<p class="verdict">{escape(first)}</p>'
        f"<p>{escape(' '.join((*rest, *covered)))}</p>"
        f'<figure class="glance">{figures.by_shot(report).html()}'
        f"<figcaption>{escape(figures.by_shot_caption(report))}</figcaption></figure>"
        f"{_listed(report.cautions, 'cautions')}"
    )


def _contents(headings: Sequence[str]) -> str:
    items = "".join(
        f'<li><a href="#section-{number}">{escape(heading)}</a></li>'
        for number, heading in enumerate(headings, start=1)
    )
    return f'<nav aria-label="Contents"><h2>Contents</h2><ol>{items}</ol></nav>'


def _sections(report: Report) -> dict[str, list[_Part]]:
    """Parts by section, in reading order; sections without parts are left out."""
    sections = {
        "Error per target range": [_Part(charts.errors(report))],
        "Natural or balanced targets": [_Part(mixture.reweighted(report.errors), slider=True)],
        "Models compared": list(_compared(report)),
        "Prediction intervals": list(_covered(report)),
        "Residuals": [_Part(charts.residuals(report))],
        "Predicted against true values": [
            _Part(charts.density(report, model), model) for model in report.models
        ],
        "Targets": [_Part(charts.distribution(report))],
        "Segments": [
            _Part(figures.segments(report), caption=f"The most frequent categories. {INTERVALS}")
        ]
        if len(report.segments)
        else [],
        "Largest errors": [
            _Part(figures.worst(report), caption="Row 1 is the first below the header.")
        ],
        "All figures": list(_figures(report)),
    }
    return {heading: parts for heading, parts in sections.items() if parts}


def _compared(report: Report) -> Iterator[_Part]:
    first = report.models[0]
    for other in report.models[1:]:
        heading = f"{other} against {first}" if len(report.models) > 2 else ""
        yield _Part(charts.differences(report, other, first), heading)


def _covered(report: Report) -> Iterator[_Part]:
    if report.coverage is None:
        return
    yield _Part(charts.coverage(report), models=tuple(report.coverage.names))
    yield _Part(
        figures.coverage(report),
        "Coverage over all rows",
        caption="Nominal: level that the intervals are meant to have; mean width in target units. "
        f"{INTERVALS}",
    )


def _figures(report: Report) -> Iterator[_Part]:
    sera = SERA if report.overall["sera"].notna().any() else ""
    yield _Part(figures.overall(report), "All rows", f"{OVERALL}{sera} {INTERVALS}")
    yield _Part(
        figures.shots(report),
        "Ranges with many, medium and few targets",
        f"{report.shot_names[1].capitalize()}. {INTERVALS}",
    )
    yield _Part(figures.ranges(report), "Target ranges", INTERVALS)
    first = report.models[0]
    for other in report.models[1:]:
        yield _Part(
            figures.differences(report, other, first),
            f"{other} minus {first}: MAE per target range",
            "Intervals and verdicts hold together for all pairs of models and all ranges.",
        )


def _section(
    number: int,
    heading: str,
    parts: Sequence[_Part],
    report: Report,
    settings: str,
    specs: list[dict[str, Any]],
) -> str:
    """Return a section; the specifications of its charts are added to ``specs``."""
    body = []
    drawings = sum(isinstance(part.what, Picture) for part in parts)
    for part in parts:
        title = f"<h3>{escape(part.heading)}</h3>" if part.heading else ""
        if isinstance(part.what, Figures):
            caption = f"<figcaption>{escape(part.caption)}</figcaption>" if part.caption else ""
            body.append(
                f'<figure>{title}<div class="table">{part.what.html()}</div>{caption}</figure>'
            )
            continue
        picture = _without_empty(part.what)
        spec, legend = _drawn(picture, part, report)
        specs.append(spec)
        name = f"{heading} {part.heading}".strip()
        body.append(
            f'<figure>{title}{legend}<div class="chart" role="img" '
            f'aria-label="{escape(picture.caption)}"></div>'
            f"<figcaption>{escape(picture.caption)} {_saved(picture, name, settings)}"
            "</figcaption></figure>"
        )
    kind = ' class="side"' if drawings > 1 else ""
    return (
        f'<section id="section-{number}"{kind}><h2>{number}. {escape(heading)}</h2>'
        f"{''.join(body)}</section>"
    )


def _drawn(picture: Picture, part: _Part, report: Report) -> tuple[dict[str, Any], str]:
    """Return a chart's specification for the page, and its legend as text that can wrap."""
    spec = mixture.with_slider(picture) if part.slider else picture.whole
    # The heading above the chart is its title.
    spec = {k: v for k, v in spec.items() if k not in ("title", "$schema")}
    spec, models = _without_model_legend(spec)
    look = style.theme() | {"font": _FONT}
    return spec | {"width": "container", "config": look}, _legend(
        part.models or report.models
    ) if models else ""


def _without_empty(picture: Picture) -> Picture:
    """Leave out the layers without data, whose extent would be infinite, and words on them."""
    empty = {name for name, table in picture.data.items() if table.empty}
    layers = picture.spec.get("layer", [])
    kept = [layer for layer in layers if layer.get("data", {}).get("name") not in empty]
    if len(kept) == len(layers):
        return picture
    data = {name: table for name, table in picture.data.items() if name not in empty}
    # Where no model overtakes another, there is no diamond.
    caption = picture.caption.replace(" Diamonds: the lowest error passes to another model.", "")
    return replace(picture, spec={**picture.spec, "layer": kept}, data=data, caption=caption)


def _without_model_legend(spec: Any) -> tuple[Any, bool]:
    """Return a specification without legends of the models, and whether it had encodings of them.

    A legend inside a chart cannot wrap, so that names of models would be cut off.
    """
    if isinstance(spec, list):
        parts = [_without_model_legend(part) for part in spec]
        return [part for part, _ in parts], any(found for _, found in parts)
    if not isinstance(spec, dict):
        return spec, False
    made, any_found = {}, False
    for key, value in spec.items():
        if key == "datasets":
            made[key] = value
        elif key in _ENCODED and isinstance(value, dict) and value.get("field") == "model":
            made[key], any_found = value | {"legend": None}, True
        else:
            made[key], found = _without_model_legend(value)
            any_found |= found
    return made, any_found


def _legend(models: Sequence[str]) -> str:
    names = zip(models, style.palette(models), strict=True)
    items = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in names
    )
    return f'<p class="legend">{items}</p>'


def _saved(picture: Picture, heading: str, settings: str) -> str:
    """Return the link that saves a chart with caption and settings."""
    svg = b64encode(replace(picture, settings=settings).svg()).decode()
    name = re.sub(r"\W+", "-", heading.lower()).strip("-")[:60]
    return f'<a class="save" download="{name}.svg" href="data:image/svg+xml;base64,{svg}">Save as SVG</a>'


def _method(number: int, report: Report) -> str:
    """Roles of the columns, target ranges, notes on the data, and what the intervals mean."""
    columns = report.arrays.columns
    cautions = set(report.cautions)
    said = [
        f"Columns: {columns.summary}" if columns else "",
        f"Target ranges: {report.ranges.reason} {report.imbalance}",
        *(note for note in report.arrays.notes if note not in cautions),
        intervals(report),
    ]
    return (
        f'<section id="section-{number}"><h2>{number}. Data and method</h2>'
        f"{_listed([text for text in said if text])}</section>"
        f"<footer>Made with regcls {escape(__version__)}. The file needs no network connection."
        "</footer>"
    )


def _listed(texts: Sequence[str], kind: str = "") -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<ul class="{kind}">{items}</ul>' if items else ""


def _script(specs: list[dict[str, Any]]) -> str:
    """Return script elements with the charts and the library that draws them."""
    import vl_convert

    draw = (
        "document.querySelectorAll('.chart').forEach((at, i) => vegaEmbed(at, SPECS[i], "
        "{actions: false, renderer: 'svg'}));"
    )
    bundle = vl_convert.javascript_bundle(draw).replace("</script", "<\\/script")
    data = json.dumps(specs).replace("<", "\\u003c")
    return f"<script>const SPECS = {data};</script><script type=module>{bundle}</script>"
