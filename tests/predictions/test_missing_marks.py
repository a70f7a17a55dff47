"""Numbers that stand for missing values: found in most tables, and hardly ever where none are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from regcls.predictions.missing_marks import find

Draw = Callable[[np.random.Generator, int], np.ndarray]
LIMITS = (50, 99, 100, 999, 1000, 9999)


def zero_inflated(rng: np.random.Generator, n: int) -> np.ndarray:
    zero = rng.random(n) < rng.uniform(0.3, 0.97)
    return np.where(zero, 0, rng.lognormal(rng.uniform(0, 5), rng.uniform(0.5, 2), n))


def two_groups(rng: np.random.Generator, n: int) -> np.ndarray:
    far = rng.normal(rng.choice([100, 1000]), 1, n)
    return np.where(rng.random(n) < 0.1, far, rng.normal(0, 1, n))


def leaves(rng: np.random.Generator, n: int) -> np.ndarray:
    """Predictions of a tree: few different values, far apart in the tail."""
    return rng.choice(rng.lognormal(3, rng.uniform(0.5, 2), int(rng.integers(5, 40))), n)


# Tables without marks; those whose name starts with an underscore reach a limit that looks like one.
TABLES: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(rng.uniform(-5, 20), rng.uniform(0.1, 10), n),
    "lognormal": lambda rng, n: rng.lognormal(rng.uniform(-2, 6), rng.uniform(0.3, 2.5), n),
    "pareto": lambda rng, n: (rng.pareto(rng.uniform(0.7, 3), n) + 1) * 10 ** rng.uniform(-1, 3),
    "rounded pareto": lambda rng, n: np.round((rng.pareto(1.5, n) + 1) * 10 ** rng.uniform(0, 3)),
    "t": lambda rng, n: rng.standard_t(2, n) * rng.uniform(1, 50),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "zero-inflated": zero_inflated,
    "counts": lambda rng, n: rng.poisson(rng.uniform(0.2, 30), n).astype(float),
    "overdispersed": lambda rng, n: rng.negative_binomial(1, 1 / rng.uniform(2, 500), n) * 1.0,
    "prices": lambda rng, n: np.round(rng.lognormal(12, rng.uniform(0.3, 1.2), n), -3),
    "ages": lambda rng, n: np.clip(np.round(rng.normal(40, 18, n)), 0, 100),
    "degrees": lambda rng, n: np.round(rng.normal(rng.uniform(0, 10), rng.uniform(1, 6), n)),
    "ratings": lambda rng, n: rng.integers(1, int(rng.choice([6, 8, 11, 101])), n) * 1.0,
    "signed ratings": lambda rng, n: rng.integers(-1, 4, n) * 1.0,
    "correlations": lambda rng, n: np.clip(rng.normal(0.4, 0.4, n), -1, 1),
    "two groups": two_groups,
    "leaves": leaves,
    "_censored": lambda rng, n: np.minimum(
        rng.exponential(rng.uniform(10, 400), n), rng.choice(LIMITS)
    ),
    "_censored counts": lambda rng, n: np.minimum(
        np.round(rng.exponential(rng.uniform(10, 400), n)), rng.choice(LIMITS)
    ),
    "_censored pareto": lambda rng, n: np.minimum(
        (rng.pareto(rng.uniform(0.7, 2), n) + 1) * 10 ** rng.uniform(0, 2), rng.choice(LIMITS)
    ),
    "_censored below": lambda rng, n: np.maximum(
        rng.normal(0, rng.uniform(0.5, 20), n), rng.choice([-1, -9, -10, -99])
    ),
    "_detection limit": lambda rng, n: np.maximum(rng.normal(0, rng.uniform(0.5, 2), n), -1),
}
MARKS = (-999, -9999, 9999, 99999, 65535, 1e20, 1e36, -99.9, -1)
ROWS = (30, 100, 400, 3000)


def test_tables_without_marks_hardly_ever_get_one():
    flagged, total = [], 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        for name, draw in TABLES.items():
            total += 1
            flagged += [(name, m.sentence) for m in find(draw(rng, int(rng.choice(ROWS))), name)]
    assert len(flagged) <= 0.002 * total, flagged


def is_outside(values: np.ndarray, mark: float) -> bool:
    """Whether a mark is far outside these values, so that one can expect it to be found."""
    if mark == -1:
        return bool(values.min() > 0.1)
    if mark < 0 and values.min() >= 0:
        return True
    return abs(mark - np.median(values)) > 10 * np.abs(values - np.median(values)).max()


def test_marks_are_found_in_over_95_percent_of_tables():
    found = total = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        for name, draw in TABLES.items():
            values, mark = draw(rng, int(rng.choice(ROWS))), float(rng.choice(MARKS))
            if name[0] == "_" or not is_outside(values, mark):
                continue
            rows = max(3, round(len(values) * rng.uniform(0.01, 0.3)))
            values[rng.choice(len(values), rows, replace=False)] = mark
            total += 1
            found += [(m.value, m.count) for m in find(values, name)] == [(mark, rows)]
    assert total > 500 and found > 0.95 * total, found / total


@pytest.mark.parametrize("mark", [-999, -9999, 9999, 99999, -999.25, 65535, -32768, 1e20, 3.4e38])
def test_a_mark_is_described(mark):
    values = np.r_[np.linspace(0.1, 9.7, 388), np.full(12, float(mark))]
    (found,) = find(values, "y_true")
    assert (found.value, found.count, found.total, found.row) == (mark, 12, 400, 389)
    assert "of 400 rows of y_true" in found.sentence and "(0.1 to 9.7)" in found.sentence
    assert found.sentence.endswith("it probably stands for a missing value.")


def test_two_marks_in_one_column():
    values = np.r_[np.linspace(18, 90, 100), -999, -999, -1, -1, -1]
    first, second = find(values, "age")
    assert (first.value, second.value) == (-999, -1)
    assert (first.low, first.high) == (second.low, second.high) == (18, 90)


@pytest.mark.parametrize(
    "values",
    [
        np.r_[np.zeros(380), np.full(20, 5.0)],  # zeros are values
        np.r_[np.full(12, 0.0), np.linspace(40, 90, 100)],
        np.r_[np.linspace(900, 9999, 200), np.full(20, 9999.0)],  # a limit that others reach
        np.r_[np.linspace(0, 9.7, 40), 812.3, 812.3],  # far outside, but no mark
        np.r_[np.linspace(0, 9.7, 40), -1.0],  # a single value
        np.array([-999.0, -999.0, 1.0, 2.0]),  # too few others
        np.full(30, np.nan),
    ],
)
def test_other_values_are_no_marks(values):
    assert find(values, "y") == ()
