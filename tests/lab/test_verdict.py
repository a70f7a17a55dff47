"""Verdicts of a Lab run in words and numbers."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.lab.verdict import verdicts
from regcls.stats.verdicts import MIN_UNITS

RUNS = np.linspace(0.3, 0.5, 10)
NOISE = 0.03 * np.random.default_rng(0).standard_normal(10)


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
    assert found.words == "reg+cls and reg are practically equal in test error (within ±5 %)."


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
