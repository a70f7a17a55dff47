"""The whole report as one file: charts that answer the mouse, without any address to load from."""

from __future__ import annotations

import json
from html import escape

import pandas as pd

from regcls import __version__
from regcls.plotting.chart import Picture
from regcls.predictions import charts as predictions_charts
from regcls.predictions.report import Report

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #16242B; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; } h1 { font-size: 1.8rem; } h2 { font-size: 1.25rem; margin-top: 2rem; }
table { border-collapse: collapse; font-size: .85rem; display: block; overflow-x: auto; }
td, th { padding: .25rem .6rem; border-bottom: 1px solid #D5DEE3; text-align: right; }
.caption { opacity: .75; font-size: .9rem; } .chart { width: 100%; min-height: 220px; }
"""


def write(report: Report, title: str) -> str:
    """An HTML page that needs no network. ``title``: the name of what was uploaded."""
    sections = list(_sections(report))
    pictures = [part for _, part, _ in sections if isinstance(part, Picture)]
    body = "".join(_section(heading, part, text) for heading, part, text in sections)
    specs = [{**picture.whole, "width": "container"} for picture in pictures]
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.arrays.notes)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}: errors per target range</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}: errors per target range</h1>"
        f"<p><b>{escape(report.verdict)}</b></p><p>{escape(report.imbalance)}</p>"
        f"{f'<ul>{notes}</ul>' if notes else ''}{body}"
        f'<p class="caption">Made with regcls {escape(__version__)}. Intervals: '
        f"{report.errors.level:.0%}, percentile bootstrap.</p>{_script(specs)}</body></html>"
    )


def table(report: Report) -> pd.DataFrame:
    """Every figure per range, for a CSV: a row a model and range."""
    return report.errors.table()


def _sections(report: Report):
    """(heading, chart or table, sentence) in the order they are read."""
    yield "How much data", predictions_charts.distribution(report), ""
    yield "Error per range", predictions_charts.errors(report), ""
    yield (
        "Overall",
        report.overall,
        "balanced_mae: mean over ranges; gm: geometric mean; sera: see errors.",
    )
    yield "Many, medium, few", report.shots, report.shot_names[1]
    for other in report.models[1:]:
        yield (
            f"{other} against {report.models[0]}",
            predictions_charts.differences(report, other, report.models[0]),
            "",
        )
    yield "Residuals", predictions_charts.residuals(report), ""
    for model in report.models:
        yield f"{model}: predicted against true", predictions_charts.density(report, model), ""
    if len(report.segments):
        yield "Segments", report.segments, "The most frequent categories."
    yield "Worst rows", report.worst, "Rows of the table, counted from 1 below its header."
    yield "All figures", report.errors.table(), ""


def _section(heading: str, part: Picture | pd.DataFrame, text: str) -> str:
    caption = (
        f'<p class="caption">{escape(part.caption if isinstance(part, Picture) else text)}</p>'
    )
    if isinstance(part, Picture):
        return f'<h2>{escape(heading)}</h2><div class="chart"></div>{caption}'
    rows = part.to_html(index=False, float_format=lambda v: f"{v:.4g}", na_rep="–", border=0)
    return f"<h2>{escape(heading)}</h2>{rows}{caption}"


def _script(specs: list[dict]) -> str:
    """The charts, and the library that draws them, inside the file."""
    import vl_convert

    draw = (
        "document.querySelectorAll('.chart').forEach((at, i) => vegaEmbed(at, SPECS[i], {actions: "
        "{export: true, source: false, compiled: false, editor: false}}));"
    )
    bundle = vl_convert.javascript_bundle(draw).replace("</script", "<\\/script")
    data = json.dumps(specs).replace("<", "\\u003c")
    return f"<script>const SPECS = {data};</script><script type=module>{bundle}</script>"
