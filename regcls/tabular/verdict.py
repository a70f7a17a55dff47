"""The result of a comparison in plain words; each sentence states a verdict of `Results`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from regcls import formats
from regcls.stats.verdicts import BETTER, EQUAL, MARGIN, TOO_FEW, UNDECIDED, WORSE
from regcls.tabular.intervals import POWER, Difference
from regcls.tabular.methods import NAMES, TREES
from regcls.tabular.plan import SEARCH_ROWS, Setting
from regcls.tabular.results import CONSTANT, REMEDIES, Results

SIMPLEST_FIRST = (
    *(
        "reg-recalibrated",
        "sqrt-inverse",
        "inverse",
        "lds",
        "lds-inverse",
        "refitted",
        "mean",
        "bmc",
    ),
    *("hl-gauss", "classes", "classes-prior", "beta-nll", "ranksim", "ordinal-entropy", "reg+cls"),
    *("reg+cls-recalibrated", "reg+cls-class", "reg+cls-prior", "reg+cls-mixed"),
)
METRIC_NAMES = {"balanced": "balanced MAE", "overall": "MAE"}
_EQUAL = f"practically equal (within ±{100 * MARGIN:.0f}%)"
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
    finding : str
        The first sentence of the headline, without the smallest detectable change.
    """

    headline: str
    points: tuple[str, ...]
    first: str
    finding: str


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
        writer.interim(),
        writer.signal(),
        writer.against_control(),
        writer.per_range(),
        writer.other_methods(),
        writer.trees(),
    ]
    if results.plan.subsampled:
        points.append(
            f"The search used {SEARCH_ROWS:,} rows of each fold, drawn at random, and left out "
            f"{results.plan.subsampled:,}; the selected settings were then trained on all rows."
        )
    kept = tuple(point for point in points if point)
    return Verdict(writer.headline(), kept, writer.first(), writer.finding())


def percent(difference: Difference) -> str:
    """Return the size of a relative change with its interval.

    Parameters
    ----------
    difference : Difference
        The change.

    Returns
    -------
    str
        Size without a sign, in per cent, such as "by 8.0% [3.0, 9.0]".

    Examples
    --------
    >>> percent(Difference(-0.2, -0.3, -0.1, -0.1, -0.15, -0.05, 0.01, 0.08, "better"))
    'by 10% [5, 15]'
    """
    value, low, high = (
        100 * share for share in (difference.share, difference.share_low, difference.share_high)
    )
    if difference.value < 0:
        value, low, high = -value, -high, -low
    digits = 0 if max(abs(low), abs(high), abs(value)) >= 10 else 1
    size, *ends = (formats.fixed(v, digits) for v in (value, low, high))
    return f"by {size}% [{', '.join(ends)}]"


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


