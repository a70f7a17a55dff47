"""The result of a comparison in plain words, with no claim beyond its intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from regcls.stats.comparison import BETTER, UNDECIDED
from regcls.tabular.comparison import CONSTANT, Results
from regcls.tabular.intervals import TOO_EARLY, Difference
from regcls.tabular.plan import NAMES, NETWORKS, SEARCH_ROWS, TREES, Setting

OTHER_METHODS = tuple(kind for kind in NETWORKS if kind not in ("reg", "reg+cls"))
SIMPLEST_FIRST = ("control", "sqrt-inverse", "inverse", "lds", "bmc", "hl-gauss", "reg+cls")
METRIC_NAMES = {"balanced": "balanced MAE", "overall": "MAE"}
_METRIC_COLUMNS = {"balanced": "balanced_mae", "overall": "mae"}
_CONTROL = "the control (reg with a tuned loss scale)"


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison.

    Attributes
    ----------
    headline : str
        Whether classification helps, in one sentence.
    points : tuple of str
        Further findings, one to three sentences each.
    first : str
        Which method to try first.
    """

    headline: str
    points: tuple[str, ...]
    first: str


def verdict(results: Results) -> Verdict:
    """Describe the results so far.

    Parameters
    ----------
    results : Results
        Results of the finished folds.

    Returns
    -------
    Verdict
        Headline, further findings and recommendation.
    """
    writer = _Writer(results)
    points = [
        writer.against_control(),
        writer.per_range(),
        writer.other_methods(),
        writer.trees(),
        writer.signal(),
    ]
    if results.plan.subsampled:
        points.append(
            f"The search used {SEARCH_ROWS:,} rows of each fold, drawn at random, and left out "
            f"{results.plan.subsampled:,}; the selected settings were then trained on all rows."
        )
    return Verdict(writer.headline(), tuple(p for p in points if p), writer.first())


def percent(difference: Difference) -> str:
    """Return the size of a relative change with its interval.

    Parameters
    ----------
    difference : Difference
        The change.

    Returns
    -------
    str
        Size without a sign, in per cent, such as "by 8.0 % [3.0, 9.0]".

    Examples
    --------
    >>> percent(Difference(-0.2, -0.3, -0.1, -0.1, -0.15, -0.05))
    'by 10 % [5, 15]'
    """
    value, low, high = (
        100 * share for share in (difference.share, difference.share_low, difference.share_high)
    )
    if difference.value < 0:
        value, low, high = -value, -high, -low
    digits = 0 if max(abs(low), abs(high), abs(value)) >= 10 else 1
    return f"by {value:.{digits}f} % [{low:.{digits}f}, {high:.{digits}f}]"


def usual(results: Results, kind: str) -> Setting:
    """Return the setting that was selected most often for a kind.

    Parameters
    ----------
    results : Results
        Results of the finished folds.
    kind : str
        Model kind.

    Returns
    -------
    Setting
        The setting; in a tie, the first one selected.
    """
    selected = [fold.selected[kind] for fold in results.folds]
    return max(dict.fromkeys(selected), key=selected.count)


def best_network(results: Results) -> str:
    """Return the kind of network with the lowest error in the plan's goal.

    Parameters
    ----------
    results : Results
        Results of the finished folds.

    Returns
    -------
    str
        Model kind.
    """
    errors = results.table.set_index("kind")[_METRIC_COLUMNS[results.plan.goal]]
    return str(errors.loc[list(NETWORKS)].idxmin())


