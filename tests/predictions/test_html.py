"""The error report as one HTML file."""

from __future__ import annotations

import json
import re

from regcls.predictions.columns import Columns, arrays
from regcls.predictions.html import write
from regcls.predictions.ranges import edges
from regcls.predictions.report import Report
from tests.helpers.made_tables import table


def test_the_page_is_self_contained_and_escapes_names():
    frame = table().rename(columns={"pred_good": "<script>alert(1)</script>"})
    found = arrays(frame, Columns("age", ("<script>alert(1)</script>", "pred_poor")))
    page = write(Report(found, edges(found)), "<b>mine</b>.csv")
    assert "<script>alert" not in page and "<b>mine" not in page
    assert not re.search(r'(src|href)="https?:', page)
    specs = json.loads(re.search(r"const SPECS = (\[.*?\]);</script>", page)[1])
    assert len(specs) == page.count('<div class="chart">') == 7
    assert page.count("</script>") == 2