class _Writer:
    """Sentences about one set of results; an empty string where there is nothing to report."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.metric = METRIC_NAMES[results.plan.goal]
        self.main = results.difference("reg+cls", "reg")
        self.control = results.difference("reg+cls", "control")
        self.early = self.main.verdict == TOO_FEW
        best = results.best_network()
        self.network_helps = self.better(best, CONSTANT)
        self.trees_help = self.better(TREES, CONSTANT)

    def better(self, a: str, b: str) -> bool:
        return self.results.difference(a, b).verdict == BETTER

    def headline(self) -> str:
        return self.finding() if self.early else f"{self.finding()} {self._power()}"

    def finding(self) -> str:
        if self.early:
            done = len(self.results.folds)
            finished = "1 fold is" if done == 1 else f"{done} folds are"
            return f"Too early for a result: {finished} finished."
        if self.main.verdict == EQUAL:
            return (
                f"On your data, reg and reg+cls are {_EQUAL}: with classification, the "
                f"{self.metric} changes by {_signed(self.main)}."
            )
        if self.main.verdict == UNDECIDED:
            return (
                "On your data, there is no significant difference: with classification, the "
                f"{self.metric} changes by {_share(self.main.share)}%, and the interval "
                f"{_interval(self.main)} includes zero."
            )
        setting = usual(self.results, "reg+cls")
        return (
            "On your data, adding classification (most often with "
            f"{setting.classes} {setting.bins} bins) {_verb(self.main)} the {self.metric} "
            f"{percent(self.main)}."
        )

    def _power(self) -> str:
        """Report the smallest detectable effect."""
        smallest = 100 * self.main.smallest
        return (
            f"The smallest change that {100 * POWER:.0f}% of such comparisons would detect is "
            f"{smallest:.{0 if smallest >= 10 else 1}f}%."
        )

    def interim(self) -> str:
        """Warn of verdicts that are read before the last fold (9% instead of 4% in simulations)."""
        done, folds = len(self.results.folds), len(self.results.plan.splits)
        if self.early or done == folds:
            return ""
        return (
            f"This is an interim result after {done} of {folds} folds; stopping at the first "
            "significant difference doubles the rate of wrong verdicts."
        )

    def against_control(self) -> str:
        """Report whether tuning the loss scale gives the same gain."""
        if self.early:
            return ""
        start = f"Compared with {_CONTROL},"
        if self.control.verdict in (BETTER, WORSE):
            return (
                f"{start} classification {_verb(self.control)} the {self.metric} "
                f"{percent(self.control)}."
            )
        if self.control.verdict == EQUAL:
            text = f"{start} reg+cls is {_EQUAL}: {_signed(self.control)}"
        else:
            text = f"{start} there is no significant difference ({_signed(self.control)})"
        if self.network_helps and self.main.verdict == BETTER and self.better("control", "reg"):
            return f"{text}; tuning the loss scale may be all that is needed."
        return f"{text}."

    def per_range(self) -> str:
        """Report the target ranges with a significant gain or loss, and their share of the rows."""
        if self.early:
            return ""
        table = self.results.ranges()
        parts = []
        for word, verdict in (("gain", BETTER), ("loss", WORSE)):
            found = table[table["reg_verdict"] == verdict]
            if not found.empty:
                ranges = " and ".join(
                    f"{low:.4g} to {high:.4g}"
                    for low, high in _joined(zip(found["low"], found["high"], strict=True))
                )
                share = found["share"].sum()
                parts.append(
                    f"a significant {word} for targets from {ranges} ({share:.0%} of the rows)"
                )
        few = int((table["reg_verdict"] == TOO_FEW).sum())
        left_out = f" Ranges with too few rows for a verdict: {few}." if few else ""
        if not parts:
            return (
                "No single target range shows a significant gain or loss compared with reg."
                f"{left_out}"
            )
        return (
            f"By target range, there is {' and '.join(parts)} compared with reg, corrected for "
            f"all ranges.{left_out}"
        )

    def other_methods(self) -> str:
        """Report the remedies with a lower error than the control."""
        if self.early:
            return ""
        better = [kind for kind in REMEDIES if self.better(kind, "control")]
        if not better:
            return (
                f"None of the other {len(REMEDIES)} methods significantly lowers the {self.metric} "
                "compared with the control."
            )
        gains = [f"{NAMES[k]} {percent(self.results.difference(k, 'control'))}" for k in better]
        text = (
            f"Other methods that lower the {self.metric} compared with the control: "
            f"{', '.join(gains)}."
        )
        if self.main.verdict != BETTER:
            return text
        beaten = [NAMES[k] for k in better if self.better("reg+cls", k)]
        if not beaten:
            return f"{text} reg+cls is not significantly better than any of them."
        return f"{text} reg+cls is significantly better than {', '.join(beaten)}."

    def trees(self) -> str:
        """Compare gradient-boosted trees with the best network."""
        if self.early:
            return ""
        best = self.results.best_network()
        difference = self.results.difference(TREES, best)
        network = f"the best network ({NAMES[best]})"
        if difference.verdict == EQUAL:
            return f"Gradient-boosted trees and {network} are {_EQUAL}: {_signed(difference)}."
        if difference.verdict == BETTER:
            return (
                f"Gradient-boosted trees have a lower {self.metric} than {network}, "
                f"{percent(difference)}."
            )
        if difference.verdict == WORSE:
            return (
                f"Gradient-boosted trees have a higher {self.metric} than {network}, "
                f"{percent(difference)}{', so a network is worthwhile' if self.network_helps else ''}."
            )
        return (
            f"There is no significant difference between gradient-boosted trees and {network}: "
            f"{_signed(difference)}."
        )

    def signal(self) -> str:
        """Warn if no model, or no network, is significantly better than the constant baseline."""
        if self.early or self.network_helps:
            return ""
        if self.trees_help:
            return (
                "Only gradient-boosted trees are significantly better than predicting the median: "
                "the networks' errors differ at a level where none of them is of use."
            )
        return (
            "No model is significantly better than predicting the median: these columns may "
            "contain little information about the target, and then no loss function helps."
        )

    def first(self) -> str:
        """Recommend the simplest method that the verdicts support."""
        if self.early:
            return "Wait for more folds."
        # A method that does not beat the median is not recommended, whatever it beats.
        if not self.network_helps and not self.trees_help:
            return "Look for better columns first: no model here beats predicting the median."
        if not self.network_helps:
            return (
                "Try gradient-boosted trees first: no network is significantly better than "
                "predicting the median."
            )
        if self.better(TREES, self.results.best_network()):
            return "Try gradient-boosted trees first."
        pick, over = self._pick()
        if pick == "reg":
            return "Try plain reg first: no other method is significantly better."
        name = _CONTROL if pick == "control" else NAMES[pick]
        also = " and not significantly worse than reg+cls" if pick in REMEDIES else ""
        return (
            f"Try {name} first: it is the simplest method that is significantly better than "
            f"{over}{also}."
        )

    def _pick(self) -> tuple[str, str]:
        """Return the recommended kind and the simpler one that it improves on."""
        better = [kind for kind in REMEDIES if self.better(kind, "control")]
        against = {kind: self.results.difference("reg+cls", kind).verdict for kind in better}
        left = {kind for kind in better if against[kind] != BETTER}
        if self.better("reg+cls", "control") and WORSE not in against.values():
            left.add("reg+cls")
        if left:
            return min(left, key=SIMPLEST_FIRST.index), "the control"
        if self.better("control", "reg"):
            return "control", "reg"
        return ("reg+cls" if self.main.verdict == BETTER else "reg"), "reg"


def _verb(difference: Difference) -> str:
    return "lowers" if difference.verdict == BETTER else "raises"


def _share(share: float) -> str:
    return formats.fixed(100 * share, 1, signed=True)


def _interval(difference: Difference) -> str:
    return f"[{_share(difference.share_low)}, {_share(difference.share_high)}]"


def _signed(difference: Difference) -> str:
    return f"{_share(difference.share)}% {_interval(difference)}"


def _joined(ranges: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Merge adjacent ranges."""
    joined: list[tuple[float, float]] = []
    for low, high in np.asarray(list(ranges), dtype=np.float64):
        if joined and joined[-1][1] == low:
            joined[-1] = joined[-1][0], high
        else:
            joined.append((low, high))
    return joined
