"""The error report as one HTML file."""

from __future__ import annotations

import json
import re
from base64 import b64decode

from regcls.predictions.columns import Columns, arrays
from regcls.predictions.html import write
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
    assert len(specs) == page.count('<div class="chart">') == 7
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
