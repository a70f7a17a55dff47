"""Training of the age pair: loaders, augmentation, exact resume, search, export."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from regcls.tasks import pairs
from regcls.training import fit, search
from regcls.training.age import export as _age_export
from regcls.training.age import recipe as age_recipe
from regcls.training.age.data import Faces, load_faces
from regcls.training.augment import random_views
from regcls.training.networks import ImageRegressor
from regcls.training.predict import predict
from regcls.training.search import Setting


def jpeg(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 40), (shade, shade, shade)).save(out, "JPEG")
    return out.getvalue()


def faces(n: int, seed: int = 0) -> Faces:
    rng = np.random.default_rng(seed)
    return Faces(
        rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8),
        rng.uniform(1, 90, n).astype(np.float32),
    )


def test_zip_with_an_index(tmp_path):
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "index.csv", "file,age,split\na.jpg,3,train\nb.jpg,40,val\nc.jpg,80,test\n"
        )
        for name, shade in (("a", 10), ("b", 120), ("c", 240)):
            archive.writestr(f"img/{name}.jpg", jpeg(shade))
    splits = load_faces(path, side=16)
    assert {name: split.ages.tolist() for name, split in splits.items()} == {
        "train": [3], "val": [40], "test": [80],
    }  # fmt: skip
    assert splits["val"].images.shape == (1, 16, 16, 3)
    assert abs(int(splits["val"].images.mean()) - 120) < 4


def test_folder_of_files_named_as_in_utkface(tmp_path):
    for i in range(60):
        (tmp_path / f"{i + 1}_0_1_2017010{i % 10}.jpg.chip.jpg").write_bytes(jpeg(4 * i))
    (tmp_path / "notes.txt").write_text("not a photo")
    splits = load_faces(tmp_path, side=8, seed=1)
    assert sorted(np.concatenate([s.ages for s in splits.values()])) == list(range(1, 61))
    again = load_faces(tmp_path, side=8, seed=1)
    np.testing.assert_array_equal(again["test"].ages, splits["test"].ages)


def test_csv_of_imdb_wiki_dir(tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("x", "y"):
        (tmp_path / "photos" / f"{name}.jpg").write_bytes(jpeg(99))
    csv = tmp_path / "imdb_wiki.csv"
    csv.write_text("age,path,split\n31,photos/x.jpg,train\n62,photos/y.jpg,test\n")
    splits = load_faces(tmp_path, side=8, csv=csv)
    assert (splits["train"].ages.tolist(), splits["test"].ages.tolist()) == ([31], [62])
    assert len(splits["val"]) == 0


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"photo.jpg": jpeg(1)}, "no index.csv"),
        ({"index.csv": b"file,split\na.jpg,train\n"}, "'age'"),
        ({"index.csv": b"file,age,split\na.jpg,4,dev\n"}, "split must be"),
    ],
)
def test_sources_without_face_data_are_rejected(tmp_path, files, word):
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=word):
        load_faces(tmp_path)
    with pytest.raises(ValueError, match="neither a folder nor a zip"):
        load_faces(tmp_path / "missing")


def test_views_keep_the_range_and_depend_on_the_seed():
    images = torch.from_numpy(faces(6).images)
    one, same, other = (
        random_views(images, 24, torch.Generator().manual_seed(s)) for s in (1, 1, 2)
    )
    assert one.shape == (6, 24, 24, 3)
    assert one.min() >= 0 and one.max() <= 255
    torch.testing.assert_close(one, same)
    assert (one - other).abs().mean() > 1


def ages(n: int) -> age_recipe.Ages:
    return age_recipe.Ages(faces(n), RECIPE.edges)


RECIPE = fit.Recipe(sides=(32, 32), batch=8, edges=(0.0, 30.0, 60.0, 90.0), frozen=3)


def test_a_resumed_fit_ends_with_the_same_weights(tmp_path, monkeypatch):
    data, whole, part = ages(24), tmp_path / "whole.ckpt", tmp_path / "part.ckpt"
    expected = fit.fit(RECIPE, data, whole).state_dict()

    class Stopped(Exception):
        pass

    def stop_in_the_second_epoch(progress):
        if progress.epoch == 1:
            raise Stopped

    with pytest.raises(Stopped):
        fit.fit(RECIPE, data, part, stop_in_the_second_epoch)
    resumed = fit.fit(RECIPE, data, part).state_dict()
    for name, value in expected.items():
        torch.testing.assert_close(resumed[name], value, msg=name)
    with pytest.raises(ValueError, match="another recipe"):
        fit.fit(replace(RECIPE, seed=1), data, part)


def test_frozen_blocks_keep_their_weights_and_the_others_are_trained():
    model = fit.fit(replace(RECIPE, sides=(32,)), ages(24))
    fresh = ImageRegressor(3)
    frozen = fresh.backbone._blocks[2]._project_conv.weight
    torch.testing.assert_close(model.backbone._blocks[2]._project_conv.weight, frozen)
    moved = model.backbone._conv_head.weight - fresh.backbone._conv_head.weight
    assert moved.abs().max() > 0


def test_both_models_of_a_pair_start_with_the_same_weights():
    torch.manual_seed(5)
    reg = ImageRegressor(0, pretrained=False)
    torch.manual_seed(5)
    regcls = ImageRegressor(12, pretrained=False)
    torch.testing.assert_close(reg.value_head.weight, regcls.value_head.weight)


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
    assert len(record["reg"]["search"]) == 2 and set(record["regcls"]["seeds"]) == {0, 1}
    best = min(record["reg"]["search"], key=lambda row: row["val_mae"])
    kept = json.loads((tmp_path / "runs" / "reg_seed1.json").read_text())["recipe"]
    assert kept["reg_weight"] == best["reg_weight"]
    monkeypatch.setattr(search, "fit", None)  # the second call trains nothing
    assert search.train(age_recipe.plan(tmp_path), runs) == record
    model = search.load_run("regcls", 0, runs, age_recipe.network)
    value, logits = predict(model, splits["val"].images, 32)
    assert value.shape == (40,) and logits.shape == (40, 6)
    assert record["regcls"]["seeds"][0]["val_mae"] > 0
    with pytest.raises(ValueError, match="is missing; finish"):
        search.load_run("reg", 7, runs, age_recipe.network)
    export_and_check(splits, tmp_path, monkeypatch)


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
