"""Errors and effects of one table, against the metrics of reports and plain computations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from regcls.bench import effects, runner
from regcls.bench.store import Store
from regcls.stats.errors import ErrorReport
from regcls.tabular.results import Results
from tests.helpers.small_bench import small_bench


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Results:
    path: Path = tmp_path_factory.mktemp("bench") / "b.sqlite"
    prepared = small_bench()[0]
    with Store(path) as store:
        runner.run([prepared], store, jobs=1)
        return Results(prepared.plan, [stored.result for stored in store.results(prepared.tasks)])


def test_errors_are_those_of_the_error_report(results):
    errors, _ = effects.table_effects(results, ("reg", "reg+cls", "trees"))
    report: ErrorReport = results.report(("reg", "reg+cls", "trees"))
    overall = report.overall().set_index("model")
    found = errors.pivot(index="method", columns="metric", values="error")
    for name in ("balanced_mae", "mae", "gm", "sera"):
        for kind in found.index:
            rows = 120 if name == "sera" else 1  # a sum over the samples by its definition
            assert rows * found.at[kind, name] == pytest.approx(overall.at[kind, name]), name


def test_few_and_many_shot_errors_are_means_over_their_ranges(results):
    errors, _ = effects.table_effects(results, ("reg",))
    ranges = effects.range_errors(results, ("reg",))
    for name in ("few", "many"):
        of = ranges[ranges["shots"] == name]
        value = errors.set_index("metric").at[f"{name}_mae", "error"]
        assert value == pytest.approx(of["mae"].mean())
    assert ranges["train"].sum() == 120 and {"few", "many"} <= set(ranges["shots"])


def test_effects_are_log_ratios_with_the_errors_of_intervals(results):
    errors, found = effects.table_effects(results, ("reg", "control", "reg+cls"))
    of = errors.set_index(["metric", "method"])["error"]
    for row in found.itertuples():
        ratio = of[row.metric, row.a] / of[row.metric, row.b]
        assert row.value == pytest.approx(np.log(ratio), abs=1e-9), row
    assert len(found) == 3 * len(effects.METRICS)
    one = found.set_index(["metric", "a", "b"]).loc[("balanced_mae", "reg+cls", "reg")]
    difference = results.difference("reg+cls", "reg")
    assert np.exp(one["value"]) - 1 == pytest.approx(difference.share)
    assert one["se"] > 0 and one["units"] == 120


def test_the_constant_explains_nothing_and_the_table_is_described(results):
    about = effects.about(results)
    assert (about["rows"], about["inputs"]) == (120, 3) and about["imbalance"] > 1
    assert 0.3 < about["explained"] <= 1 and about["distinct"] == 1
    assert about["skew"] > 1  # the target is an exponential


def test_shots_are_relative_to_the_mean_number_per_range():
    assert effects.shots(np.array([10, 10, 10])).tolist() == ["medium"] * 3
    assert effects.shots(np.array([0, 4, 100])).tolist() == ["few", "few", "many"]
