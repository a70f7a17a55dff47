"""Evaluation of a pair on a labelled data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regcls.exceptions import UserError
from regcls.tasks import pairs
from regcls.training.evaluate import evaluate
from tests.helpers import fake_pair


@pytest.fixture
def pair(tmp_path: Path) -> pairs.Pair:
    fake_pair.make_pair(tmp_path / "models")
    return pairs.load_pair("age", tmp_path / "models")


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A folder as UTKFace: grey photos whose age is what the models predict for them."""
    folder = tmp_path / "faces"
    folder.mkdir()
    for age in range(1, 100):
        shade = round(age * 255 / 100)
        pixels = np.full((96, 96, 3), shade, np.uint8)
        Image.fromarray(pixels).save(folder / f"{age}_0_0_20170101.png")
    return folder


def test_faces_get_errors_per_range_beside_the_training_counts(pair, faces):
    table = evaluate("age", pair, faces, "train").table()
    reg = table[table["model"] == "reg"]
    assert (
        reg["test"].sum() > 60
        and reg["train"].tolist() == fake_pair.card().training_histogram["counts"]
    )
    assert reg["mae"].max() < 0.3  # the rounding of a shade


@pytest.mark.parametrize(("split", "message"), [("dev", "split must be"), ("val", "no samples in")])
def test_a_split_that_cannot_be_used_is_rejected(pair, tmp_path, split, message):
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "index.csv").write_text("file,age,split\na.png,3,train\n")
    Image.new("RGB", (96, 96)).save(folder / "a.png")
    with pytest.raises(UserError, match=message):
        evaluate("age", pair, folder, split)
