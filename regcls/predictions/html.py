"""The error report as one HTML file with interactive charts, which works offline."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from typing import Any

import pandas as pd

from regcls import __version__
from regcls.exceptions import sentence
from regcls.plotting import mixture
from regcls.plotting.chart import Picture
from regcls.predictions import charts
from regcls.predictions.report import Report

_METRICS = (
    "balanced_mae: mean of the MAE over ranges; gm: geometric mean of absolute errors; sera: sum "
    "of squared errors weighted by the rarity of the target in training."
)
_COVERAGE = (
    "nominal: level that the intervals are meant to have; width: their mean width, in target units; "
    "balanced_coverage: mean of the coverage over ranges."
)
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #16242B; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; } h1 { font-size: 1.8rem; } h2 { font-size: 1.25rem; margin-top: 2rem; }
table { border-collapse: collapse; font-size: .85rem; display: block; overflow-x: auto; }
td, th { padding: .25rem .6rem; border-bottom: 1px solid #D5DEE3; text-align: right; }
.caption { opacity: .75; font-size: .9rem; } .chart { width: 100%; min-height: 220px; }
"""


def write(report: Report, title: str) -> str:
    """Return the report as an HTML page that loads nothing from the network.

    Parameters
    ----------
    report : Report
        An error report.
    title : str
        Name of the table, for the heading.

    Returns
    -------
    str
        The page, with the charts' library and data inside.
    """
    sections = list(_sections(report))
    pictures = [part for _, part, _ in sections if isinstance(part, Picture)]
    settings = charts.settings_text(report, title)
    body = "".join(_section(*section, settings) for section in sections)
    specs = [
        {
            **(mixture.with_slider(part) if "flips" in part.data else part.whole),
            "width": "container",
        }
        for part in pictures
    ]
    covered = () if report.coverage is None else report.coverage.sentences(report.unit)
    said = (*covered, *report.cautions, *report.arrays.notes)
    notes = "".join(f"<li>{escape(note)}</li>" for note in said)
    columns = report.arrays.columns
    roles = f'<p class="caption">{escape(columns.summary)}</p>' if columns else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}: errors per target range</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}: errors per target range</h1>"
        f"<p><b>{escape(report.verdict)}</b></p>"
        f"{roles}{f'<ul>{notes}</ul>' if notes else ''}{body}"
        f'<p class="caption">Made with regcls {escape(__version__)}. {escape(intervals(report))}'
        f"</p>{_script(specs)}</body></html>"
    )


def intervals(report: Report) -> str:
    """Return what the report's intervals are for and how they were made, in sentences."""
    level = f"{100 * report.errors.level:.3g} %"
    return (
        f"These figures are for new {report.unit} like those of the table, with the same models. "
        f"Intervals of errors: {level}, percentile bootstrap over {report.unit}. Intervals of "
        f"differences: t-intervals that hold together in at least {level} of such reports (Holm's "
        "correction over all pairs of models and all ranges); verdicts follow from them."
    )


def _sections(report: Report) -> Iterator[tuple[str, Picture | pd.DataFrame, str]]:
    """Heading, chart or table, and the caption of a table, in reading order."""
    yield "Targets per range", charts.distribution(report), ""
    yield "Error per range", charts.errors(report), ""
    yield "Natural or balanced targets", mixture.reweighted(report.errors), ""
    yield "Overall", report.overall, _METRICS
    yield "Ranges with many, medium and few targets", report.shots, sentence(report.shot_names[1])
    for other in report.models[1:]:
        yield (
            f"{other} against {report.models[0]}",
            charts.differences(report, other, report.models[0]),
            "",
        )
    if report.coverage is not None:
        yield "Coverage of the prediction intervals", charts.coverage(report), ""
        yield "Coverage over all rows", report.coverage.overall(), _COVERAGE
    yield "Residuals", charts.residuals(report), ""
    for model in report.models:
        yield f"{model}: predicted against true", charts.density(report, model), ""
    if len(report.segments):
        yield "Segments", report.segments, "The most frequent categories."
    yield "Largest errors", report.worst, "Row 1 is the first below the header."
    yield "All errors per range", report.table, ""
    for other in report.models[1:]:
        yield (
            f"Differences per range: {other} minus {report.models[0]}",
            report.differences(other, report.models[0]),
            "",
        )


def _section(heading: str, part: Picture | pd.DataFrame, text: str, settings: str) -> str:
    text = part.caption if isinstance(part, Picture) else text
    caption = f'<p class="caption">{escape(text)}</p>'
    if isinstance(part, Picture):
        # The chart library's own menu would save it without caption and settings.
        svg = b64encode(replace(part, settings=settings).svg()).decode()
        name = re.sub(r"\W+", "-", heading.lower()).strip("-")[:60]
        save = f'<a download="{name}.svg" href="data:image/svg+xml;base64,{svg}">Save as SVG</a>'
        return f'<h2>{escape(heading)}</h2><div class="chart"></div>{caption}<p>{save}</p>'
    rows = part.to_html(
        index=False, float_format=lambda value: f"{value:.4g}", na_rep="–", border=0
    )
    return f"<h2>{escape(heading)}</h2>{rows}{caption}"


def _script(specs: list[dict[str, Any]]) -> str:
    """Return script elements with the charts and the library that draws them."""
    import vl_convert

    draw = (
        "document.querySelectorAll('.chart').forEach((at, i) => vegaEmbed(at, SPECS[i], {actions: "
        "false}));"
    )
    bundle = vl_convert.javascript_bundle(draw).replace("</script", "<\\/script")
    data = json.dumps(specs).replace("<", "\\u003c")
    return f"<script>const SPECS = {data};</script><script type=module>{bundle}</script>"
