"""The recipe of every pair: choose λ, C, bins and the loss scale on val, then several seeds each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from regcls.stats import bins
from regcls.training.fit import Problem, Progress, Recipe, fit

VARIANTS = ("reg", "regcls")
Report = Callable[[str, Progress], None]


class Setting(NamedTuple):
    """λ of reg+cls or the loss scale of reg; ``classes`` and their ``kind`` (0 for reg)."""

    reg_weight: float
    classes: int = 0
    kind: str = "equal-width"


@dataclass(frozen=True)
class Plan:
    """One task's training, alike for both variants but for the ``grid``'s settings.

    ``problem(split, recipe)`` gives what ``fit`` trains on. ``errors(model, split, height)`` are a
    model's errors on a split, by name; the search takes the least ``metric``. ``targets`` (N,) are
    training targets and ``limits`` their ends, from which class edges are made.
    """

    problem: Callable[[Any, Recipe], Problem]
    errors: Callable[[nn.Module, Any, int], dict[str, float]]
    metric: str
    splits: dict[str, Any]
    targets: np.ndarray
    limits: tuple[float, float]
    search: Recipe
    final: Recipe
    grid: dict[str, Sequence[Setting]]
    seeds: Sequence[int]

    def recipe(self, base: Recipe, setting: Setting) -> Recipe:
        """``base`` with a setting's weight and class edges."""
        edges: tuple[float, ...] = ()
        if setting.classes:
            made = bins.make(setting.kind, self.targets, setting.classes, self.limits)
            edges = tuple(made.edges.tolist())
        return replace(base, reg_weight=setting.reg_weight, edges=edges, kind=setting.kind)


def train(plan: Plan, runs: Path, report: Report | None = None, part: str = "") -> dict[str, dict]:
    """Search, then train every (variant, seed); all that is already in ``runs`` is kept.

    ``part`` ("reg" or "regcls") restricts this process to one variant, so that two processes can
    share the work. Returns each variant's record: the search's rows, and val errors a seed.
    """
    check_part(part)
    report = report or (lambda _name, _progress: None)
    variants = (part,) if part else VARIANTS
    for variant in variants:
        setting = _search(plan, variant, runs, report)
        for seed in plan.seeds:
            _one_seed(plan, variant, setting, seed, runs, report)
    return {variant: record(variant, runs) for variant in variants}


def check_part(part: str) -> None:
    """Raises ``ValueError`` for a ``part`` that is no variant."""
    if part not in ("", *VARIANTS):
        raise ValueError(f"part must be empty or one of {VARIANTS}, not {part!r}")


def record(variant: str, runs: Path) -> dict:
    """What a finished variant's runs say: the search's rows and, per seed, val errors and recipe."""
    files = sorted(runs.glob(f"{variant}_seed*.json"))
    return {
        "search": json.loads((runs / f"search_{variant}.json").read_text()),
        "seeds": {int(f.stem[-1]): json.loads(f.read_text()) for f in files},
    }


def weights_of(variant: str, seed: int, runs: Path, task: str) -> tuple[dict, dict]:
    """A stored run's weights and recipe. Raises ``ValueError`` when it has not been trained."""
    path = runs / f"{variant}_seed{seed}.pt"
    if not path.exists():
        raise ValueError(f"{path} is missing: run `python -m regcls train {task}` to the end first")
    recipe = json.loads(path.with_suffix(".json").read_text())["recipe"]
    return torch.load(path, map_location="cpu", weights_only=True), recipe


def _search(plan: Plan, variant: str, runs: Path, report: Report) -> Setting:
    """Train each setting of the grid briefly; the one with the least val error."""
    path = runs / f"search_{variant}.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    metric = f"val_{plan.metric}"
    for setting in plan.grid[variant]:
        if any(_setting(row) == setting for row in rows):
            continue
        name = f"search {variant} weight={setting.reg_weight} C={setting.classes} {setting.kind}"
        recipe = plan.recipe(plan.search, setting)
        problem = plan.problem(plan.splits["train"], recipe)
        model = fit(recipe, problem, None, lambda p, name=name: report(name, p))
        rows.append({**setting._asdict(), **_val(plan, model, recipe)})
        _write_json(path, rows)
    return _setting(min(rows, key=lambda row: row[metric]))


def _one_seed(
    plan: Plan, variant: str, setting: Setting, seed: int, runs: Path, report: Report
) -> None:
    """Train one final model to the end and store its weights and its val errors."""
    target = runs / f"{variant}_seed{seed}.pt"
    if target.exists():
        return
    recipe = replace(plan.recipe(plan.final, setting), seed=seed)
    checkpoint = runs / f"{variant}_seed{seed}.ckpt"
    problem = plan.problem(plan.splits["train"], recipe)
    model = fit(recipe, problem, checkpoint, lambda p: report(f"{variant} seed {seed}", p))
    result = {**_val(plan, model, recipe), "recipe": asdict(recipe)}
    _write_json(target.with_suffix(".json"), result)
    torch.save(model.state_dict(), target)


def _setting(row: dict) -> Setting:
    return Setting(row["reg_weight"], row["classes"], row.get("kind", "equal-width"))


def _val(plan: Plan, model: nn.Module, recipe: Recipe) -> dict[str, float]:
    errors = plan.errors(model, plan.splits["val"], recipe.sides[-1])
    return {f"val_{name}": value for name, value in errors.items()}


def _write_json(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1))
