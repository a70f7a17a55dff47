"""Door one: somebody's predictions → errors per target range, and what they say, in words."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from regcls.predictions.columns import Arrays
from regcls.stats import bins
from regcls.stats.errors import ErrorReport

WORST = 20
SEGMENTS = 12
CELLS = 60  # of the density, a side
BANDS = (0.1, 0.5, 0.9)  # quantiles of the predictions in a range


# What is what


# What they say


class Report:
    """All figures of one set of predictions; each is computed when it is asked for, and kept."""

    def __init__(self, found: Arrays, cut: np.ndarray):
        self.arrays, self.edges = found, cut
        self.errors = ErrorReport.from_predictions(
            found.y,
            found.predictions,
            cut,
            y_train=self._inside(found.train, cut),
            clusters=found.group,
        )

    @staticmethod
    def _inside(train: np.ndarray | None, cut: np.ndarray) -> np.ndarray | None:
        return None if train is None else train[(train >= cut[0]) & (train <= cut[-1])]

    @property
    def models(self) -> tuple[str, ...]:
        return self.errors.names

    @property
    def imbalance(self) -> str:
        """How uneven the data is, in words."""
        counts = np.sort(self.errors.counts)[::-1]
        total, ranges = counts.sum(), len(counts)
        enough = int(np.searchsorted(np.cumsum(counts), 0.8 * total)) + 1
        full = counts[counts > 0]
        words = (
            f"{enough} of {ranges} ranges hold 80 % of the {total:,} {self.errors.counted} targets; the "
            f"fullest has {full[0] / full[-1]:,.0f} times as many as the emptiest"
        )
        empty = ranges - len(full)
        return words + (f", and {empty} have none at all." if empty else ".")

    @cached_property
    def shot_names(self) -> tuple[np.ndarray, str]:
        """Shots (K,) of the ranges, and how they were told apart."""
        named = bins.shots(self.errors.counts)
        if len(set(named)) > 1:
            return named, f"many: over 100 {self.errors.counted} targets in a range, few: under 20"
        share = self.errors.counts / max(1, self.errors.counts.max())
        named = np.where(share > 0.5, "many", np.where(share < 0.1, "few", "medium"))
        return named, (
            f"many: over half as many {self.errors.counted} targets as the fullest range, few: under a tenth"
        )

    @cached_property
    def shots(self) -> pd.DataFrame:
        return self.errors.shots(self.shot_names[0])

    @cached_property
    def overall(self) -> pd.DataFrame:
        return self.errors.overall()

    def differences(self, a: str, b: str) -> pd.DataFrame:
        """``a`` minus ``b`` per range (MAE), with intervals; ranges without test targets left out."""
        table = self.errors.difference(a, b)
        return table[table["test"] > 0].reset_index(drop=True)

    @cached_property
    def verdict(self) -> str:
        """The least error against each other model, never more certain than its interval."""
        if len(self.models) == 1:
            row = self.overall.iloc[0]
            return (
                f"{row['model']} is off by {row['mae']:.3g} on average "
                f"[{row['mae_low']:.3g}, {row['mae_high']:.3g}]; give a second column to compare."
            )
        best = str(self.overall.set_index("model")["mae"].idxmin())
        return " ".join(self._against(best, other) for other in self.models if other != best)

    def _against(self, best: str, other: str) -> str:
        found = self.errors.overall_difference(best, other)
        interval = f"[{found['low']:.3g}, {found['high']:.3g}]"
        table = self.differences(best, other)
        better, worse = (table["diff_high"] < 0).sum(), (table["diff_low"] > 0).sum()
        where = f"of {len(table)} ranges, {best} is clearly better in {better} and clearly worse in {worse}"
        by = f"the MAE of {best} minus that of {other} is {found['difference']:.3g} {interval}"
        clear = found["high"] < 0
        verdict = f"{best} errs less than" if clear else f"No clear difference between {best} and"
        return f"{verdict} {other}: {by}; {where}."

    @cached_property
    def density(self) -> pd.DataFrame:
        """How often each prediction goes with each truth: model, true, predicted (cells' low ends
        and ``*_end``), count; empty cells left out."""
        y, parts = self.arrays.y, []
        low = min(y.min(), *(p.min() for p in self.arrays.predictions.values()))
        high = max(y.max(), *(p.max() for p in self.arrays.predictions.values()))
        cut = np.linspace(low, high, CELLS + 1)
        for model, predicted in self.arrays.predictions.items():
            count = np.histogram2d(y, predicted, (cut, cut))[0]
            at = np.nonzero(count)
            parts.append(
                pd.DataFrame(
                    {
                        "model": model,
                        "true": cut[at[0]],
                        "true_end": cut[at[0] + 1],
                        "predicted": cut[at[1]],
                        "predicted_end": cut[at[1] + 1],
                        "count": count[at],
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def bands(self) -> pd.DataFrame:
        """Per model and range the 10 %, 50 % and 90 % quantiles of the residual (prediction −
        truth): model, low, high, middle, q10, q50, q90."""
        which = np.clip(
            np.searchsorted(self.edges, self.arrays.y, side="right") - 1, 0, len(self.edges) - 2
        )
        rows = []
        for model, predicted in self.arrays.predictions.items():
            grouped = pd.Series(predicted - self.arrays.y).groupby(which)
            table = grouped.quantile(BANDS).unstack()
            table.columns = ["q10", "q50", "q90"]
            at = table.index.to_numpy()
            table.insert(0, "high", self.edges[at + 1])
            table.insert(0, "low", self.edges[at])
            table["middle"] = (table["low"] + table["high"]) / 2
            rows.append(table.assign(model=model))
        return pd.concat(rows, ignore_index=True)

    @cached_property
    def worst(self) -> pd.DataFrame:
        """The rows with the largest error of any model, the worst first."""
        every = np.stack(list(self.arrays.predictions.values()))
        size = np.abs(every - self.arrays.y).max(axis=0)
        take = np.argpartition(-size, min(WORST, len(size) - 1))[:WORST]
        take = take[np.argsort(-size[take], kind="stable")]
        table = pd.DataFrame({"row": self.arrays.rows[take], "true": self.arrays.y[take]})
        for model, predicted in self.arrays.predictions.items():
            table[model] = predicted[take]
        table["largest error"] = size[take]
        if self.arrays.category is not None:
            table["category"] = self.arrays.category[take]
        return table

    @cached_property
    def segments(self) -> pd.DataFrame:
        """MAE and bias with intervals for each of the most frequent categories."""
        if self.arrays.category is None:
            return pd.DataFrame()
        names, counts = np.unique(self.arrays.category, return_counts=True)
        rows = []
        for name in names[np.argsort(-counts, kind="stable")][:SEGMENTS]:
            mask = self.arrays.category == name
            one = ErrorReport.from_predictions(
                self.arrays.y[mask],
                {m: p[mask] for m, p in self.arrays.predictions.items()},
                self.edges[[0, -1]],
                clusters=None if self.arrays.group is None else self.arrays.group[mask],
            )
            table = one.table()
            table.insert(0, "segment", name)
            rows.append(table.drop(columns=["low", "high", "train"]))
        return pd.concat(rows, ignore_index=True)
