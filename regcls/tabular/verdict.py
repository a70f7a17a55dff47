"""The verdict of a comparison in plain words, never more certain than its intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regcls.tabular.comparison import CONSTANT, Results
from regcls.tabular.intervals import Difference
from regcls.tabular.plan import NAMES, NETWORKS, SEARCH_ROWS, TREES, Setting

REMEDIES = tuple(kind for kind in NETWORKS if kind not in ("reg", "reg+cls"))
_CALLED = {"control": "the control (reg with its loss scale tuned)"}
ERRORS = {"balanced": "balanced MAE", "overall": "MAE"}


@dataclass(frozen=True)
class Verdict:
    """``headline``: the answer in one sentence; ``points``: what belongs to it; ``first``: what to
    try first."""

    headline: str
    points: tuple[str, ...]
    first: str


def verdict(results: Results) -> Verdict:
    """What the comparison says so far."""
    found = _Told(results)
    points = [
        found.against_control(), found.where(), found.remedies(), found.trees(), found.signal()
    ]  # fmt: skip
    if results.plan.subsampled:
        points.append(
            f"Settings were searched on {SEARCH_ROWS:,} rows of each fold, drawn at random "
            f"({results.plan.subsampled:,} left out); the chosen ones then learned from all rows."
        )
    return Verdict(found.headline(), tuple(p for p in points if p), found.first())


def percent(difference: Difference) -> str:
    """ "by 8 % [3, 13]": the size of a change and its interval, in per cent of the other's error."""
    value, low, high = (100 * s for s in (difference.share, difference.share_low,
                                          difference.share_high))  # fmt: skip
    if difference.value < 0:
        value, low, high = -value, -high, -low
    whole = max(abs(low), abs(high), abs(value)) >= 10
    show = (lambda v: f"{v:.0f}") if whole else (lambda v: f"{v:.1f}")
    return f"by {show(value)} % [{show(low)}, {show(high)}]"


def usual(results: Results, kind: str) -> Setting:
    """The setting picked most often for this kind; of equals, the first."""
    picked = [fold.picked[kind] for fold in results.folds]
    return max(dict.fromkeys(picked), key=picked.count)


def best_network(results: Results) -> str:
    """The kind of network of least error."""
    column = {"balanced": "balanced_mae", "overall": "mae"}[results.plan.goal]
    return str(results.table.set_index("kind")[column].loc[list(NETWORKS)].idxmin())


