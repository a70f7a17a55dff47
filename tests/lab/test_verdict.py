"""Verdicts of a Lab run in words and numbers."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.lab.verdict import as_printed, verdicts
from regcls.stats.comparison import paired_runs
from regcls.stats.verdicts import BETTER, MIN_UNITS, UNDECIDED, WORSE, within

RUNS = np.linspace(0.3, 0.5, 10)
NOISE = 0.03 * np.random.default_rng(0).standard_normal(10)
ERRORS = {"reg": RUNS, "control": RUNS, "reg+cls": RUNS - 0.1}


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        (-0.1, "reg+cls has a lower test error than reg."),
        (0.1, "reg+cls has a higher test error than reg."),
        (0.0, "No significant difference in test error between reg+cls and reg."),
    ],
)
def test_words_follow_the_interval(shift, words):
    against_reg, against_control = verdicts(
        {"reg": RUNS, "control": RUNS + shift + NOISE, "reg+cls": RUNS + shift + NOISE}
    )
    assert against_reg.words == words
    assert "the control (reg with the same loss scale)" in against_control.words


def test_equal_errors_are_called_so():
    noise = NOISE / 10
    found, _ = verdicts({"reg": RUNS, "control": RUNS, "reg+cls": RUNS + noise})
    assert found.words == f"reg+cls and reg are practically equal in test error ({within()})."


def test_numbers_have_both_errors_the_difference_and_the_share_of_wins():
    against_reg, _ = verdicts({"reg": RUNS, "control": RUNS, "reg+cls": RUNS - 0.1})
    assert against_reg.numbers.startswith("Mean test MSE: reg+cls 0.300, reg 0.400. Paired")
    assert against_reg.numbers.endswith("reg+cls has the lower error in 100% of 10 runs.")


def test_few_runs_have_no_interval():
    few = RUNS[: MIN_UNITS - 1]
    against_reg, _ = verdicts({"reg": few, "control": few, "reg+cls": few})
    assert against_reg.words == (
        "Too few runs to compare the test error of reg+cls and reg: use at least 6 repeats."
    )
    assert "[" not in against_reg.numbers


@pytest.mark.parametrize("shift", [-0.1, 0.1, 0.0])
def test_verdicts_are_provisional_until_the_end(shift):
    errors = {"reg": RUNS, "control": RUNS, "reg+cls": RUNS + shift + NOISE}
    for now, then in zip(verdicts(errors, final=False), verdicts(errors), strict=True):
        assert now.words == f"{then.words[:-1]} so far."
        assert now.short == f"{then.short} so far"
        assert "so far" not in then.words + then.short


@pytest.mark.parametrize(("sign", "verdict"), [(-1, BETTER), (1, WORSE)])
def test_an_interval_that_prints_as_touching_zero_decides_nothing(sign, verdict):
    difference = sign * (0.0152 + 0.031 * np.linspace(-1, 1, 10))
    found = paired_runs(RUNS + difference, RUNS, margin=0)
    near, far = sorted((found.low, found.high), key=abs)
    assert found.verdict == verdict and 0 < abs(near) < 0.0005 < abs(far)
    assert as_printed(found, 3).verdict == UNDECIDED
    assert as_printed(found, 5) == found
    # A clear second comparison leaves the first its full level.
    errors = {"reg": RUNS, "control": RUNS + 1, "reg+cls": RUNS + difference}
    against_reg, _ = verdicts(errors)
    assert " 0.000]" in against_reg.difference or "[0.000," in against_reg.difference
    assert against_reg.short == "No significant difference"


def test_small_errors_are_printed_with_three_significant_digits():
    small = {name: 0.001 * errors for name, errors in ERRORS.items()}
    found, _ = verdicts(small)
    assert found.errors == "reg+cls 0.000300, reg 0.000400"
    assert found.difference == "−0.000100 [−0.000100, −0.000100]"
    assert found.short == "Lower error"


def test_difference_of_one_run():
    found, _ = verdicts(ERRORS)
    assert found.of_run(3) == "−0.100"
    assert found.wins == "Lower in 10 of all 10 runs"
