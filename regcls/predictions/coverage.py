"""Coverage of prediction intervals: how many targets lie in them, per target range and overall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regcls import formats
from regcls.predictions.columns import Limits
from regcls.stats import differences
from regcls.stats.bins import range_index
from regcls.stats.differences import Estimates
from regcls.stats.verdicts import BETTER, TOO_FEW, UNDECIDED, WORSE, decide

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

BELOW, ABOVE = "below nominal", "above nominal"
_WORDS = {BETTER: BELOW, WORSE: ABOVE, UNDECIDED: UNDECIDED, TOO_FEW: TOO_FEW}
_MANY = 1e6  # degrees of freedom: a t distribution that is practically normal
_TAIL = 0.005  # of the degrees-of-freedom correction: that of a typical level after Holm's
_LEAST_P = 1e-290  # smaller ones have no finite quantile


@dataclass(frozen=True)
class _Shares:
    """Shares of M sets of targets that lie in their intervals, with effective numbers of targets.

    With groups, the effective number is that of independent targets whose share would vary as
    much, corrected for its degrees of freedom [1]_.

    References
    ----------
    .. [1] Korn and Graubard, "Confidence intervals for proportions with small expected number of
       positive counts estimated from survey data", Survey Methodology 24, 1998.
    """

    share: Floats
    number: Floats
    units: Floats

    @classmethod
    def of(cls, found: Estimates, counts: Floats, grouped: bool) -> _Shares:
        """Return shares from means of zeros and ones over ``counts`` rows."""
        from scipy import stats

        if not grouped:
            return cls(found.value, counts, found.units)
        share, se = found.value, found.se
        with np.errstate(invalid="ignore", divide="ignore"):
            number = share * (1 - share) / se**2
            few = stats.t.isf(_TAIL, np.maximum(counts - 1, 1)) / stats.t.isf(
                _TAIL, np.maximum(found.dof, 1)
            )
        # Without any spread, all that is known is the number of groups.
        number = np.where(np.isfinite(number) & (number > 0), number, found.units)
        return cls(share, np.minimum(number * few**2, counts), found.units)

    def limits(self, alpha: Floats) -> tuple[Floats, Floats]:
        """Exact (Clopper–Pearson) two-sided limits at levels 1 − ``alpha``."""
        from scipy import stats

        inside, outside = self.share * self.number, (1 - self.share) * self.number
        with np.errstate(invalid="ignore"):
            low = stats.beta.ppf(alpha / 2, inside, outside + 1)
            high = stats.beta.isf(alpha / 2, inside + 1, outside)
        return np.where(inside > 0, low, 0.0), np.where(outside > 0, high, 1.0)

    def tails(self, nominal: Floats) -> Floats:
        """Two-sided exact p-values against nominal shares, as signed normal quantiles.

        They belong to `limits`: an interval excludes the nominal share if and only if p < alpha.
        """
        from scipy import stats

        inside, outside = self.share * self.number, (1 - self.share) * self.number
        with np.errstate(invalid="ignore"):
            fewer = np.where(outside > 0, stats.beta.sf(nominal, inside + 1, outside), 1.0)
            more = np.where(inside > 0, stats.beta.cdf(nominal, inside, outside + 1), 1.0)
        p = np.clip(2 * np.minimum(fewer, more), _LEAST_P, 1)
        return np.where(fewer < more, -1, 1) * stats.t.isf(p / 2, _MANY)


class Coverage:
    """Coverage of the prediction intervals of one or more models.

    Parameters
    ----------
    y : ndarray of shape (N,)
        True targets.
    intervals : mapping of str to Limits
        Prediction intervals by model.
    edges : ndarray of shape (K + 1,)
        Edges of target ranges that contain all targets.
    groups : ndarray of shape (N,), optional
        Group of each row; rows of a group are not independent.
    train_counts : ndarray of shape (K,), optional
        Training targets per range.

    Attributes
    ----------
    names : tuple of str
        Models with intervals.
    nominal : dict of str to float
        Their nominal levels.

    Notes
    -----
    Confidence intervals of the coverage are exact (Clopper–Pearson [1]_); with groups, for the
    effective number of targets (Korn–Graubard). All of a report, over ranges and models, hold
    together with a probability of 95% (Holm's correction), and the verdicts follow from them:
    coverage is below nominal if its confidence interval is.

    References
    ----------
    .. [1] Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case
       of the binomial", Biometrika 26, 1934.

    Examples
    --------
    >>> from regcls.predictions.interval_columns import IntervalColumns
    >>> y = np.arange(8.0)
    >>> limits = Limits(y - 1, np.where(y < 6, y + 1, y - 0.5), IntervalColumns("lo", "hi"))
    >>> found = Coverage(y, {"reg": limits}, np.array([0.0, 4, 8]))
    >>> found.table()["coverage"].tolist(), found.overall()["coverage"].tolist()
    ([1.0, 0.5], [0.75])
    """

    def __init__(
        self,
        y: Floats,
        intervals: Mapping[str, Limits],
        edges: Floats,
        groups: np.ndarray | None = None,
        train_counts: NDArray[Any] | None = None,
    ) -> None:
        self._edges, self._train_counts = edges, train_counts
        known = {
            name: ~(np.isnan(limits.lower) | np.isnan(limits.upper))
            for name, limits in intervals.items()
        }
        self._intervals = {name: intervals[name] for name, has in known.items() if has.any()}
        self.names = tuple(self._intervals)
        self.nominal = {name: one.columns.level for name, one in self._intervals.items()}
        clusters = None if groups is None else np.unique(groups, return_inverse=True)[1]
        which = range_index(y, edges)
        self._tables = {
            name: _summary(y, self._intervals[name], known[name], which, len(edges) - 1, clusters)
            for name in self.names
        }
        if self.names:
            self._decide()

    def table(self) -> pd.DataFrame:
        """Return the coverage per range, one row per model and range.

        Returns
        -------
        DataFrame
            ``model``, ``nominal`` (level), ``low``, ``high``, ``train`` and ``test`` (numbers of
            targets; ``test`` counts those with an interval), ``units`` (rows or groups),
            ``coverage`` with ``coverage_low`` and ``coverage_high``, ``p``, ``verdict`` and
            ``width`` (mean width of the intervals, in target units).
        """
        return pd.concat([self._rows(name) for name in self.names], ignore_index=True)

    def overall(self) -> pd.DataFrame:
        """Return the coverage over all rows, one row per model.

        Returns
        -------
        DataFrame
            ``model``, ``nominal``, ``test``, ``units``, ``coverage`` with ``coverage_low`` and
            ``coverage_high``, ``p``, ``verdict``, ``width``, and ``balanced_coverage`` (mean over the
            ranges with targets) with ``balanced_low`` and ``balanced_high``.
        """
        rows = []
        for name, found in self._tables.items():
            last, even = found.iloc[-1], found.iloc[-2]
            row = {"model": name, "nominal": self.nominal[name]} | last.to_dict()
            row["balanced_coverage"] = even["coverage"]
            row["balanced_low"], row["balanced_high"] = even["coverage_low"], even["coverage_high"]
            rows.append(row)
        return pd.DataFrame(rows)

    def sentences(self, unit: str = "rows") -> tuple[str, ...]:
        """Return one sentence per model on its overall coverage, and one on its ranges.

        Parameters
        ----------
        unit : str
            What the confidence intervals count, "rows" or "groups".
        """
        parts = []
        for row in self.overall().to_dict("records"):
            nominal = f"{100 * row['nominal']:.4g}%"
            share = f"{_percent(row['coverage'])} of {row['test']:,} targets"
            judged = {
                BELOW: f"below the nominal {nominal}",
                ABOVE: f"above the nominal {nominal}",
                UNDECIDED: f"not significantly different from the nominal {nominal}",
                TOO_FEW: f"too few {unit} to compare with the nominal {nominal}",
            }[row["verdict"]]
            known = not np.isnan(row["coverage_low"])
            interval = f" [{_percent(row['coverage_low'])}, {_percent(row['coverage_high'])}]"
            parts.append(
                f"{row['model']}: the intervals contain {share}{interval if known else ''}, {judged}. "
                f"{self._tally(str(row['model']))}"
            )
        return tuple(parts)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return one record per model: its columns and level, ``overall`` and ``ranges``."""
        overall = {row["model"]: row for row in self.overall().to_dict("records")}
        return [
            {
                "model": name,
                "lower": limits.columns.lower,
                "upper": limits.columns.upper,
                "std": limits.columns.std,
                "level": limits.columns.level,
                "level_source": limits.columns.source,
                "overall": overall[name],
                "ranges": self._rows(name).to_dict("records"),
            }
            for name, limits in self._intervals.items()
        ]

    def _rows(self, name: str) -> pd.DataFrame:
        frame = pd.DataFrame(
            {
                "model": name,
                "nominal": self.nominal[name],
                "low": self._edges[:-1],
                "high": self._edges[1:],
                "train": np.nan if self._train_counts is None else self._train_counts,
            }
        )
        return pd.concat([frame, self._tables[name].iloc[:-2].reset_index(drop=True)], axis=1)

    def _tally(self, name: str) -> str:
        found = self._tables[name].iloc[:-2]
        verdicts = found.loc[found["test"] > 0, "verdict"].tolist()
        count = {word: verdicts.count(word) for word in _WORDS.values()}
        of = "range" if len(verdicts) == 1 else "ranges"
        text = (
            f"Of {len(verdicts)} {of}, coverage is below nominal in {count[BELOW]} and above in "
            f"{count[ABOVE]}"
        )
        rest = [f"{word} in {count[word]}" for word in (UNDECIDED, TOO_FEW) if count[word]]
        return f"{text}{'; ' if rest else ''}{', '.join(rest)}."

    def _decide(self) -> None:
        """Add confidence intervals, corrected p-values and verdicts to the tables."""
        from scipy import stats

        tables = list(self._tables.values())
        whole = pd.concat(tables, ignore_index=True)
        shares = _Shares(*(whole[name].to_numpy() for name in ("coverage", "number", "units")))
        each = len(tables[0])
        nominal = np.repeat(list(self.nominal.values()), each)
        weight = np.full(each, (1 - differences.OVERALL_SHARE) / (each - 1))
        weight[-1] = differences.OVERALL_SHARE
        # A deviate with a standard error of 1 has the p-value of its exact test.
        deviate = np.where(np.isnan(shares.share), np.nan, shares.tails(nominal))
        found = decide(deviate, 1.0, _MANY, shares.units, weight=np.tile(weight, len(tables)))
        alpha = 2 * stats.t.sf((found.high - found.low) / 2, _MANY)
        low, high = shares.limits(alpha)
        known = ~np.isnan(alpha)
        whole["coverage_low"], whole["coverage_high"] = np.where(known, [low, high], np.nan)
        whole["p"] = found.p
        whole["verdict"] = [_WORDS[str(word)] for word in found.verdict]
        columns = ["test", "units", "coverage", "coverage_low", "coverage_high", "p", "verdict"]
        for i, name in enumerate(self.names):
            self._tables[name] = whole.iloc[i * each : (i + 1) * each][[*columns, "width"]]


def _summary(
    y: Floats, limits: Limits, known: np.ndarray, which: Indices, groups: int, clusters: Any
) -> pd.DataFrame:
    """Coverage and width in each range, balanced over the ranges, and over all rows."""
    inside = ((limits.lower <= y) & (y <= limits.upper))[known].astype(np.float64)
    width = (limits.upper - limits.lower)[known]
    which, clusters = which[known], None if clusters is None else clusters[known]
    grouped = clusters is not None
    counts = np.bincount(which, minlength=groups).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        ranges = differences.per_range(inside, which, groups, clusters)
        whole = differences.per_range(inside, np.zeros_like(which), 1, clusters)
        widths = np.bincount(which, width, groups) / counts
    parts = _Shares.of(ranges, counts, grouped)
    total = np.array([counts.sum()])
    shares = (
        parts,
        _balanced(parts, differences.balanced(inside, which, groups, clusters), total),
        _Shares.of(whole, total, grouped),
    )
    return pd.DataFrame(
        {
            "test": np.concatenate([counts, total, total]).astype(np.int64),
            "units": np.concatenate([s.units for s in shares]),
            "number": np.concatenate([s.number for s in shares]),
            "coverage": np.concatenate([s.share for s in shares]),
            "width": [*widths, np.nanmean(widths), width.mean()],
        }
    )


def _balanced(ranges: _Shares, found: Estimates, total: Floats) -> _Shares:
    """Share balanced over the ranges, with the number of targets that has its variance.

    In a range with all targets inside, the estimated variance is zero; one target more on either
    side bounds it from below.
    """
    filled = ranges.number > 0
    number, share = ranges.number[filled], ranges.share[filled]
    smooth = (share * number + 1) / (number + 2)
    least = (smooth * (1 - smooth) / number).sum() / filled.sum() ** 2
    variance = np.fmax(found.se**2, least)
    mean = found.value
    smooth_mean = np.clip(mean, 0.5 / total, 1 - 0.5 / total)
    return _Shares(mean, np.minimum(smooth_mean * (1 - smooth_mean) / variance, total), found.units)


def _percent(share: float) -> str:
    return formats.percent(share, 1, short=True)