class _Writer:
    """Sentences about one set of results; an empty string where there is nothing to report."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.metric = METRIC_NAMES[results.plan.goal]
        self.main = results.difference("reg+cls", "reg")
        self.control = results.difference("reg+cls", "control")
        self.early = self.main.verdict == TOO_EARLY

    def better(self, a: str, b: str) -> bool:
        return self.results.difference(a, b).verdict == BETTER

    def headline(self) -> str:
        if self.early:
            return f"Too early for a result: {len(self.results.folds)} folds are finished."
        if self.main.verdict == UNDECIDED:
            return (
                "On your data, there is no significant difference: with classification, the "
                f"{self.metric} changes by {100 * self.main.share:+.1f} %, and the interval "
                f"{_interval(self.main)} includes zero."
            )
        setting = usual(self.results, "reg+cls")
        return (
            "On your data, adding classification (most often with "
            f"{setting.classes} {setting.bins} bins) {_verb(self.main)} the {self.metric} "
            f"{percent(self.main)}."
        )

    def against_control(self) -> str:
        """Report whether tuning the loss scale gives the same gain."""
        if self.control.verdict == TOO_EARLY:
            return ""
        start = f"Compared with {_CONTROL},"
        if self.control.verdict != UNDECIDED:
            return (
                f"{start} classification {_verb(self.control)} the {self.metric} "
                f"{percent(self.control)}."
            )
        text = f"{start} there is no significant difference ({_signed(self.control)})"
        if self.main.verdict == BETTER and self.better("control", "reg"):
            return f"{text}: tuning the loss scale may be all that is needed."
        return f"{text}."

    def per_range(self) -> str:
        """Report the target ranges with a clear gain or loss, and their share of the rows."""
        if self.early:
            return ""
        table = self.results.ranges()
        parts = []
        for word, clear in (
            ("gain", table[table["reg_high"] < 0]),
            ("loss", table[table["reg_low"] > 0]),
        ):
            if not clear.empty:
                ranges = " and ".join(
                    f"{low:.4g} to {high:.4g}"
                    for low, high in _joined(zip(clear["low"], clear["high"], strict=True))
                )
                share = clear["share"].sum()
                parts.append(f"a clear {word} for targets from {ranges} ({share:.0%} of the rows)")
        if not parts:
            return "No single target range shows a clear gain or loss compared with reg."
        return (
            f"By target range, there is {' and '.join(parts)}. These 95 % intervals are not "
            "corrected for multiple comparisons."
        )

    def other_methods(self) -> str:
        """Report the other methods with a lower error than reg."""
        better = [k for k in OTHER_METHODS if self.better(k, "reg")]
        if not better:
            if self.early:
                return ""
            return (
                f"None of the other {len(OTHER_METHODS)} methods clearly lowers the {self.metric} "
                "compared with reg."
            )
        gains = [f"{NAMES[k]} {percent(self.results.difference(k, 'reg'))}" for k in better]
        text = f"Other methods that lower the {self.metric} compared with reg: {', '.join(gains)}."
        if self.main.verdict != BETTER:
            return (
                f"{text} These 95 % intervals for {len(OTHER_METHODS)} methods are not corrected "
                "for multiple comparisons."
            )
        worse = [NAMES[k] for k in better if self.better("reg+cls", k)]
        if not worse:
            return f"{text} reg+cls is not clearly better than any of them."
        return f"{text} reg+cls is clearly better than {', '.join(worse)}."

    def trees(self) -> str:
        """Compare gradient-boosted trees with the best network."""
        best = best_network(self.results)
        difference = self.results.difference(TREES, best)
        if difference.verdict == TOO_EARLY:
            return ""
        network = f"the best network ({NAMES[best]})"
        if difference.verdict == UNDECIDED:
            return (
                f"There is no significant difference between gradient-boosted trees and {network}: "
                f"{_signed(difference)}."
            )
        if difference.verdict == BETTER:
            return (
                f"Gradient-boosted trees have a lower {self.metric} than {network}, "
                f"{percent(difference)}."
            )
        return (
            f"Gradient-boosted trees have a higher {self.metric} than {network}, "
            f"{percent(difference)}, so a network is worthwhile."
        )

    def signal(self) -> str:
        """Warn if no model is clearly better than the constant baseline."""
        best = best_network(self.results)
        if self.early or self.better(best, CONSTANT) or self.better(TREES, CONSTANT):
            return ""
        return (
            "No model is clearly better than predicting the median: these columns may contain "
            "little information about the target, and then no loss function helps."
        )

    def first(self) -> str:
        """Recommend the simplest method that the intervals support."""
        if self.early:
            return "Wait for more folds."
        if self.better(TREES, best_network(self.results)):
            return "Try gradient-boosted trees first."
        better = [k for k in SIMPLEST_FIRST if self.better(k, "reg")]
        if not better:
            return "Try plain reg first: no other method is clearly better."
        undominated = [k for k in better if not any(self.better(o, k) for o in better if o != k)]
        pick = (undominated or better)[0]
        name = _CONTROL if pick == "control" else NAMES[pick]
        return (
            f"Try {name} first: it is the simplest method that is clearly better than reg and not "
            "clearly worse than another."
        )


def _verb(difference: Difference) -> str:
    return "lowers" if difference.verdict == BETTER else "raises"


def _interval(difference: Difference) -> str:
    return f"[{100 * difference.share_low:+.1f}, {100 * difference.share_high:+.1f}]"


def _signed(difference: Difference) -> str:
    return f"{100 * difference.share:+.1f} % {_interval(difference)}"


def _joined(ranges: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Merge adjacent ranges."""
    joined: list[tuple[float, float]] = []
    for low, high in np.asarray(list(ranges), dtype=np.float64):
        if joined and joined[-1][1] == low:
            joined[-1] = joined[-1][0], high
        else:
            joined.append((low, high))
    return joined
