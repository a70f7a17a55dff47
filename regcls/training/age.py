"""The age pair's recipe: choose λ, C and the loss scale on val, then three seeds of each variant."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from regcls.training.datasets import Faces, load_faces
from regcls.training.fit import Progress, Recipe, fit, predict
from regcls.training.networks import ImageRegressor

STORED_SIDE = 128  # photos are kept at this side in memory; views are cut from them
SIDE = 96  # the shipped networks' input
OLDEST = 120.0  # years; the upper class edge
SEEDS = (0, 1, 2)
VARIANTS = ("reg", "regcls")
# The same budget for both variants: four settings each, three epochs at 64 pixels.
SEARCH = Recipe(sides=(64,) * 3)
FINAL = Recipe(sides=(64,) * 4 + (SIDE,) * 5, frozen=3)
GRID = {
    "reg": [(0.01, 0), (0.1, 0), (1.0, 0), (10.0, 0)],  # (loss scale, no classes)
    "regcls": [(0.1, 12), (1.0, 12), (0.1, 60), (1.0, 60)],  # (λ, C)
}

Report = Callable[[str, Progress], None]


def with_setting(recipe: Recipe, reg_weight: float, classes: int) -> Recipe:
    """The recipe with this λ (or loss scale) and ``classes`` equal-width age classes (0 for reg)."""
    edges = tuple(np.linspace(0.0, OLDEST, classes + 1).tolist()) if classes else ()
    return replace(recipe, reg_weight=reg_weight, edges=edges)


def train(
    data: Path, runs: Path, csv: Path | None = None, report: Report | None = None, part: str = ""
) -> dict:
    """Search, then train every (variant, seed); all that is already in ``runs`` is kept.

    ``part`` ("reg" or "regcls") restricts this process to one variant, so that two processes can
    share the work. Returns the record: the search's rows, the choice, and val MAE a seed.
    Raises ``ValueError`` for data it cannot read.
    """
    if part not in ("", *VARIANTS):
        raise ValueError(f"part must be empty or one of {VARIANTS}, not {part!r}")
    faces = load_faces(data, STORED_SIDE, csv)
    report = report or (lambda _name, _progress: None)
    variants = (part,) if part else VARIANTS
    for variant in variants:
        setting = search(variant, faces, runs, report)
        for seed in SEEDS:
            one_seed(variant, setting, seed, faces, runs, report)
    return {variant: record(variant, runs) for variant in variants}


def search(variant: str, faces: dict[str, Faces], runs: Path, report: Report) -> tuple[float, int]:
    """Train each setting of the grid briefly; the (reg_weight, classes) with the least val MAE."""
    path = runs / f"search_{variant}.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    known = {(row["reg_weight"], row["classes"]) for row in rows}
    for reg_weight, classes in GRID[variant]:
        if (reg_weight, classes) in known:
            continue
        name = f"search {variant} weight={reg_weight} C={classes}"
        recipe = with_setting(SEARCH, reg_weight, classes)
        model = fit(recipe, faces["train"], None, lambda p, name=name: report(name, p))
        error = _mae(model, faces["val"], recipe.sides[-1])
        rows.append({"reg_weight": reg_weight, "classes": classes, "val_mae": error})
        _write_json(path, rows)
    best = min(rows, key=lambda row: row["val_mae"])
    return best["reg_weight"], best["classes"]


def one_seed(
    variant: str,
    setting: tuple[float, int],
    seed: int,
    faces: dict[str, Faces],
    runs: Path,
    report: Report,
) -> None:
    """Train one final model to the end and store its weights and its val MAE."""
    target = runs / f"{variant}_seed{seed}.pt"
    if target.exists():
        return
    recipe = replace(with_setting(FINAL, *setting), seed=seed)
    checkpoint = runs / f"{variant}_seed{seed}.ckpt"
    name = f"{variant} seed {seed}"
    model = fit(recipe, faces["train"], checkpoint, lambda p: report(name, p))
    result = {"val_mae": _mae(model, faces["val"], SIDE), "recipe": asdict(recipe)}
    _write_json(target.with_suffix(".json"), result)
    torch.save(model.state_dict(), target)


def record(variant: str, runs: Path) -> dict:
    """What a finished variant's runs say: the search's rows and, per seed, val MAE and recipe."""
    files = sorted(runs.glob(f"{variant}_seed*.json"))
    return {
        "search": json.loads((runs / f"search_{variant}.json").read_text()),
        "seeds": {int(f.stem[-1]): json.loads(f.read_text()) for f in files},
    }


def load_run(variant: str, seed: int, runs: Path) -> ImageRegressor:
    """The stored model of one run, in eval mode. Raises ``ValueError`` when it has not been trained."""
    path = runs / f"{variant}_seed{seed}.pt"
    if not path.exists():
        raise ValueError(f"{path} is missing: run `python -m regcls train age` to the end first")
    recipe = json.loads(path.with_suffix(".json").read_text())["recipe"]
    model = ImageRegressor(max(len(recipe["edges"]) - 1, 0), pretrained=False)
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return model.eval()


def _mae(model: ImageRegressor, faces: Faces, side: int) -> float:
    value, _ = predict(model, faces.images, side)
    return float(np.abs(value - faces.ages).mean())


def _write_json(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1))
