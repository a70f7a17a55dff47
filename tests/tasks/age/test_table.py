"""Age estimates as records and tables."""

from __future__ import annotations

import json

import numpy as np
import pytest

from regcls.tasks import pairs
from regcls.tasks.age import predict
from regcls.tasks.age import table as age_table
from regcls.tasks.age.gallery import Gallery
from tests.helpers.photo_files import png


def test_records_as_a_table(pair):
    gallery = Gallery()
    key = gallery.add(predict.SHIPPED_SAMPLES[1].read(), "grace.jpg", pair, truth=77.0)
    wall = gallery.add(png(np.full((200, 300, 3), 51, np.uint8)), "wall.png", pair)
    table = age_table.table(gallery.records())
    assert table["photo"].tolist() == ["grace.jpg", "wall.png"]
    assert table["face"].tolist() == ["1", "none found"]
    answer = gallery.entries[key].faces[0].estimates["reg+cls"].age
    assert table["reg+cls error"][0] == pytest.approx(answer - 77, abs=0.01)
    gallery.entries[wall].centre = True
    assert age_table.table(gallery.records())["face"].tolist() == ["1", "centre crop"]
    assert list(age_table.table([]).columns) == list(table.columns)


def test_predict_files(pair, tmp_path, monkeypatch):
    monkeypatch.setenv(pairs.ROOT, str(pair.reg.path.parent.parent))
    (tmp_path / "text.jpg").write_text("no photo")
    good = pairs.SAMPLES / "astronaut.jpg"
    records = age_table.predict_files(
        [good, tmp_path / "text.jpg", tmp_path / "gone.jpg"], predict.load()
    )
    assert json.loads(json.dumps(records)) == records
    assert records[0]["photo"] == str(good) and 0 < records[0]["reg+cls age"] < 100
    assert "as a photo" in records[1]["problem"] and "cannot be read" in records[2]["problem"]
