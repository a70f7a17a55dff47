"""regcls.tasks.pairs: loading pairs, shipped and made, and files that are missing or do not match."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from regcls.inference.contract import ContractError
from regcls.tasks import pairs
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers import fake_pair


def test_all_three_pairs_are_shipped_and_small():
    found = pairs.shipped()
    assert [one.task for one in found] == ["age", "depth", "progress"]
    assert not [one.problem for one in found if one.problem]
    files = [path for path in MODELS_FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 60_000_000


def test_a_missing_pair_has_a_problem(tmp_path, monkeypatch):
    monkeypatch.setenv(pairs.ROOT, str(tmp_path))
    problems = [one.problem for one in pairs.shipped()]
    assert all(p.startswith("The ") and "python -m regcls train" in p for p in problems)


def test_load_pair(tmp_path: Path) -> None:
    fake_pair.make_pair(tmp_path)
    pair = pairs.load_pair("age", tmp_path)
    assert (pair.reg.card.variant, pair.regcls.card.variant) == ("reg", "reg+cls")
    assert {"y_true", "reg", "regcls"} <= set(pair.predictions) and pair.card_text.startswith("#")
    assert pairs.load_pair("age", tmp_path).predictions is pair.predictions  # read once


def test_changed_predictions_are_read_again(tmp_path: Path) -> None:
    table = fake_pair.make_pair(tmp_path) / "test_predictions.parquet"
    pairs.load_pair("age", tmp_path)
    more = pd.DataFrame({"y_true": [1.0], "reg": [1.0], "regcls": [2.0], "frame": [7]})
    more.to_parquet(table)
    pd.testing.assert_frame_equal(pairs.load_pair("age", tmp_path).predictions, more)


@pytest.mark.parametrize("name", ["reg.onnx", "regcls.onnx", "test_predictions.parquet", "CARD.md"])
def test_a_pair_that_lacks_a_file(tmp_path: Path, name: str) -> None:
    (fake_pair.make_pair(tmp_path) / name).unlink()
    with pytest.raises(ContractError, match=f"lacks {name}.*regcls train age"):
        pairs.load_pair("age", tmp_path)


def test_models_that_do_not_match(tmp_path: Path) -> None:
    folder = fake_pair.make_pair(tmp_path)
    fake_pair.make_model(folder / "regcls.onnx", "reg+cls", side=64)
    with pytest.raises(ContractError, match="input"):
        pairs.load_pair("age", tmp_path)
    fake_pair.make_model(folder / "regcls.onnx", "reg")
    with pytest.raises(ContractError, match="reg\\+cls model"):
        pairs.load_pair("age", tmp_path)


def test_predictions_that_lack_a_column(tmp_path: Path) -> None:
    folder = fake_pair.make_pair(tmp_path)
    pd.DataFrame({"y_true": [1.0], "reg": [1.0]}).to_parquet(folder / "test_predictions.parquet")
    with pytest.raises(ContractError, match="lacks the columns regcls"):
        pairs.load_pair("age", tmp_path)
