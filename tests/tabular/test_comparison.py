"""A whole comparison on a small table: held-out rows, baseline, cancellation, absence."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from regcls.stats.verdicts import VERDICTS
from regcls.tabular import charts
from regcls.tabular.comparison import Comparison
from regcls.tabular.methods import KINDS
from regcls.tabular.records import record
from regcls.tabular.results import CONSTANT, ESTIMAND, METHODS, PRIMARY, RANGES, REMEDIES
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


def test_every_comparison_belongs_to_a_family(done):
    results = done.results
    table = results.comparisons()
    assert not table.duplicated(["metric", "a", "b"]).any()
    assert set(table["family"]) == {PRIMARY, METHODS} and set(table["verdict"]) <= set(VERDICTS)
    remedies = table[table["a"].isin(REMEDIES) & (table["metric"] == "mae")]
    remedies = remedies[remedies["b"] != CONSTANT]  # one of them may be the best network
    assert set(remedies["b"]) == {"control"} and len(remedies) == len(REMEDIES)
    assert len(results.family(RANGES)) == 2 * len(results.ranges())
    for row in table.to_dict("records"):
        goal = "overall" if row["metric"] == "mae" else "balanced"
        found = results.difference(row["a"], row["b"], goal)
        assert (found.share_low, found.share_high) == (row["low"], row["high"])
    with pytest.raises(ValueError, match="not compared"):
        results.difference("lds", "reg")


def test_the_record_has_the_verdicts_of_the_results(done):
    found = record(done)
    for other in ("reg", "control"):
        difference = done.results.difference("reg+cls", other)
        assert found[f"regcls_against_{other}"] == asdict(difference)
    assert found["comparisons"] == done.results.comparisons().to_dict("records")
    assert found["estimand"] == ESTIMAND and found["verdict"]["headline"]


def test_the_chart_has_the_intervals_of_the_verdicts(done):
    shown = charts.changes(done.results).data["changes"]
    count = 3 + len(REMEDIES) + 1  # reg+cls, reg and the control; trees and the best network
    assert len(shown) == 2 * count and shown["comparison"].nunique() == count
    main = shown[(shown["comparison"] == "reg+cls vs reg") & shown["metric"].str.startswith("bal")]
    difference = done.results.difference("reg+cls", "reg")
    assert main["low"].item() == difference.share_low
    assert main["verdict"].item() == difference.verdict
    assert (
        main["error"].item() == done.results.table.set_index("kind").at["reg+cls", "balanced_mae"]
    )


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


def test_only_a_whole_run_counts_for_later_estimates(monkeypatch):
    recorded: list[tuple[str, float, float]] = []
    monkeypatch.setattr("regcls.utils.pace.record", lambda *run: recorded.append(run))
    stopped = Comparison(small_plan(SLOW), present=lambda: False)
    stopped.run()
    assert recorded == []
    whole = Comparison(small_plan(TINY))
    whole.run()
    ((kind, estimated, taken),) = recorded
    assert (kind, estimated) == ("table", whole.plan.estimated) and 0 < taken <= whole.seconds
