"""Pooled effects and ratios: known answers, diverged and missing runs, searches, error rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from regcls import study
from regcls.stats.verdicts import BETTER, EQUAL, TOO_FEW, UNDECIDED, WORSE
from regcls.study.pooled import effects, pooled_effect
from regcls.study.ratios import MARGIN, NO_RESULT, error_ratios, p_equal, pool
from tests.helpers.study_grids import small
from tests.simulations.study import rates

FUNCTIONS = np.repeat(np.arange(8), 2)


def cell(log, functions=FUNCTIONS, searches=None):
    """Ratios of a cell with these log ratios."""
    b = np.linspace(1, 2, len(functions))
    return error_ratios(b * np.exp(log), b, functions, searches)


def test_functions_are_the_units():
    log = np.random.default_rng(0).normal(-0.2, 0.1, 16)
    found = pool([cell(log)])
    means = log.reshape(8, 2).mean(axis=1)
    assert (found.functions, found.searches, found.cells, found.dof) == (8, 1, 1, 7)
    assert found.value == pytest.approx(log.mean())
    assert found.se == pytest.approx(stats.sem(means))
    (effect,) = effects([[cell(log)]])
    interval = stats.t.interval(0.95, 7, means.mean(), stats.sem(means))
    assert (effect.low, effect.high) == pytest.approx(np.exp(interval))
    assert effect.p == pytest.approx(2 * stats.t.sf(abs(means.mean()) / stats.sem(means), 7))
    assert effect.ratio == pytest.approx(math.exp(log.mean()))
    assert effect.verdict == BETTER
    # Twice as many runs on the same functions, but not twice the evidence.
    twice = pool([cell(np.tile(log, 2), np.tile(FUNCTIONS, 2))])
    assert (twice.value, twice.se) == pytest.approx((found.value, found.se))


def test_a_pooled_ratio_averages_cells_within_each_function():
    rng = np.random.default_rng(1)
    logs = rng.normal(0, 0.1, (5, 16))
    found = pool([cell(log) for log in logs])
    assert found.value == pytest.approx(logs.mean())
    assert found.se == pytest.approx(stats.sem(logs.mean(axis=0).reshape(8, 2).mean(axis=1)))


@pytest.mark.parametrize(
    ("shift", "spread", "verdict", "equal"),
    [(0.0, 0.02, EQUAL, True), (-0.3, 0.1, BETTER, False), (0.3, 0.1, WORSE, False),
     (0.0, 0.5, UNDECIDED, False)],
)  # fmt: skip
def test_verdicts_and_equivalence(shift, spread, verdict, equal):
    means = shift + spread * np.array([-1, 1, -1, 1, -1, 1, -1, 1])
    ratios = cell(np.repeat(means, 2))
    found = pooled_effect(small().cells[:1], [ratios], ())
    assert found.overall.verdict == verdict
    ends = [(MARGIN + sign * means.mean()) / stats.sem(means) for sign in (-1, 1)]
    one_sided = max(stats.t.sf(ends, 7))
    assert found.p_equal == pytest.approx(one_sided)
    assert (found.p_equal < 0.025) == equal
    assert ("is shown" in found.sentence) == equal


def test_a_run_that_diverged_counts_tenfold_and_is_counted():
    log = np.full(16, -0.1)
    a, b = np.exp(log), np.ones(16)
    a[0], b[2], a[4], b[4] = np.inf, np.inf, np.inf, np.inf
    found = error_ratios(a, b, FUNCTIONS)
    assert (found.pairs, found.planned, found.diverged, found.both_diverged) == (15, 16, 2, 1)
    assert found.table[0, 0] == pytest.approx((math.log(10) - 0.1) / 2)
    assert found.table[0, 1] == pytest.approx((-math.log(10) - 0.1) / 2)
    assert found.table[0, 2] == pytest.approx(-0.1)  # the run without a ratio is left out
    assert found.wins == pytest.approx((13 + 1 + 0.5) / 16)
    worse = error_ratios([100.0, np.inf], [1.0, 1.0], [1, 2])  # never less than a finite ratio
    assert worse.table[0, 1] == pytest.approx(math.log(100))
    overall = pooled_effect(small().cells[:1], [found], ()).overall
    assert (overall.diverged, overall.both_diverged) == (2, 1)
    sentences = " ".join(pooled_effect(small().cells[:1], [found], ()).basis)
    assert "one run of the pair diverged in 2" in sentences and "both in 1" in sentences


def test_models_that_all_diverged_are_no_result_and_not_equal():
    found = error_ratios(np.full(16, np.inf), np.full(16, np.inf), FUNCTIONS)
    (effect,) = effects([[found]])
    assert effect.verdict == NO_RESULT
    assert math.isnan(effect.ratio)


def test_missing_runs_leave_out_cells_whose_functions_are_incomplete():
    whole, part = cell(np.full(16, -0.1)), np.full(16, 0.4)
    part[:2] = np.nan
    found = pool([whole, cell(part)])
    assert (found.cells, found.functions) == (1, 8)
    assert found.value == pytest.approx(-0.1)
    # One run of a function suffices, and functions that no cell has are not planned for.
    part[0] = 0.4
    assert pool([whole, cell(part)]).value == pytest.approx(0.15)
    part[:2] = np.nan
    assert pool([cell(part), cell(part)]).functions == 7
    assert pool([cell(np.full(16, np.nan))]).cells == 0


def test_too_few_functions_give_a_ratio_but_no_interval():
    (effect,) = effects([[cell(np.full(10, -0.1), np.repeat(np.arange(5), 2))]])
    assert effect.verdict == TOO_FEW
    assert effect.ratio == pytest.approx(math.exp(-0.1))
    assert np.isnan([effect.low, effect.high, effect.p]).all()
    assert math.isnan(p_equal(pool([cell(np.full(2, -0.1), [1, 1])])))


def test_the_groups_of_a_grid_are_one_family():
    grid = small(hidden=[[5], [9]])  # and two numbers of classes
    rng = np.random.default_rng(4)
    ratios = [cell(rng.normal(-0.1, 0.1, 16)) for _ in grid.cells]
    found = pooled_effect(grid.cells, ratios, ["classes", "hidden"])
    assert list(found.groups) == [
        ("classes", 4),
        ("classes", 32),
        ("hidden", (5,)),
        ("hidden", (9,)),
    ]
    raw = [effects([[ratios[i] for i, c in enumerate(grid.cells) if getattr(c, k) == v]])[0].p
           for k, v in found.groups]  # fmt: skip
    assert min(e.p for e in found.groups.values()) == pytest.approx(4 * min(raw))


def test_several_searches_are_units_too():
    function, search = np.tile(np.arange(8), 3), np.repeat([1, 2, 3], 8)
    same, differ = np.zeros(24), np.array([-0.5, 0.0, 0.5])[search - 1]
    noise = np.random.default_rng(2).normal(0, 0.05, 24)
    narrow, wide = (pool([cell(log + noise, function, search)]) for log in (same, differ))
    assert (wide.searches, wide.functions, wide.dof) == (3, 8, 2)
    assert wide.se > 0.28 > 5 * narrow.se  # of three searches: 0.5 / √3
    table = (differ + noise).reshape(3, 8)
    halves = [
        stats.sem(mean) * stats.t.ppf(0.975, len(mean) - 1)
        for mean in (table.mean(axis=0), table.mean(axis=1))
    ]
    assert wide.se * stats.t.ppf(0.975, 2) == pytest.approx(math.hypot(*halves))
    assert pool([cell(differ + noise, function)]).se < 0.1  # one search leaves it out


@pytest.mark.parametrize(("shared", "function"), [(0.0, 0.2), (0.2, 0.2), (0.3, 0.05)])
def test_intervals_of_several_searches_cover_the_truth(shared, function):
    rng, hits, trials = np.random.default_rng(3), 0, 400
    functions, searches = np.tile(np.arange(10), 3), np.repeat([0, 1, 2], 10)
    for _ in range(trials):
        log = (
            rng.normal(0, shared, 3)[searches]
            + rng.normal(0, function, 10)[functions]
            + rng.normal(0, 0.1, 30)
        )
        (effect,) = effects([[cell(log, functions, searches)]])
        hits += effect.low <= 1 <= effect.high
    assert hits / trials >= 0.93


@pytest.mark.slow
def test_null_grids_rarely_have_a_verdict():
    found = rates(100)
    for name in ("any cell", "pooled", "any cell, 3 searches", "pooled, 3 searches"):
        assert found[name] <= 0.07, name
    assert found["any cell, 1 search"] > 0.5  # why one search is not enough


def test_the_pooled_effect_of_a_grid_without_a_control():
    grid = small(roles=["reg", "reg+cls"])
    assert list(study.read(grid, None).pooled) == ["reg"]
