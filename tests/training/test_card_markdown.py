"""Model cards: their text, and those that are shipped."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from regcls.tasks.registry import TASKS
from regcls.training import pipeline
from regcls.training.card_markdown import write_card_md
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers import fake_pair


@pytest.mark.parametrize("task", TASKS)
def test_the_shipped_card_is_that_of_the_shipped_models(task: str, tmp_path: Path) -> None:
    for name in ("reg.onnx", "regcls.onnx"):
        shutil.copy(MODELS_FOLDER / task / name, tmp_path)
    assert [record["task"] for record in pipeline.write_card(task, tmp_path)] == [task, task]
    shipped = MODELS_FOLDER / task / "CARD.md"
    assert (tmp_path / "CARD.md").read_text("utf-8") == shipped.read_text("utf-8")


def test_what_both_models_share_is_listed_once(tmp_path: Path) -> None:
    sides = {"sides": [64, 64, 96]}
    reg, regcls = (
        replace(
            fake_pair.card(variant), training={"data_set": "faces", "loss": loss, "recipe": sides}
        )
        for variant, loss in (("reg", "L1"), ("reg+cls", "both"))
    )
    write_card_md(tmp_path / "CARD.md", reg, regcls, ["None."])
    text = (tmp_path / "CARD.md").read_text(encoding="utf-8")
    assert text.count("- data set: faces") == 1
    assert "- input height in pixels: 64 (2 epochs), 96 (1 epoch)" in text
    assert "| loss | L1 | both |" in text


def test_card_text_has_all_parts(tmp_path: Path) -> None:
    search = [{"reg_weight": 0.1, "classes": 12, "val_mae": 8.692}]
    training = {"data_set": "faces", "recipe": {"lr": 0.001}, "search_on_val": search}
    reg = replace(fake_pair.card("reg"), training=training, licence="non-commercial")
    write_card_md(tmp_path / "CARD.md", reg, replace(fake_pair.card("reg+cls")), ["None."])
    text = (tmp_path / "CARD.md").read_text(encoding="utf-8")
    for part in (
        "non-commercial",
        "6.60 ± 0.10",
        "| reg | overall | 300 |",
        "| reg | many | 100 |",
        "**8.692**",
        "± 9.00 ",
        "90%",
        "- None.",
    ):
        assert part in text


def test_card_text_of_one_seed_reports_no_spread(tmp_path: Path) -> None:
    seeds = {"mae_mean": 6.8, "mae_std": None, "n": 1}
    one = {**fake_pair.card().metrics, "seeds": seeds}
    reg, regcls = (replace(fake_pair.card(v), metrics=one) for v in ("reg", "reg+cls"))
    write_card_md(tmp_path / "CARD.md", reg, regcls, ["None."])
    assert "standard deviation" not in (tmp_path / "CARD.md").read_text(encoding="utf-8")
