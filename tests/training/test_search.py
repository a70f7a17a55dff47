"""Search, final runs and export of a small pair of age models."""

from __future__ import annotations

import json

import numpy as np
import pytest

from regcls.tasks import pairs
from regcls.training import fit, search
from regcls.training.age import export as _age_export
from regcls.training.age import recipe as age_recipe
from regcls.training.predict import predict
from regcls.training.search import Setting
from tests.helpers.training_faces import faces


def test_training_and_export_of_a_small_pair(tmp_path, monkeypatch):
    splits = {"train": faces(24), "val": faces(40, 1), "test": faces(8, 2)}
    monkeypatch.setattr(age_recipe, "load_faces", lambda *_: splits)
    monkeypatch.setattr(age_recipe, "SEARCH", fit.Recipe(sides=(32,), batch=8))
    monkeypatch.setattr(age_recipe, "FINAL", fit.Recipe(sides=(32,), batch=8, frozen=3))
    monkeypatch.setattr(age_recipe, "SEEDS", (0, 1))
    monkeypatch.setattr(
        age_recipe, "GRID", {"reg": [Setting(1.0), Setting(10.0)], "regcls": [Setting(1.0, 6)]}
    )
    runs = tmp_path / "runs"
    record = search.train(age_recipe.plan(tmp_path), runs)
    tried = record["reg"]["search"]
    assert [(row["reg_weight"], row["seed"]) for row in tried[:2]] == [(1.0, 0), (10.0, 0)]
    assert len(tried) == 4, "both settings are among the best, and trained with a second seed"
    assert set(record["regcls"]["seeds"]) == {0, 1}
    errors = {w: sum(r["val_mae"] for r in tried if r["reg_weight"] == w) for w in (1.0, 10.0)}
    kept = json.loads((tmp_path / "runs" / "reg_seed1.json").read_text())["recipe"]
    assert kept["reg_weight"] == min(errors, key=errors.get)
    monkeypatch.setattr(search, "fit", None)  # the second call trains nothing
    assert search.train(age_recipe.plan(tmp_path), runs) == record
    model = search.load_run("regcls", 0, runs, age_recipe.network)
    value, logits = predict(model, splits["val"].images, 32)
    assert value.shape == (40,) and logits.shape == (40, 6)
    assert record["regcls"]["seeds"][0]["val_mae"] > 0
    with pytest.raises(ValueError, match="is missing; finish"):
        search.load_run("reg", 7, runs, age_recipe.network)
    export_and_check(splits, tmp_path, monkeypatch)


def test_both_variants_try_the_same_rates():
    grid = search.draw_grid(8, (0.1, 1.0), [(12, "equal-width"), (60, "equalized")])
    reg, regcls = grid["reg"], grid["regcls"]
    assert [(s.lr, s.weight_decay) for s in reg] == [(s.lr, s.weight_decay) for s in regcls]
    assert len(set(reg)) == 8 and {s.reg_weight for s in reg} == {1.0}
    assert all(3e-4 <= s.lr <= 3e-3 and 1e-3 <= s.weight_decay <= 1e-1 for s in reg)
    assert sorted(s.classes for s in regcls) == [12] * 4 + [60] * 4
    assert sorted(s.reg_weight for s in regcls) == [0.1] * 4 + [1.0] * 4


def test_a_setting_sets_the_rates_of_its_recipe():
    base = fit.Recipe(sides=(32,), lr=0.5, weight_decay=0.25)
    plan = search.Plan(None, None, "mae", {}, np.arange(9.0), (0, 9), base, base, {}, ())
    assert plan.recipe(base, Setting(1.0)).lr == 0.5
    found = plan.recipe(base, Setting(2.0, lr=1e-3, weight_decay=1e-4))
    assert (found.lr, found.weight_decay, found.reg_weight) == (1e-3, 1e-4, 2.0)


def export_and_check(splits, folder, monkeypatch):
    """Export the finished runs and compare the files with the tables."""
    monkeypatch.setattr(_age_export, "load_faces", lambda *_: splits)
    monkeypatch.setattr(_age_export, "SIDE", 32)
    _age_export.export(folder, folder / "runs", folder / "models" / "age")
    pair = pairs.load_pair("age", folder / "models")
    value, logits = pair.regcls.run(splits["test"].images)
    np.testing.assert_allclose(value, pair.predictions["regcls"], atol=1e-3)
    assert logits.shape == (8, 6)
    assert pair.reg.card.metrics["seeds"]["n"] == 2
    table = pair.predictions.astype(np.float64)  # as the report: float32 would round the mean
    errors = (table["reg"] - table["y_true"]).abs()
    assert pair.reg.card.metrics["overall"]["mae"] == pytest.approx(errors.mean(), abs=1e-6)
