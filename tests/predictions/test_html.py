"""The error report as one HTML file."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from datetime import date

from regcls.predictions.columns import Columns, arrays
from regcls.predictions.html import file_name, write
from regcls.predictions.ranges import target_ranges
from regcls.predictions.report import Report
from tests.helpers.made_tables import table


def test_the_page_is_self_contained_and_escapes_names():
    frame = table().rename(columns={"pred_good": "<script>alert(1)</script>"})
    found = arrays(frame, Columns("age", ("<script>alert(1)</script>", "pred_poor")))
    page = write(Report(found, target_ranges(found)), "<b>mine</b>.csv")
    assert "<script>alert" not in page and "<b>mine" not in page
    assert not re.search(r'(src|href)="https?:', page)
    specs = json.loads(re.search(r"const SPECS = (\[.*?\]);</script>", page)[1])
    assert len(specs) == page.count('<div class="chart"') == 7
    assert page.count("</script>") == 2


def test_every_chart_can_be_saved_with_caption_and_settings():
    found = arrays(table(), Columns("age", ("pred_good", "pred_poor")))
    page = write(Report(found, target_ranges(found)), "mine.csv")
    links = re.findall(r'download="([^"]+)" href="data:image/svg\+xml;base64,([^"]+)"', page)
    assert len(links) == len({name for name, _ in links}) == 7
    for _, data in links:
        # Lines of one paragraph are parts of one text.
        texts = " ".join(re.findall(r">([^<]+)</t(?:ext|span)>", b64decode(data).decode()))
        assert "Table: mine.csv, 400 rows." in texts


def test_it_opens_with_title_date_verdict_and_contents():
    found = arrays(table(), Columns("age", ("pred_good", "pred_poor")))
    page = write(Report(found, target_ranges(found)), "mine.csv", date(2026, 11, 5))
    assert "<title>Error report: mine.csv</title>" in page and "<h1>mine.csv</h1>" in page
    assert "5 November 2026 · 400 rows · 2 models" in page
    assert '<p class="verdict">pred_good has a lower MAE than pred_poor' in page
    anchors = re.findall(r'<li><a href="#(section-\d+)">', page)
    assert len(anchors) == 9
    assert anchors == re.findall(r'<section id="(section-\d+)"[^>]*><h2>\d+\. ', page)
    assert "@media print" in page


def test_no_chart_has_a_layer_without_data_or_a_legend_of_the_models():
    """A layer without data has an infinite extent; a legend inside a chart cannot wrap."""
    found = arrays(table(), Columns("age", ("pred_good", "pred_poor")))
    page = write(Report(found, target_ranges(found)), "mine.csv")
    specs = json.loads(re.search(r"const SPECS = (\[.*?\]);</script>", page)[1])
    assert all(rows for spec in specs for rows in spec["datasets"].values())
    named = [
        legend
        for spec in specs
        for legend in re.findall(r'"field": "model"[^}]*"legend": ([^,}]*)', json.dumps(spec))
    ]
    assert named and set(named) == {"null"}
    assert page.count('<p class="legend">') == 3 and "background:#" in page


def test_the_file_is_named_after_the_table():
    assert file_name("mydata.csv") == "report-mydata.html"
    assert file_name("../My data (2).tar.xlsx") == "report-My-data-2-.tar.html"
    assert file_name("The pasted table") == "report-The-pasted-table.html"
    assert file_name("…") == "report-table.html"
