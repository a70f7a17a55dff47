"""Training of a pair: select the settings of both variants on validation data, then train seeds.

Both variants try the same learning rates and weight decays, as many settings each. The best few are
trained again with another seed, which also measures how much the validation error of one setting
varies by chance, and the best mean wins.
"""

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
    lr, weight_decay : float or None
        Of AdamW; None for those of the recipe.
    """

    reg_weight: float
    classes: int = 0
    kind: str = "equal-width"
    lr: float | None = None
    weight_decay: float | None = None


REPEATED = 3  # settings per variant that are trained with a second seed
LEARNING_RATES, WEIGHT_DECAYS = (3e-4, 3e-3), (1e-3, 1e-1)  # log-uniform


def draw_grid(
    count: int, weights: Sequence[float], classes: Sequence[tuple[int, str]], seed: int = 0
) -> dict[str, list[Setting]]:
    """Draw the settings of both variants, with the same learning rates and weight decays.

    With AdamW, the scale of a single loss does almost nothing, so reg keeps a loss scale of 1.

    Parameters
    ----------
    count : int
        Number of settings per variant.
    weights : sequence of float
        Values of λ, each used about equally often.
    classes : sequence of tuple
        Numbers of classes and their kinds, each used about equally often.
    seed : int
        Seed of the draws.

    Returns
    -------
    dict of str to list of Setting
        Settings by variant.

    Examples
    --------
    >>> grid = draw_grid(4, (1.0, 10.0), [(20, "equal-width")])
    >>> [setting.lr for setting in grid["reg"]] == [setting.lr for setting in grid["regcls"]]
    True
    """
    rng = np.random.default_rng(seed)
    ends = np.log([LEARNING_RATES, WEIGHT_DECAYS])
    drawn = np.exp(rng.uniform(ends[:, 0], ends[:, 1], (count, 2)))
    rates = [tuple(float(f"{value:.2g}") for value in row) for row in drawn]
    lambdas = [weights[i % len(weights)] for i in rng.permutation(count)]
    chosen = [classes[i % len(classes)] for i in rng.permutation(count)]
    return {
        "reg": [Setting(1.0, 0, "equal-width", lr, decay) for lr, decay in rates],
        "regcls": [
            Setting(weight, number, kind, lr, decay)
            for (lr, decay), weight, (number, kind) in zip(rates, lambdas, chosen, strict=True)
        ],
    }


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
        Data of train and of the half of val that chooses.
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
        own = {k: v for k in ("lr", "weight_decay") if (v := getattr(setting, k)) is not None}
        return replace(base, reg_weight=setting.reg_weight, edges=edges, kind=setting.kind, **own)


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
    """Train the settings briefly, the best ones twice; return the one with the best mean error."""
    path = runs / f"search_{variant}.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    metric = f"val_{plan.metric}"

    def try_setting(setting: Setting, seed: int) -> None:
        if any(_setting(row) == setting and row["seed"] == seed for row in rows):
            return
        name = f"search {variant} {_in_words(setting)}, seed {seed}"
        recipe = replace(plan.recipe(plan.search, setting), seed=seed)
        model = _fit(plan, recipe, name, report)
        rows.append({**setting._asdict(), "seed": seed, **_val_errors(plan, model, recipe)})
        _write_json(path, rows)

    for setting in plan.grid[variant]:
        try_setting(setting, 0)
    first = {_setting(row): row[metric] for row in rows if row["seed"] == 0}
    best = sorted(first, key=first.__getitem__)[:REPEATED]
    for setting in best:
        try_setting(setting, 1)
    second = {_setting(row): row[metric] for row in rows if row["seed"] == 1}
    return min(best, key=lambda setting: first[setting] + second[setting])


def search_noise(rows: Sequence[Mapping[str, Any]], metric: str) -> float | None:
    """Return the standard deviation of a setting's validation error over seeds.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of the search, of any variants.
    metric : str
        Key of the validation error.

    Returns
    -------
    float or None
        Pooled over the settings with two seeds; None without any. Differences between settings
        below about twice this number can be chance.

    Examples
    --------
    >>> row = {"reg_weight": 1.0, "classes": 0}
    >>> rows = [{**row, "seed": 0, "val_mae": 6.0}, {**row, "seed": 1, "val_mae": 6.2}]
    >>> round(search_noise(rows, "val_mae"), 3)
    0.141
    """
    by_seed = [{_setting(r): r[metric] for r in rows if r.get("seed") == k} for k in (0, 1)]
    gaps = [by_seed[0][s] - by_seed[1][s] for s in by_seed[1] if s in by_seed[0]]
    return float(np.sqrt(np.mean(np.square(gaps)) / 2)) if gaps else None


def _in_words(setting: Setting) -> str:
    classes = f", {setting.classes} {setting.kind} classes" if setting.classes else ""
    rates = f", lr {setting.lr:g}, decay {setting.weight_decay:g}" if setting.lr else ""
    return f"weight {setting.reg_weight:g}{classes}{rates}"


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


def _setting(row: Mapping[str, Any]) -> Setting:
    return Setting(*(row.get(name, Setting._field_defaults.get(name)) for name in Setting._fields))


def _val_errors(plan: Plan, model: nn.Module, recipe: Recipe) -> dict[str, float]:
    errors = plan.errors(model, plan.splits["val"], recipe.sides[-1])
    return {f"val_{name}": value for name, value in errors.items()}


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1))