class _Told:
    def __init__(self, results: Results):
        self.results, self.plan = results, results.plan
        self.error = ERRORS[results.plan.goal]
        self.main = results.difference("reg+cls", "reg")
        self.control = results.difference("reg+cls", "control")

    def headline(self) -> str:
        setting = usual(self.results, "reg+cls")
        what = f"adding classification ({setting.classes} {setting.bins} bins most often)"
        if self.main.verdict == "too early":
            return f"Too early to say: {len(self.results.folds)} folds are done."
        if self.main.verdict == "better":
            return f"On your data, {what} lowers the {self.error} {percent(self.main)}."
        if self.main.verdict == "worse":
            return f"On your data, {what} raises the {self.error} {percent(self.main)}."
        low, high = (f"{100 * v:+.1f}" for v in (self.main.share_low, self.main.share_high))
        return (
            f"On your data, no clear difference: with classification the {self.error} changes by "
            f"{100 * self.main.share:+.1f} %, and the interval [{low}, {high}] holds zero."
        )

    def against_control(self) -> str:
        """Whether matching the loss scale alone does it."""
        own = self.results.difference("control", "reg")
        d = self.control
        if d.verdict == "too early":
            return ""
        if d.verdict == "no clear difference":
            said = (
                "Against the control, reg with its loss scale tuned alike, there is no clear "
                f"difference ({_signed(d)})"
            )
            if own.verdict == "better" and self.main.verdict == "better":
                return said + ": tuning the loss scale alone may be all that is needed."
            return said + "."
        word = "lowers" if d.verdict == "better" else "raises"
        return (
            f"Against the control, reg with its loss scale tuned alike, it {word} the "
            f"{self.error} {percent(d)}."
        )

    def where(self) -> str:
        """Ranges whose own interval lies on one side, and how much data is there."""
        table = self.results.ranges()
        parts = []
        for word, there in (
            ("gain", table[table["reg_high"] < 0]),
            ("loss", table[table["reg_low"] > 0]),
        ):
            if not there.empty:
                ranges = " and ".join(
                    f"{low:.4g} to {high:.4g}" for low, high in _joined(there[["low", "high"]])
                )
                share = there["share"].sum()
                parts.append(f"a clear {word} for targets from {ranges} ({share:.0%} of the rows)")
        if not parts:
            if self.main.verdict == "too early":
                return ""
            return "No target range by itself shows a clear gain or loss against reg."
        return f"Range by range, each with an interval of its own, there is {'; and '.join(parts)}."

    def remedies(self) -> str:
        """Which other remedies lower the error against reg, and which of them do as well."""
        better = [k for k in REMEDIES if self.results.difference(k, "reg").verdict == "better"]
        if better:
            said = ", ".join(
                f"{NAMES[k]} {percent(self.results.difference(k, 'reg'))}" for k in better
            )
            verb = "lower" if len(better) > 1 else "lowers"
            text = f"Against reg, {said}: {verb} the {self.error} too"
            if self.main.verdict == "better":
                beaten = [k for k in better if self._beats(k)]
                if not beaten:
                    return f"{text}; none is clearly worse or better than reg+cls."
                names = ", ".join(NAMES[k] for k in beaten)
                return f"{text}; reg+cls is clearly better than {names}."
            return (
                f"{text}. (With {len(REMEDIES)} remedies compared, one in twenty such intervals "
                "misleads.)"
            )
        if self.main.verdict == "too early":
            return ""
        return f"None of the other {len(REMEDIES)} remedies clearly lowers the {self.error} either."

    def _beats(self, kind: str) -> bool:
        return self.results.difference("reg+cls", kind).verdict == "better"

    def trees(self) -> str:
        """Whether gradient-boosted trees are better anyway, against the best network."""
        best = best_network(self.results)
        d = self.results.difference(TREES, best)
        if d.verdict == "too early":
            return ""
        if d.verdict == "better":
            return (
                f"Gradient-boosted trees are better anyway: their {self.error} is lower than that "
                f"of the best network here ({NAMES[best]}) {percent(d)}."
            )
        if d.verdict == "worse":
            return (
                f"A network is worth it: {NAMES[best]} beats gradient-boosted trees, whose "
                f"{self.error} is higher {percent(d)}."
            )
        return (
            f"Between gradient-boosted trees and the best network here ({NAMES[best]}) there is no "
            f"clear difference ({_signed(d)})."
        )

    def signal(self) -> str:
        """A warning where nothing beats a constant."""
        best = [best_network(self.results), TREES]
        if any(self.results.difference(k, CONSTANT).verdict == "better" for k in best):
            return ""
        if self.main.verdict == "too early":
            return ""
        return (
            "No model clearly beats always answering the median: these columns may say little "
            "about the target, and then no loss helps."
        )

    def first(self) -> str:
        """What to try first: the simplest thing that the intervals speak for."""
        if self.main.verdict == "too early":
            return "Wait for more folds."
        trees = self.results.difference(TREES, best_network(self.results))
        if trees.verdict == "better":
            return "Try gradient-boosted trees first."
        simple = ("control", "sqrt-inverse", "inverse", "lds", "bmc", "hl-gauss", "reg+cls")
        better = [k for k in simple if self.results.difference(k, "reg").verdict == "better"]
        if not better:
            return "Try plain reg first: nothing here is clearly better than it."
        undominated = [
            k for k in better
            if not any(self.results.difference(o, k).verdict == "better" for o in better if o != k)
        ]  # fmt: skip
        pick = (undominated or better)[0]
        return (
            f"Try {_CALLED.get(pick, NAMES[pick])} first: of what is clearly better than reg and not clearly beaten "
            "by another, it is the simplest."
        )


def _signed(d: Difference) -> str:
    low, high = (f"{100 * v:+.1f}" for v in (d.share_low, d.share_high))
    return f"{100 * d.share:+.1f} % [{low}, {high}]"


def _joined(ranges) -> list[tuple[float, float]]:
    """Ranges that touch, as one."""
    joined: list[list[float]] = []
    for low, high in np.asarray(ranges, dtype=np.float64):
        if joined and joined[-1][1] == low:
            joined[-1][1] = high
        else:
            joined.append([low, high])
    return [(low, high) for low, high in joined]
