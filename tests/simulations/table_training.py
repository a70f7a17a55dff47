"""Real training for the simulation of Your table: two copies of each kind of network per fold.

The copies differ in initial weights and in the order of the rows alone, so that the difference of
their errors is zero on average, while everything else is as in a comparison on the page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from regcls.nn.tabular_ensemble import TabularEnsemble
from regcls.nn.tabular_model import Model
from regcls.nn.threads import use_one_core
from regcls.tabular import networks, preprocessing
from regcls.tabular.columns import make_problem
from regcls.tabular.fitter import Fitter
from regcls.tabular.fold import _split_inner
from regcls.tabular.plan import BUDGETS, HIDDEN, MIN_EPOCHS, Plan, batch_size

KINDS = ("reg", "control", "reg+cls")
COPIES = 2
ROWS_PER_GROUP = 10


@dataclass(frozen=True)
class Design:
    """A kind of table and the budget of the comparison on it."""

    rows: int
    grouped: bool
    budget: str

    @property
    def name(self) -> str:
        return f"{self.budget}-{self.rows}{'-grouped' if self.grouped else ''}"


DESIGNS = (Design(300, False, "quick"), Design(300, True, "quick"))


@dataclass(frozen=True)
class Trained:
    """Held-out errors of one table.

    ``errors`` has shape (kinds, copies, N); ``row``, ``unit``, ``model`` and ``range_index`` (N,)
    describe the predictions; ``y`` (N,) are their targets.
    """

    errors: np.ndarray
    row: np.ndarray
    unit: np.ndarray
    model: np.ndarray
    range_index: np.ndarray
    y: np.ndarray


def table(design: Design, seed: int) -> pd.DataFrame:
    """Return a table with a log-normal target; groups share a shift of inputs and target."""
    rng = np.random.default_rng(seed)
    n = design.rows
    numbers = rng.normal(size=(n, 6))
    group = np.arange(n) // ROWS_PER_GROUP
    shift = np.zeros(n)
    if design.grouped:
        numbers[:, :2] += rng.normal(size=(n, 2))[group]
        shift = 0.3 * rng.normal(size=n)[group]
    signal = numbers[:, 0] + np.sin(2 * numbers[:, 1]) + 0.5 * numbers[:, 2] * numbers[:, 3]
    frame = pd.DataFrame(numbers, columns=[f"x{i}" for i in range(6)])
    frame["y"] = np.exp(0.6 * signal + shift + 0.2 * rng.normal(size=n))
    if design.grouped:
        frame["group"] = group
    return frame


def train(design: Design, seed: int) -> Trained:
    """Run a whole nested cross-validation with two copies of each network."""
    use_one_core()
    group = "group" if design.grouped else None
    problem = make_problem(table(design, seed), "y", group=group)
    plan = Plan(problem, BUDGETS[design.budget], seed=seed)
    parts = [_fold(plan, *split) for split in plan.splits]
    row = np.concatenate([test for test, _ in parts])
    y = problem.y[row]
    return Trained(
        np.abs(np.concatenate([found for _, found in parts], axis=2) - y),
        row,
        row if problem.groups is None else problem.groups[row],
        np.repeat(np.arange(len(parts)), [len(test) for test, _ in parts]),
        plan.range_index[row],
        y,
    )


def _fold(plan: Plan, repeat: int, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the held-out rows (m,) and the predictions (kinds, copies, m) of one fold."""
    seed = plan.seed + 1000 * repeat + fold
    assigned = plan.folds(repeat)
    test = np.flatnonzero(assigned == fold)
    train_rows, valid = _split_inner(plan, np.flatnonzero(assigned != fold), seed)
    fitter = Fitter(plan, train_rows, valid, seed)
    pairs = [(kind, setting) for kind in KINDS for setting in plan.settings]
    y = fitter.scaled(fitter.y)
    models = [networks.make(kind, setting, fitter.y, y) for kind, setting in pairs]
    ensemble = TabularEnsemble(
        [fitter.x] * COPIES,
        [y] * COPIES,
        [_twice(model) for model in models],
        [seed, seed + 500_000],
        HIDDEN,
        batch_size(len(fitter.x)),
    )
    epochs = max(MIN_EPOCHS, round(plan.budget.steps / ensemble.steps_per_epoch))
    valid_y = fitter.scaled(fitter.valid_y)
    ensemble.fit(
        [fitter.valid] * COPIES,
        [valid_y] * COPIES,
        [fitter.weights] * COPIES,
        epochs,
        patience=max(4, epochs // 4),
    )
    inputs = preprocessing.inputs(fitter.preprocessing, plan.problem.values[test])
    scores, values = ensemble.scores(), ensemble.predict([inputs] * COPIES)
    found = np.empty((len(KINDS), COPIES, len(test)))
    for k, kind in enumerate(KINDS):
        own = [m for m, (name, _) in enumerate(pairs) if name == kind]
        for copy in range(COPIES):
            best = min(own, key=lambda m: scores[m, copy])
            found[k, copy] = values[best, copy, : len(test)] * fitter.std + fitter.mean
    return test, found


def _twice(network: Model) -> Model:
    """Repeat the per-fold settings of a network for each copy."""
    fields = ("sample_weight", "edges", "keep", "sigma")
    given = {name: getattr(network, name) for name in fields}
    return replace(network, **{k: v * COPIES for k, v in given.items() if v is not None})


def stored(design: Design, seed: int, folder: Path) -> Trained:
    """Return the errors of a table from its file, or train and write it."""
    file = folder / f"{design.name}-{seed}.npz"
    if file.exists():
        with np.load(file) as kept:
            return Trained(**kept)
    made = train(design, seed)
    folder.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    np.savez_compressed(part, **vars(made))
    part.replace(file)  # so that an interrupted run leaves no half file
    return made
