"""Progress curves as records and tables."""

from __future__ import annotations

import pytest

from regcls.tasks.progress import table as progress_table
from tests.helpers import video_files
from tests.helpers.progress_curves import made


def test_a_part_of_an_activity_has_no_true_progress():
    curve = made([0, 40, 100], [10, 50, 90])
    whole, part = progress_table.table(curve, True, True), progress_table.table(curve, False)
    assert whole["true (%)"].tolist() == [0, 50, 100]
    assert "reg monotone (%)" in whole and "true (%)" not in part
    row = progress_table.row("a", curve, True)
    assert row["reg mean error"] == pytest.approx(10 / 3, abs=0.01)
    assert row["always 50% error"] == pytest.approx(100 / 3, abs=0.01)
    assert progress_table.row("a", curve, False)["reg mean error"] is None


def test_predict_files(pair, tmp_path):
    good = video_files.make(tmp_path / "good.mp4", 12)
    bad = tmp_path / "bad.mp4"
    bad.write_text("just words")
    records = progress_table.predict_files([good, bad, tmp_path / "gone.mp4"], pair, budget=6)
    assert len(records[0]["curve"]["seconds"]) == 6
    assert records[1]["problem"].startswith("bad.mp4 cannot be read as a video")
    assert records[2]["problem"].startswith("gone.mp4 cannot be opened")
