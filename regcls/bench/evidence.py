"""What a bench found: its tables, and any two methods compared on each table and over all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from regcls.bench.effects import COMPARED, METRICS
from regcls.exceptions import UserError
from regcls.stats.meta import RandomEffects, by_family, random_effects, signed_rank
from regcls.stats.verdicts import LEVEL, MARGIN, TOO_FEW, decide

PARTS = ("tables", "errors", "effects", "ranges")
FEWEST_FAMILIES = 6  # for a pooled verdict
LOG_MARGIN = float(np.log1p(MARGIN))


@dataclass(frozen=True)
class Pooled:
    """The effect over all tables, with families as units.

    Attributes
    ----------
    found : RandomEffects
        Mean and spread of the logarithms of the ratios.
    ratio, low, high : float
        Geometric-mean ratio with its interval.
    p : float
        Two-sided p-value of the mean.
    verdict : str
        From `regcls.stats.verdicts.VERDICTS`.
    lower, equal, higher : float
        Probabilities of the Bayesian signed-rank test.
    helps : float
        Probability that the ratio of the next table is below 1.
    next_low, next_high : float
        Interval of the ratio of the next table.
    """

    found: RandomEffects
    ratio: float
    low: float
    high: float
    p: float
    verdict: str
    lower: float
    equal: float
    higher: float
    helps: float
    next_low: float
    next_high: float


@dataclass(frozen=True)
class Comparison:
    """Two methods in one metric, on some tables.

    Attributes
    ----------
    a, b, metric : str
        The methods and the metric.
    tables : DataFrame
        A row per table: the columns of `Evidence.tables`, ``ratio`` of the error of ``a`` to that
        of ``b`` with its interval ``low`` to ``high`` (corrected for the number of tables), ``p``,
        ``verdict``, the ``shrunken`` ratio with its interval ``shrunken_low`` and
        ``shrunken_high``, and the logarithm ``value`` with ``se``.
    pooled : Pooled or None
        Over the families; None with fewer than 6.
    """

    a: str
    b: str
    metric: str
    tables: pd.DataFrame
    pooled: Pooled | None


class Evidence:
    """The results of a bench.

    Parameters
    ----------
    tables, errors, effects, ranges : DataFrame
        See `regcls.bench.summarise.summarise`.
    """

    def __init__(
        self,
        tables: pd.DataFrame,
        errors: pd.DataFrame,
        effects: pd.DataFrame,
        ranges: pd.DataFrame,
    ) -> None:
        self.tables = tables.set_axis(tables["table"].astype(str).tolist())
        self.errors = errors
        self.effects, self.ranges = effects, ranges

    @classmethod
    def read(cls, folder: Path) -> Evidence:
        """Read results that `regcls.bench.summarise` has written.

        Parameters
        ----------
        folder : Path
            Where they are.

        Returns
        -------
        Evidence

        Raises
        ------
        UserError
            If there are none, or they cannot be read.
        """
        try:
            return cls(**{part: pd.read_parquet(folder / f"{part}.parquet") for part in PARTS})
        except (OSError, ValueError, KeyError) as error:  # pyarrow's errors are ValueErrors
            raise UserError(f"{folder} has no results of a bench that can be read") from error

    def write(self, folder: Path) -> None:
        """Write the results to a folder, which is made if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            frame = getattr(self, part).reset_index(drop=True)
            frame.to_parquet(folder / f"{part}.parquet", index=False, compression="zstd")

    @cached_property
    def _pairs(self) -> dict[tuple[str, str, str], pd.DataFrame]:
        grouped = self.effects.groupby(["metric", "a", "b"], observed=True)
        return {
            (str(metric), str(a), str(b)): frame.set_index("table")
            for (metric, a, b), frame in grouped
        }

    def pair(self, a: str, b: str, metric: str) -> pd.DataFrame:
        """Return the effect of one method against another on every table that has it.

        Parameters
        ----------
        a, b : str
            Methods, or "constant".
        metric : str
            A key of `regcls.bench.effects.METRICS`.

        Returns
        -------
        DataFrame
            ``value``, ``se``, ``dof`` and ``units`` by table.

        Raises
        ------
        ValueError
            If a method or metric is unknown, or both methods are the same.
        """
        if metric not in METRICS or a not in COMPARED or b not in COMPARED or a == b:
            raise ValueError(f"no comparison of {a} and {b} in {metric}")
        columns = ["value", "se", "dof", "units"]
        if (metric, a, b) in self._pairs:
            return self._pairs[metric, a, b][columns]
        found = self._pairs[metric, b, a][columns]
        return found.assign(value=-found["value"])

    def compare(
        self, a: str, b: str, metric: str = "balanced_mae", tables: Sequence[str] | None = None
    ) -> Comparison:
        """Compare two methods on each table and over all.

        Parameters
        ----------
        a, b : str
            Methods, or "constant".
        metric : str
            A key of `regcls.bench.effects.METRICS`.
        tables : sequence of str, optional
            Names of the tables that count; by default, all.

        Returns
        -------
        Comparison

        Raises
        ------
        ValueError
            See `pair`.
        """
        from scipy import special

        found = self.pair(a, b, metric)
        found = found[found["se"].notna()]
        if tables is not None:
            found = found[found.index.isin(tables)]
        frame = self.tables.loc[[name for name in self.tables.index if name in found.index]]
        frame = frame.join(found.astype(np.float64))
        decided = decide(frame["value"], frame["se"], frame["dof"], frame["units"], LOG_MARGIN)
        frame = frame.assign(
            ratio=np.exp(frame["value"]),
            low=np.exp(decided.low),
            high=np.exp(decided.high),
            p=decided.p,
            verdict=decided.verdict,
        )
        pooled = self._pooled(frame)
        if pooled is not None:
            middle, se = pooled.found.shrunken(frame["value"], frame["se"])
            reach = float(special.ndtri((1 + LEVEL) / 2)) * se
            frame = frame.assign(
                shrunken=np.exp(middle),
                shrunken_low=np.exp(middle - reach),
                shrunken_high=np.exp(middle + reach),
            )
        return Comparison(a, b, metric, frame, pooled)

    def _pooled(self, frame: pd.DataFrame) -> Pooled | None:
        value, se, names = by_family(frame["value"], frame["se"], list(frame["family"]))
        if len(names) < FEWEST_FAMILIES:
            return None
        found = random_effects(value, se)
        decided = decide(found.mean, found.se, found.units - 1, found.units, LOG_MARGIN)
        verdict = str(decided.verdict[0])
        assert verdict != TOO_FEW
        ahead = found.predicted()
        low, high = ahead.interval(LEVEL)
        lower, equal, higher = signed_rank(value, LOG_MARGIN)
        return Pooled(
            found,
            ratio=float(np.exp(found.mean)),
            low=float(np.exp(found.low)),
            high=float(np.exp(found.high)),
            p=float(decided.p[0]),
            verdict=verdict,
            lower=lower,
            equal=equal,
            higher=higher,
            helps=ahead.below(0.0),
            next_low=float(np.exp(low)),
            next_high=float(np.exp(high)),
        )

    def error_table(self, metric: str) -> pd.DataFrame:
        """Return the errors in one metric, tables × methods."""
        found = self.errors[self.errors["metric"] == metric]
        return found.pivot(index="table", columns="method", values="error").reindex(
            index=[name for name in self.tables.index if name in set(found["table"])],
            columns=[kind for kind in COMPARED if kind in set(found["method"])],
        )

    def coverage(self, a: str, b: str, metric: str = "balanced_mae") -> tuple[int, int]:
        """Return how often the interval predicted for a family held, and the number of families.

        Each family is left out, and the interval of its measured effect is predicted from the
        others; see `regcls.stats.meta.RandomEffects.predicted`.
        """
        frame = self.tables.join(self.pair(a, b, metric).dropna(), how="inner")
        value, se, names = by_family(frame["value"], frame["se"], list(frame["family"]))
        held = 0
        for i in range(len(names)):
            rest = np.arange(len(names)) != i
            low, high = random_effects(value[rest], se[rest]).predicted(se[i]).interval(LEVEL)
            held += bool(low <= value[i] <= high)
        return held, len(names)
