"""The answer of the shipped results: one sentence, and one finding per comparison."""

from __future__ import annotations

from dataclasses import dataclass

from regcls.stats.verdicts import BETTER, EQUAL, UNDECIDED, WORSE
from regcls.study.summary import Comparison, shipped

PAPER, TUNED = "paper", "fair"  # the shipped grids: the paper's settings, and both sides tuned
_COMPARED = {
    "reg": "compared with plain reg",
    "control": "compared with reg with the same loss scale",
    "tuned": "when both sides are tuned",
}
TITLES = {
    "reg": "Against plain reg",
    "control": "Against the control",
    "tuned": "Both sides tuned",
}


@dataclass(frozen=True)
class Finding:
    """Finding of one comparison, for a tile.

    Attributes
    ----------
    title : str
        What reg+cls is compared with.
    compared : Comparison
        Pooled ratio with its interval and verdict.
    words : str
        Verdict in plain words.
    note : str
        In how many settings there is a significant difference, and what the interval leaves out.
    query : dict of str to str
        Address of this comparison on the Study page.
    """

    title: str
    compared: Comparison
    words: str
    note: str
    query: dict[str, str]


def findings() -> tuple[Finding, ...]:
    """Return the findings of the shipped results: plain reg, the control, both sides tuned.

    Returns
    -------
    tuple of Finding
        Without comparisons that have no shipped results.

    Examples
    --------
    >>> [found.title for found in findings()]
    ['Against plain reg', 'Against the control', 'Both sides tuned']
    """
    compared: dict[str, Comparison] = {}
    for grid in (PAPER, TUNED):
        if summary := shipped(grid):
            compared |= summary.comparisons
    return tuple(_finding(compared[key]) for key in TITLES if key in compared)


def sentence(found: tuple[Finding, ...]) -> str:
    """Return what the findings say together, with the verdicts in bold (Markdown).

    Parameters
    ----------
    found : tuple of Finding
        From `findings`.

    Returns
    -------
    str
        One sentence; empty without findings.
    """
    if not found:
        return ""
    clauses = [_clause(finding.compared) for finding in found]
    differs = len({finding.compared.verdict for finding in found[:2]}) > 1
    text = clauses[0]
    if len(clauses) > 1:
        text += f", {'but' if differs else 'and'} {clauses[1]}"
    if len(clauses) > 2:
        text += f", and {clauses[2]}"
    return (
        "In the experiments on 1D functions, training a network to classify the target’s range as "
        f"well {text}."
    )


def _clause(compared: Comparison) -> str:
    change = f"{abs(1 - compared.ratio):.0%}"
    outcome = {
        BETTER: f"lowers its test error by {change}",
        WORSE: f"raises its test error by {change}",
        EQUAL: "makes practically no difference",
        UNDECIDED: "makes no significant difference",
    }.get(compared.verdict, "has too few results")
    return f"**{outcome}** {_COMPARED[compared.against]}"


def _finding(compared: Comparison) -> Finding:
    change = f"{abs(1 - compared.ratio):.0%}"
    words = {
        BETTER: f"{change} lower test MSE",
        WORSE: f"{change} higher test MSE",
        EQUAL: "Practically the same test MSE",
        UNDECIDED: "No significant difference",
    }.get(compared.verdict, "Too few results")
    better = f"{compared.count(BETTER)} of {compared.counted} single settings"
    note = f"Significantly better in {better}."
    if compared.against == "tuned" and compared.searches <= 1:
        note += " From a single search."
    query = {"grid": PAPER, "against": compared.against}
    return Finding(TITLES[compared.against], compared, words, note, query)
