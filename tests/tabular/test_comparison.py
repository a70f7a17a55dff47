"""A whole comparison on a small table: held-out rows, baseline, cancellation, absence."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.tabular.comparison import Comparison
from regcls.tabular.plan import KINDS
from tests.helpers.small_comparison import SLOW, TINY, small_plan
from tests.helpers.waiting import until


def test_every_row_is_held_out_once_per_repeat(done):
    results = done.results
    assert results.complete and sorted(results.row) == list(range(120))
    assert done.progress.share == pytest.approx(1) and not done.running and not done.cancelled
    assert list(results.table["kind"]) == [*KINDS, "constant"]
    held_out = results.out_of_fold()
    mae = np.abs(held_out["reg"] - held_out["y_true"]).mean()
    assert mae == pytest.approx(results.table.set_index("kind").loc["reg", "mae"])


def test_models_beat_the_median(done):
    """Columns a and kind explain nearly all of y."""
    errors = done.results.table.set_index("kind")["mae"]
    assert (errors[["reg", "control", "reg+cls", "trees"]] < 0.8 * errors["constant"]).all()


def test_cancelling_keeps_what_is_done():
    comparison = Comparison(small_plan(SLOW)).start()
    until(lambda: comparison.progress.share > 0)
    comparison.cancel()
    assert comparison.wait(60)
    assert comparison.cancelled and comparison.error is None and not comparison.models
    assert 0 < comparison.progress.share < 1


def test_a_comparison_stops_when_the_visitor_has_left():
    comparison = Comparison(small_plan(SLOW), present=lambda: False)
    comparison.run()
    assert comparison.cancelled and comparison.progress.share < 1


def test_an_error_of_a_fold_is_kept(monkeypatch):
    def fail(*args: object) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr("regcls.tabular.comparison.fit_fold", fail)
    comparison = Comparison(small_plan(TINY))
    comparison.run()
    assert str(comparison.error) == "no memory" and not comparison.cancelled
    assert comparison.results is None
