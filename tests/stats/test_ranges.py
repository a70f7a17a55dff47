"""Target ranges chosen from the shape of the targets: known shapes, and properties of all shapes."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from regcls.stats import ranges
from regcls.stats.bins import range_index
from regcls.stats.ranges import (
    EQUAL_COUNT,
    EQUAL_WIDTH,
    LOG_SCALE,
    MIN_ROWS,
    PER_VALUE,
    TAILS_SPLIT,
    TargetRanges,
    choose,
)

Draw = Callable[[np.random.Generator], np.ndarray]


def normal_with(count: int) -> Draw:
    """Standard normal targets, and a few between 50 and 90."""
    return lambda rng: np.r_[rng.normal(0, 1, 5000), rng.uniform(50, 90, count)].round(3)


def progress_like(rng: np.random.Generator) -> np.ndarray:
    """Zeros and a few counts on a grid, as in shared case files: 98% zeros, one row at the top."""
    values = 0.324 * np.arange(1, 16)
    counts = [221, 52, 2, 41, 33, 29, 19, 31, 19, 17, 16, 14, 7, 3, 1]
    return rng.permutation(np.concatenate((np.zeros(22_796), np.repeat(values, counts))))


SHAPES: dict[str, Draw] = {
    "normal": lambda rng: rng.normal(0, 1, 3000),
    "uniform": lambda rng: rng.uniform(0, 1, 500),
    "twenty extremes": normal_with(20),
    "seven extremes": normal_with(7),
    "rare low end": lambda rng: np.r_[rng.normal(0, 1, 2000), rng.normal(-40, 10, 60)],
    "zeros and a grid": progress_like,
    "zeros and log-normal": lambda rng: np.r_[np.zeros(3000), rng.lognormal(0, 1.5, 1000)],
    "zeros in the middle": lambda rng: np.r_[np.zeros(1000), rng.normal(0, 1, 1000)],
    "log-normal": lambda rng: rng.lognormal(0, 2, 3000).round(4),
    "negative log-normal": lambda rng: -rng.lognormal(0, 2, 3000),
    "t, 1.5 degrees of freedom": lambda rng: rng.standard_t(1.5, 3000),
    "Pareto": lambda rng: rng.pareto(1.1, 3000),
    "Pareto from 1": lambda rng: 1 + rng.pareto(1.1, 300),
    "exponential": lambda rng: rng.exponential(10, 400),
    "Poisson, mean 0.3": lambda rng: rng.poisson(0.3, 1000).astype(float),
    "Poisson, mean 3": lambda rng: rng.poisson(3, 1000).astype(float),
    "Poisson, mean 30": lambda rng: rng.poisson(30, 1000).astype(float),
    "negative binomial": lambda rng: rng.negative_binomial(0.5, 0.05, 2000).astype(float),
    "ratings": lambda rng: 1.0 + rng.choice(5, 900, p=[0.01, 0.04, 0.1, 0.35, 0.5]),
    "two humps": lambda rng: np.r_[rng.normal(0, 1, 1000), rng.normal(20, 1, 300)],
    "a rare hump": lambda rng: np.r_[rng.normal(10, 1, 1000), rng.normal(100, 1, 30)],
    "censored": lambda rng: np.minimum(rng.exponential(20, 2000), 50),
    "censored at both ends": lambda rng: np.clip(rng.normal(0, 1, 2000), -1, 1),
    "six decades": lambda rng: 10 ** rng.uniform(-3, 3, 1000),
    "ages": lambda rng: np.clip(rng.gamma(4, 9, 5000), 0, 101).round(),
    "large offset": lambda rng: 1e9 + rng.lognormal(0, 1.5, 1000),
    "large offset, small spread": lambda rng: 1e9 + rng.normal(0, 1e-3, 1000),
    "tiny numbers": lambda rng: rng.lognormal(0, 1.5, 500) * 1e-200,
    "huge numbers": lambda rng: rng.normal(0, 1, 500) * 1e200,
    "constant": lambda rng: np.full(50, 5.0),
    "two values": lambda rng: np.repeat([0.0, 1.0], [90, 10]),
    "two adjacent numbers": lambda rng: np.repeat([1.0, np.nextafter(1.0, 2.0)], [30, 30]),
    **{f"{n} rows": lambda rng, n=n: rng.normal(0, 1, n) for n in (1, 2, 5, 12, 17, 40)},
    **{f"{n} rows, log-normal": lambda rng, n=n: rng.lognormal(0, 2, n) for n in (30, 60, 100)},
}


def drawn(name: str, seed: int = 0) -> np.ndarray:
    return SHAPES[name](np.random.default_rng(seed))


def rows_of(found: TargetRanges, y: np.ndarray) -> list[int]:
    return np.bincount(range_index(y, found.edges), minlength=len(found.edges) - 1).tolist()


@pytest.mark.parametrize("name", SHAPES)
def test_what_holds_for_every_shape(name):
    """Edges ascend and cover the targets, no row is lost, and no range is nearly empty."""
    for seed in range(4):
        y = drawn(name, seed)
        for count in (1, 2, 3, 8, 10, 25):
            found = choose(y, count)
            assert (np.diff(found.edges) > 0).all() and len(found.counts) <= count
            assert found.edges[0] <= y.min() and found.edges[-1] >= y.max()
            assert found.counts.tolist() == rows_of(found, y) and found.counts.sum() == len(y)
            assert found.counts.min() >= min(MIN_ROWS, len(y))
            assert np.isfinite(found.imbalance_ratio) and found.imbalance_ratio >= 1
            assert found.kind in ranges.KINDS and found.summary.count(". ") <= 3
        shuffled = choose(np.random.default_rng(seed).permutation(y))
        assert shuffled.edges.tolist() == choose(y).edges.tolist()


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("kind", [EQUAL_WIDTH, EQUAL_COUNT, TAILS_SPLIT, PER_VALUE])
def test_what_holds_for_every_requested_kind(name, kind):
    y = drawn(name)
    more = np.array([y.min() - 1.5 * abs(y.min()) - 1, y.max() + abs(y.max()) + 1])
    for cover in (None, more):
        found = choose(y, 7, kind, cover=cover)
        low, high = (y.min(), y.max()) if cover is None else more
        assert (np.diff(found.edges) > 0).all()
        assert found.edges[0] <= low and found.edges[-1] >= high
        assert found.counts.tolist() == rows_of(found, y)


@pytest.mark.parametrize("name", SHAPES)
def test_random_mixtures_with_ties_keep_every_range_filled(name):
    rng = np.random.default_rng(7)
    for min_rows in (1, 5, 20):
        parts = [drawn(name), drawn("twenty extremes"), np.repeat(rng.normal(0, 5, 3), 40)]
        y = np.concatenate(parts).round(int(rng.integers(0, 4)))
        found = choose(y, 12, min_rows=min_rows)
        assert (np.diff(found.edges) > 0).all() and found.counts.sum() == len(y)
        assert found.counts.min() >= min_rows


def test_rare_extremes_share_no_range_with_common_targets_and_are_several_ranges():
    for seed in range(20):
        found = choose(drawn("twenty extremes", seed))
        rare = found.edges[:-1] > 5
        assert found.kind == TAILS_SPLIT and "99.6% of the targets" in found.reason
        assert rare.sum() >= 2 and found.counts[rare].sum() == 20
        assert not found.single_rare_range


def test_few_extremes_are_one_range_and_this_is_said():
    found = choose(drawn("seven extremes"))
    assert found.counts[-1] == 7 and found.single_rare_range
    assert found.balanced_note.startswith("The 7 rare targets from")
    assert found.balanced_note in found.summary
    assert found.to_dict()["single_rare_range"]


def test_zeros_are_a_range_of_their_own_and_the_positive_tail_several():
    found = choose(drawn("zeros and a grid"))
    assert found.counts[0] == 22_796 and 0 in found.single_values
    assert len(found.counts) >= 4 and found.counts[-1] < 40
    assert "0 is the value of 98% of the targets" in found.reason
    few = choose(np.concatenate((np.zeros(5000), np.geomspace(1, 100, 20))))
    assert few.counts[0] == 5000 and len(few.counts) == 4
    spread = choose(drawn("zeros and log-normal"))
    assert spread.kind == LOG_SCALE and spread.counts[0] == 3000 and len(spread.counts) >= 8


def test_a_log_normal_target_gets_ranges_of_equal_width_on_a_log_scale():
    for seed in range(10):
        y = drawn("log-normal", seed)
        found = choose(y)
        assert found.kind == LOG_SCALE and found.counts.max() < 0.5 * len(y)
        step = np.diff(np.log(found.edges))[1:-1]
        assert step.max() < 1.25 * step.min()


@pytest.mark.parametrize("name", ["t, 1.5 degrees of freedom", "negative log-normal"])
def test_heavy_tails_are_split_gradually(name):
    for seed in range(5):
        y = drawn(name, seed)
        found = choose(y)
        assert found.kind == TAILS_SPLIT and len(found.counts) == 10
        assert found.counts.max() <= 0.25 * len(y)
        assert (found.counts < 0.05 * len(y)).sum() >= 3


def test_even_shapes_keep_equal_width():
    for name in ("normal", "uniform", "exponential", "ages", "Poisson, mean 30"):
        assert choose(drawn(name)).kind == EQUAL_WIDTH, name
    assert choose(np.arange(101.0)).edges.tolist() == list(range(0, 101, 10))


def test_six_decades_are_split_by_ratio():
    found = choose(drawn("six decades"))
    assert found.kind == LOG_SCALE and found.counts.min() > 50


def test_few_values_get_a_range_each():
    ratings = np.repeat(np.arange(1.0, 6), [9, 40, 100, 350, 500])
    found = choose(ratings)
    assert found.kind == PER_VALUE and found.edges.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert found.imbalance_ratio == pytest.approx(500 / 9)
    merged = choose(np.repeat(np.arange(1.0, 6), [2, 1, 60, 300, 500]))
    assert merged.counts.tolist() == [63, 300, 500] and "merged" in merged.reason
    assert choose(drawn("Poisson, mean 3")).kind == PER_VALUE


def test_no_range_spans_the_gap_between_two_humps():
    y = drawn("two humps")
    found = choose(y)
    for low, high in zip(found.edges[:-1], found.edges[1:], strict=True):
        inside = y[(y >= low) & (y < high)]
        assert inside.max() < 10 or inside.min() > 10


def test_censored_targets_are_a_range_of_their_own():
    y = drawn("censored")
    found = choose(y)
    assert found.counts[-1] == (y == 50).sum() and found.kind == EQUAL_WIDTH
    both = choose(drawn("censored at both ends"))
    assert both.single_values == (0, len(both.counts) - 1)


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_a_tiny_table_has_one_range(n):
    found = choose(drawn(f"{n} rows"))
    assert len(found.counts) == 1 and found.imbalance_ratio == 1
    assert "With a single range, a balanced error equals the overall error" in found.summary


def test_edges_are_round_where_that_moves_no_target():
    assert choose(drawn("twenty extremes")).edges[-3:-1].max() < 90
    y = np.concatenate((np.linspace(0, 1, 100), np.linspace(48.13, 60.17, 100)))
    assert 20 in choose(y, kind=TAILS_SPLIT).edges
    for name in ("normal", "log-normal", "t, 1.5 degrees of freedom"):
        longest = max(len(f"{edge:.15g}") for edge in choose(drawn(name)).edges[1:-1])
        assert longest <= 9, name


def test_requested_kinds_are_made_exactly_as_asked():
    y = drawn("twenty extremes")
    equal = choose(y, 10, EQUAL_WIDTH)
    assert equal.edges.tolist() == np.linspace(y.min(), y.max(), 11).tolist()
    assert (equal.counts == 0).any() and "empty" in equal.summary
    log = choose(np.array([1.0, 10, 100]), 2, LOG_SCALE)
    assert log.edges == pytest.approx([1, 10, 100])
    assert choose(np.arange(100.0), 4, EQUAL_COUNT).counts.tolist() == [25] * 4
    with pytest.raises(ValueError, match="above 0, and the lowest is -1"):
        choose([-1, 2], 3, LOG_SCALE)


def test_end_ranges_reach_to_further_targets():
    y = np.arange(101.0)
    found = choose(y, 4, cover=[-20, 300])
    assert found.edges.tolist() == [-20, 25, 50, 75, 300]
    assert found.counts.tolist() == choose(y, 4).counts.tolist()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([],), "non-empty"),
        (([1, np.nan],), "not finite"),
        (([1, 2], 0), "at least 1"),
        (([1, 2], 3, "colour"), "not 'colour'"),
        (([1, 2], 3, "automatic", 0), "at least 1"),
    ],
)
def test_invalid_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        choose(*arguments)


def test_the_imbalance_ratio_compares_densities():
    assert ranges.imbalance_ratio([0, 1, 3], [100, 20]) == 10
    assert ranges.imbalance_ratio([0, 1, 3, 4], [100, 20, 0]) == 10
    # A single value has no width of its own: it is given that of the narrowest other range.
    assert ranges.imbalance_ratio([0, 0.001, 2, 6], [1000, 20, 8], (0,)) == pytest.approx(
        (1000 / 1.999) / (8 / 4)
    )
    assert np.isnan(ranges.imbalance_ratio([0, 1], [0]))


def test_two_ranges_with_all_rare_rows_in_one_are_not_balanced_without_a_word():
    y = drawn("zeros and a grid")
    old = TargetRanges.of([0, 0.3, y.max()], y)
    assert old.single_rare_range and "one of 2 ranges" in old.balanced_note
    y = drawn("twenty extremes")
    old = TargetRanges.of([*np.quantile(y, np.linspace(0, 1, 9))[:-1], 90], y)
    assert old.single_rare_range
    assert not TargetRanges.of(np.linspace(0, 1, 6), drawn("uniform")).single_rare_range


def test_no_targets_and_empty_ranges_are_described():
    assert ranges.describe([0, 1, 2], [0, 0]) == "No range has a target."
    assert ranges.describe([0, 1, 2, 3], [5, 0, 0]).endswith("; 2 of 3 ranges are empty.")


@pytest.mark.parametrize("name", ["t", "zeros", "gamma"])
def test_two_million_rows_are_fast(name):
    rng = np.random.default_rng(0)
    y = {
        "t": lambda: rng.standard_t(1.5, 2_000_000),
        "zeros": lambda: np.r_[np.zeros(1_500_000), rng.lognormal(0, 2, 500_000)],
        "gamma": lambda: rng.gamma(2, 10, 2_000_000).round(4),
    }[name]()
    taken = []
    for _ in range(3):
        start = time.process_time()
        choose(y)
        taken.append(time.process_time() - start)
    assert min(taken) < 1.0  # 0.15 to 0.45 s where it was measured
