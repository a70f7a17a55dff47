"""Error reports of pairs."""

from __future__ import annotations

from types import SimpleNamespace

from regcls.tasks import reports


def test_training_targets_are_spread_over_their_bins():
    card = SimpleNamespace(training_histogram={"edges": [0, 2, 4, 10], "counts": [2, 0, 3]})
    assert reports.training_targets(card).tolist() == [0.5, 1.5, 5, 7, 9]
