"""Estimated time and memory of a Lab run, and its warnings."""

from __future__ import annotations

import pytest

from regcls.exceptions import UserError
from regcls.lab import cost
from regcls.lab.settings import LabSettings

SMALL = LabSettings(samples=3000, epochs=3, repeats=2, batch=128, classes=8)


def test_slow_and_large_runs_have_a_warning():
    assert cost.estimate(SMALL).warning is None
    slow = cost.estimate(LabSettings(classes=1024, repeats=50, epochs=1000))
    assert "minutes" in slow.warning
    huge = cost.estimate(
        LabSettings(samples=300_000, repeats=50, batch=4096, classes=1024, hidden=(256, 256))
    )
    assert not huge.fits
    assert "memory" in huge.warning
    with pytest.raises(UserError, match="use fewer repeats"):
        huge.check()
