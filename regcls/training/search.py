"""Training of a pair: select λ, classes and loss scale on the validation split, then train seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import nn

from regcls.exceptions import UserError
from regcls.stats import bins
from regcls.training.fit import Problem, Progress, Recipe, fit

VARIANTS = ("reg", "regcls")
Report = Callable[[str, Progress], None]
Network = TypeVar("Network", bound=nn.Module)


class Setting(NamedTuple):
    """One setting of the search.

    Attributes
    ----------
    reg_weight : float
        λ of reg+cls, or the loss scale of reg.
    classes : int
        Number of classes; 0 for reg.
    kind : str
        Kind of the classes.
    """

    reg_weight: float
    classes: int = 0
    kind: str = "equal-width"


@dataclass(frozen=True)
class Plan:
    """Training of one task; the two variants differ in the settings of the ``grid`` only.

    Attributes
    ----------
    problem : callable
        From a split and a recipe to what `fit` trains on.
    errors : callable
        From a model, a split and an input height to the model's errors, by name.
    metric : str
        Error that the search minimises.
    splits : dict
        Data of train, val and test.
    targets : ndarray, shape (M,)
        Training targets, for the class edges.
    limits : tuple of float
        Ends of the classes.
    search, final : Recipe
        Recipes of the search and of the final runs.
    grid : mapping of str to sequence of Setting
        Settings of the search, by variant.
    seeds : sequence of int
        Seeds of the final runs.
    """

    problem: Callable[[Any, Recipe], Problem]
    errors: Callable[[Any, Any, int], dict[str, float]]
    metric: str
    splits: dict[str, Any]
    targets: np.ndarray
    limits: tuple[float, float]
    search: Recipe
    final: Recipe
    grid: Mapping[str, Sequence[Setting]]
    seeds: Sequence[int]

    def recipe(self, base: Recipe, setting: Setting) -> Recipe:
        """Return a recipe with the weight and the class edges of a setting.

        Parameters
        ----------
        base : Recipe
            Recipe of the search or of the final runs.
        setting : Setting
            The setting.

        Returns
        -------
        Recipe
            The complete recipe.
        """
        edges: tuple[float, ...] = ()
        if setting.classes:
            classes = bins.make(setting.kind, self.targets, setting.classes, self.limits)
            edges = tuple(classes.edges.tolist())
        return replace(base, reg_weight=setting.reg_weight, edges=edges, kind=setting.kind)


def train(
    plan: Plan, runs: Path, report: Report | None = None, part: str = ""
) -> dict[str, dict[str, Any]]:
    """Run the search, then train every variant and seed. Finished runs are kept.

    Parameters
    ----------
    plan : Plan
        The training.
    runs : Path
        Folder of the runs.
    report : callable, optional
        Called with the name of the current run and its `Progress`.
    part : str, default ""
        "reg" or "regcls" to train one variant only, so that two processes can divide the work.

    Returns
    -------
    dict of str to dict
        `read_record` by variant.
    """
    check_part(part)
    report = report or (lambda _name, _progress: None)
    variants = (part,) if part else VARIANTS
    for variant in variants:
        setting = _search(plan, variant, runs, report)
        for seed in plan.seeds:
            _train_seed(plan, variant, setting, seed, runs, report)
    return {variant: read_record(variant, runs) for variant in variants}


def check_part(part: str) -> None:
    """Check the ``part`` of `train`.

    Parameters
    ----------
    part : str
        Name of a variant, or "".

    Raises
    ------
    UserError
        If it is neither.
    """
    if part not in ("", *VARIANTS):
        raise UserError(f"part must be empty or one of {', '.join(VARIANTS)}, not {part!r}")


def read_record(variant: str, runs: Path) -> dict[str, Any]:
    """Read the results of a variant's finished runs.

    Parameters
    ----------
    variant : str
        Name of the variant.
    runs : Path
        Folder of the runs.

    Returns
    -------
    dict
        ``search``: one row per setting. ``seeds``: validation errors and recipe by seed.
    """
    files = sorted(runs.glob(f"{variant}_seed*.json"))
    return {
        "search": json.loads((runs / f"search_{variant}.json").read_text()),
        "seeds": {int(f.stem[-1]): json.loads(f.read_text()) for f in files},
    }


def load_run(variant: str, seed: int, runs: Path, network: Callable[[Recipe], Network]) -> Network:
    """Load the model of a finished run.

    Parameters
    ----------
    variant : str
        Name of the variant.
    seed : int
        Seed of the run.
    runs : Path
        Folder of the runs.
    network : callable
        From a recipe to the task's network, without trained weights.

    Returns
    -------
    Module
        The model in eval mode.

    Raises
    ------
    UserError
        If the run is not finished.
    """
    path = runs / f"{variant}_seed{seed}.pt"
    if not path.exists():
        raise UserError(f"{path} is missing; finish the training (`regcls train`) first")
    fields = json.loads(path.with_suffix(".json").read_text())["recipe"]
    model = network(Recipe(**fields))
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return model.eval()


def _search(plan: Plan, variant: str, runs: Path, report: Report) -> Setting:
    """Train each setting of the grid briefly; return the one with the lowest validation error."""
    path = runs / f"search_{variant}.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    metric = f"val_{plan.metric}"
    for setting in plan.grid[variant]:
        if any(_setting(row) == setting for row in rows):
            continue
        name = f"search {variant} weight={setting.reg_weight} C={setting.classes} {setting.kind}"
        recipe = plan.recipe(plan.search, setting)
        model = _fit(plan, recipe, name, report)
        rows.append({**setting._asdict(), **_val_errors(plan, model, recipe)})
        _write_json(path, rows)
    return _setting(min(rows, key=lambda row: row[metric]))


def _train_seed(
    plan: Plan, variant: str, setting: Setting, seed: int, runs: Path, report: Report
) -> None:
    """Train one final model; store its weights and its validation errors."""
    target = runs / f"{variant}_seed{seed}.pt"
    if target.exists():
        return
    recipe = replace(plan.recipe(plan.final, setting), seed=seed)
    checkpoint = runs / f"{variant}_seed{seed}.ckpt"
    model = _fit(plan, recipe, f"{variant} seed {seed}", report, checkpoint)
    result = {**_val_errors(plan, model, recipe), "recipe": asdict(recipe)}
    _write_json(target.with_suffix(".json"), result)
    torch.save(model.state_dict(), target)


def _fit(
    plan: Plan, recipe: Recipe, name: str, report: Report, checkpoint: Path | None = None
) -> nn.Module:
    problem = plan.problem(plan.splits["train"], recipe)
    return fit(recipe, problem, checkpoint, lambda progress: report(name, progress))


def _setting(row: dict[str, Any]) -> Setting:
    return Setting(row["reg_weight"], row["classes"], row.get("kind", "equal-width"))


def _val_errors(plan: Plan, model: nn.Module, recipe: Recipe) -> dict[str, float]:
    errors = plan.errors(model, plan.splits["val"], recipe.sides[-1])
    return {f"val_{name}": value for name, value in errors.items()}


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1))
