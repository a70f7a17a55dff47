"""Results of a comparison: held-out errors, families of comparisons with verdicts, reports."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from regcls.stats.errors import ErrorReport
from regcls.tabular.fold import FoldResult
from regcls.tabular.intervals import Difference, HeldOut, differences
from regcls.tabular.methods import KINDS, READ_FROM_NETWORKS, TREES
from regcls.tabular.plan import Plan

CONSTANT = "constant"  # baseline: the median of the training targets
REMEDIES = tuple(kind for kind in READ_FROM_NETWORKS if kind not in ("reg", "control", "reg+cls"))
ESTIMAND = "new rows and new training runs on tables like this one"
# Families of comparisons; verdicts are corrected for the number of comparisons in each.
PRIMARY, METHODS, RANGES = "primary", "methods", "ranges"
# Of reg+cls against reg and against the control. The second asks what a gain comes from, so it
# matters once there is one, and has then all of the error rate.
PRIMARY_WEIGHTS = (0.9, 0.1)
METRICS = {"balanced": "balanced_mae", "overall": "mae"}  # by goal

_Pair = tuple[str, str, int | None]  # a, b and the target range


class Results:
    """Results over the held-out folds that are finished, at least one.

    Parameters
    ----------
    plan : Plan
        The comparison.
    folds : list of FoldResult
        Finished folds, in any order.
    """

    def __init__(self, plan: Plan, folds: list[FoldResult]) -> None:
        self.plan = plan
        self.folds = sorted(folds, key=lambda f: (f.repeat, f.fold))
        # Pages request the same differences and reports each time they redraw.
        self._families: dict[tuple[str, str], dict[_Pair, Difference]] = {}
        self._reports: dict[tuple[str, ...], ErrorReport] = {}

    @property
    def complete(self) -> bool:
        """Whether all folds are finished."""
        return len(self.folds) == len(self.plan.splits)

    @cached_property
    def row(self) -> np.ndarray:
        """Row of each of the N held-out predictions, shape (N,); each row once per repeat."""
        return np.concatenate([f.test for f in self.folds])

    @cached_property
    def predictions(self) -> dict[str, np.ndarray]:
        """Held-out predictions by kind, each of shape (N,)."""
        found = {k: np.concatenate([f.predictions[k] for f in self.folds]) for k in KINDS}
        constants = [np.full(len(f.test), f.constant) for f in self.folds]
        return found | {CONSTANT: np.concatenate(constants)}

    @cached_property
    def errors(self) -> dict[str, np.ndarray]:
        """Absolute errors by kind, each of shape (N,)."""
        y = self.plan.problem.y[self.row]
        return {kind: np.abs(p - y) for kind, p in self.predictions.items()}

    @cached_property
    def _held_out(self) -> HeldOut:
        return HeldOut(self.unit, self.model, self.plan.range_index[self.row])

    @property
    def unit(self) -> np.ndarray:
        """The unit that is resampled for each prediction, its row or its group, shape (N,)."""
        groups = self.plan.problem.groups
        return self.row if groups is None else groups[self.row]

    @cached_property
    def model(self) -> np.ndarray:
        """Number of the trained models of each prediction, shape (N,): those of its fold."""
        return np.repeat(np.arange(len(self.folds)), [len(f.test) for f in self.folds])

    def best_network(self, goal: str | None = None) -> str:
        """Return the kind of network with the lowest error.

        Parameters
        ----------
        goal : {"balanced", "overall"}, optional
            Balanced MAE or MAE; by default the plan's goal.

        Returns
        -------
        str
            Model kind.
        """
        errors = self.table.set_index("kind")[METRICS[goal or self.plan.goal]]
        return str(errors.loc[list(READ_FROM_NETWORKS)].idxmin())

    def family(self, name: str, goal: str | None = None) -> dict[_Pair, Difference]:
        """Return the comparisons of one family, with intervals and verdicts corrected for it.

        Parameters
        ----------
        name : {"primary", "methods", "ranges"}
            reg+cls against reg and the control; the other methods against the control, and
            whatever else the recommendation needs; reg+cls in each target range.
        goal : {"balanced", "overall"}, optional
            Balanced MAE or MAE; by default the plan's goal.

        Returns
        -------
        dict
            Differences by (a, b, target range or None).
        """
        key = name, goal or self.plan.goal
        if key not in self._families:
            pairs = self._pairs(*key)
            found = differences(
                [
                    self._held_out.estimate(self.errors[a], self.errors[b], key[1], only)
                    for a, b, only in pairs
                ],
                weight=PRIMARY_WEIGHTS if name == PRIMARY else 1.0,
            )
            self._families[key] = dict(zip(pairs, found, strict=True))
        return self._families[key]

    def _pairs(self, name: str, goal: str) -> list[_Pair]:
        primary = [("reg+cls", "reg"), ("reg+cls", "control")]
        if name == PRIMARY:
            return [(a, b, None) for a, b in primary]
        if name == RANGES:
            return [(a, b, k) for k in range(len(self.plan.edges) - 1) for a, b in primary]
        # Picked by the same errors, which favours it: corrected, in 1% of null tables at most.
        best = self.best_network(goal)
        pairs = [("control", "reg"), *((kind, "control") for kind in REMEDIES)]
        pairs += [("reg+cls", kind) for kind in REMEDIES]
        pairs += [(TREES, best), (best, CONSTANT), (TREES, CONSTANT)]
        return [(a, b, None) for a, b in pairs]

    def difference(
        self, a: str, b: str, goal: str | None = None, only: int | None = None
    ) -> Difference:
        """Return the difference of the errors of two kinds, from the family that has it.

        Parameters
        ----------
        a, b : str
            Model kinds, or "constant"; the difference is ``a`` minus ``b``.
        goal : {"balanced", "overall"}, optional
            Balanced MAE or MAE; by default the plan's goal.
        only : int, optional
            Target range to restrict the difference to.

        Returns
        -------
        Difference
            Difference with interval and verdict.

        Raises
        ------
        ValueError
            If no family has this comparison.
        """
        for name in (PRIMARY, METHODS) if only is None else (RANGES,):
            family = self.family(name, goal)
            if (a, b, only) in family:
                return family[a, b, only]
        raise ValueError(f"{a} and {b} are not compared; see Results.family")

    def comparisons(self) -> pd.DataFrame:
        """Return all comparisons over the whole table.

        Returns
        -------
        DataFrame
            One row per comparison and metric: ``metric``, ``family``, the kinds ``a`` and ``b``,
            the ``change`` from ``b`` to ``a`` as a share of the error of ``b`` with its interval
            (``low``, ``high``), ``p``, ``smallest`` and ``verdict``; see `Difference`.
        """
        return pd.DataFrame(
            [
                {
                    "metric": metric,
                    "family": name,
                    "a": a,
                    "b": b,
                    "change": found.share,
                    "low": found.share_low,
                    "high": found.share_high,
                    "p": found.p,
                    "smallest": found.smallest,
                    "verdict": found.verdict,
                }
                for goal, metric in METRICS.items()
                for name in (PRIMARY, METHODS)
                for (a, b, _), found in self.family(name, goal).items()
            ]
        )

    def report(self, kinds: Sequence[str] = KINDS) -> ErrorReport:
        """Return the errors per target range over all held-out predictions.

        Parameters
        ----------
        kinds : sequence of str
            Model kinds, or "constant".

        Returns
        -------
        ErrorReport
            The report, with the targets that models train on as training targets.
        """
        kinds = tuple(kinds)
        if kinds not in self._reports:
            problem = self.plan.problem
            self._reports[kinds] = ErrorReport.from_predictions(
                problem.y[self.row],
                {kind: self.predictions[kind] for kind in kinds},
                self.plan.edges,
                y_train=self.plan.train_y,
                clusters=self.unit,
            )
        return self._reports[kinds]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per kind: ``kind``, ``balanced_mae``, ``mae`` and ``rmse``."""
        overall = self.report((*KINDS, CONSTANT)).overall()
        overall = overall.rename(columns={"model": "kind"}).set_index("kind")
        errors = overall.loc[[*KINDS, CONSTANT], ["balanced_mae", "mae", "rmse"]]
        return errors.astype(float).reset_index()

    def ranges(self) -> pd.DataFrame:
        """Compare reg+cls with reg and the control in each target range.

        Returns
        -------
        DataFrame
            One row per range: ``low``, ``high``, ``rows``, ``share`` of the rows, and for reg and
            the control the relative change of the error with its interval and ``_verdict``.
        """
        counts = np.bincount(self.plan.range_index, minlength=len(self.plan.edges) - 1)
        rows = []
        for k, count in enumerate(counts):
            row: dict[str, object] = {
                "low": self.plan.edges[k],
                "high": self.plan.edges[k + 1],
                "rows": int(count),
                "share": count / counts.sum(),
            }
            for other in ("reg", "control"):
                change = self.difference("reg+cls", other, only=k)
                row[f"{other}_change"] = change.share
                row[f"{other}_low"] = change.share_low
                row[f"{other}_high"] = change.share_high
                row[f"{other}_verdict"] = change.verdict
            rows.append(row)
        return pd.DataFrame(rows)

    def out_of_fold(self) -> pd.DataFrame:
        """Return all held-out predictions.

        Returns
        -------
        DataFrame
            One row per prediction: ``row`` (from 1, in the original table), ``repeat``, ``fold``,
            ``y_true`` and one column per kind.
        """
        counts = [len(f.test) for f in self.folds]
        problem = self.plan.problem
        frame = {
            "row": problem.rows[self.row] + 1,
            "repeat": np.repeat([f.repeat + 1 for f in self.folds], counts),
            "fold": np.repeat([f.fold + 1 for f in self.folds], counts),
            "y_true": problem.y[self.row],
        }
        return pd.DataFrame(frame | {kind: self.predictions[kind] for kind in KINDS})
