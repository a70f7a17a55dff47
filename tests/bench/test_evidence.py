"""Comparisons over tables: signs, families, filters, files, coverage; moderators and rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.bench.effects import COMPARED
from regcls.bench.evidence import Evidence
from regcls.bench.moderators import PROPERTIES, partial_effects, rule_of_thumb
from regcls.exceptions import UserError
from regcls.stats.verdicts import BETTER, EQUAL, UNDECIDED


def evidence(value: np.ndarray, se: float = 0.02, **columns: object) -> Evidence:
    """Results in which reg+cls has these effects against reg, one family per table."""
    count = len(value)
    names = [f"t{i:02d}" for i in range(count)]
    rng = np.random.default_rng(0)
    tables = {
        "table": names,
        "target": "y",
        "family": names,
        "domain": ["a", "b"] * (count // 2),
        "source": "",
        "split": False,
        "folds": 10,
        "seconds": 1.0,
        "rows": 10 ** rng.uniform(2, 5, count),
        "inputs": 10 ** rng.uniform(0.5, 2, count),
        "ranges": 8,
        "imbalance": 10 ** rng.uniform(0, 3, count),
        "skew": rng.normal(size=count),
        "distinct": rng.random(count),
        "explained": rng.random(count),
    }
    effects = pd.DataFrame(
        {"table": names, "metric": "balanced_mae", "a": "reg+cls", "b": "reg", "value": value}
    ).assign(se=se, dof=50.0, units=200)
    errors = pd.concat(
        pd.DataFrame({"table": names, "metric": "balanced_mae", "method": kind, "error": error})
        for kind, error in (("reg", 1.0), ("reg+cls", np.exp(value)))
    )
    ranges = pd.DataFrame({"table": names, "low": 0.0, "high": 1.0})
    return Evidence(pd.DataFrame(tables | columns), errors, effects, ranges)


def test_a_pair_has_the_opposite_sign_the_other_way_round():
    found = evidence(np.linspace(-0.3, 0.1, 8))
    one, other = found.compare("reg+cls", "reg"), found.compare("reg", "reg+cls")
    np.testing.assert_allclose(one.tables["ratio"] * other.tables["ratio"], 1)
    np.testing.assert_allclose(one.tables["low"] * other.tables["high"], 1)
    assert one.pooled is not None and other.pooled is not None
    assert one.pooled.ratio * other.pooled.ratio == pytest.approx(1)
    assert one.pooled.lower == pytest.approx(other.pooled.higher, abs=0.02)
    for wrong in (("reg", "reg"), ("reg", "nothing")):
        with pytest.raises(ValueError, match="no comparison"):
            found.compare(*wrong)
    with pytest.raises(ValueError, match="no comparison"):
        found.compare("reg+cls", "reg", "speed")


def test_verdicts_are_those_of_the_intervals():
    found = evidence(np.r_[np.full(2, -0.5), np.full(6, 0.0)], se=0.01).compare("reg+cls", "reg")
    assert found.tables["verdict"].tolist() == [BETTER] * 2 + [EQUAL] * 6
    for row in found.tables.itertuples():
        assert (row.verdict == BETTER) == (row.high < 1)
    assert found.pooled is not None and found.pooled.verdict == UNDECIDED
    assert found.pooled.low < found.pooled.ratio < found.pooled.high
    assert found.pooled.next_low < found.pooled.low  # a table differs more than the mean


def test_equal_effects_are_practically_equal_and_shrink_together():
    found = evidence(0.02 * np.random.default_rng(0).normal(size=20)).compare("reg+cls", "reg")
    assert found.pooled is not None and found.pooled.verdict == EQUAL and found.pooled.equal > 0.9
    assert np.ptp(found.tables["shrunken"]) < 0.7 * np.ptp(found.tables["ratio"])


def test_a_family_counts_once_and_few_families_get_no_verdict():
    value = np.r_[np.full(10, -0.5), np.linspace(-0.02, 0.02, 6)]
    family = ["algae"] * 10 + [f"f{i}" for i in range(6)]
    found = evidence(value, family=family).compare("reg+cls", "reg")
    assert found.pooled is not None and found.pooled.found.units == 7
    assert found.pooled.ratio > 0.9  # one of seven, not ten of sixteen
    some = evidence(value, family=family).compare(
        "reg+cls", "reg", tables=[f"t{i:02d}" for i in range(12)]
    )
    assert some.pooled is None and len(some.tables) == 12


def test_tables_without_the_metric_are_left_out():
    value = np.linspace(-0.1, 0.1, 10)
    value[3] = np.nan
    found = evidence(np.nan_to_num(value), se=0.05)
    found.effects.loc[3, "se"] = np.nan
    assert "t03" not in found.compare("reg+cls", "reg").tables.index


def test_results_are_the_same_after_writing_and_reading(tmp_path):
    made = evidence(np.linspace(-0.1, 0.1, 10))
    made.write(tmp_path / "results")
    again = Evidence.read(tmp_path / "results")
    for part in ("tables", "errors", "effects", "ranges"):
        left, right = (getattr(e, part).reset_index(drop=True) for e in (made, again))
        pd.testing.assert_frame_equal(left, right, check_dtype=False, check_index_type=False)
    assert again.error_table("balanced_mae").shape == (10, 2)
    assert list(again.error_table("balanced_mae").columns) == [
        kind for kind in COMPARED if kind in ("reg", "reg+cls")
    ]
    with pytest.raises(UserError, match="no results of a bench"):
        Evidence.read(tmp_path)
    (tmp_path / "results" / "effects.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(UserError, match="no results of a bench"):
        Evidence.read(tmp_path / "results")


def test_predicted_intervals_hold_for_families_left_out():
    rng = np.random.default_rng(1)
    held = total = 0
    for _ in range(20):
        value = -0.05 + 0.1 * rng.normal(size=20) + 0.03 * rng.normal(size=20)
        one, of = evidence(value, se=0.03).coverage("reg+cls", "reg")
        held, total = held + one, total + of
    assert 0.92 < held / total < 0.99


def test_partial_effects_find_the_property_that_matters():
    made = evidence(np.zeros(40))
    steps = np.log10(made.tables["imbalance"].to_numpy())
    value = -0.1 * steps + 0.01 * np.random.default_rng(2).normal(size=40)
    compared = evidence(value, se=0.01).compare("reg+cls", "reg")
    found = {p.name: c for p, c in partial_effects(compared)}
    assert found["imbalance"].low < -0.1 < found["imbalance"].high < 0
    assert set(found) == {p.name for p in PROPERTIES}
    assert abs(found["rows"].value) < 0.02


def test_a_rule_holds_for_families_left_out_only_if_there_is_something_to_know():
    rng = np.random.default_rng(3)
    imbalance = evidence(np.zeros(40)).tables["imbalance"].to_numpy()
    helped = np.where(imbalance > 30, -0.2, 0.1) + 0.02 * rng.normal(size=40)
    tried = rule_of_thumb(evidence(helped).compare("reg+cls", "reg"))
    assert tried is not None and tried.holds and tried.rule.above
    assert tried.rule.of.name == "imbalance" and 15 < tried.rule.bound < 60
    assert "where the imbalance ratio is above" in tried.rule.sentence
    assert tried.high < 1 and tried.ratio < tried.always

    wrong = sum(
        bool(
            (t := rule_of_thumb(evidence(0.1 * rng.normal(size=30)).compare("reg+cls", "reg")))
            and t.holds
        )
        for _ in range(40)
    )
    assert wrong <= 3
    assert rule_of_thumb(evidence(np.zeros(4)).compare("reg+cls", "reg")) is None
