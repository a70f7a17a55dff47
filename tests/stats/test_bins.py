"""Target ranges, equalisation and shots with known results."""

import numpy as np
import pytest

from regcls.stats import bins


@pytest.fixture
def skewed():
    return np.random.default_rng(0).exponential(size=20_000)


def test_equal_width_cuts_the_limits_evenly():
    made = bins.make("equal-width", np.array([0.2, 0.9]), 2, limits=(0.0, 1.0))
    np.testing.assert_array_equal(made.edges, [0, 0.5, 1])
    np.testing.assert_array_equal(made.centres, [0.25, 0.75])
    labels = made.label(np.array([-5, 0.49, 0.5, 7]))
    assert labels.tolist() == [0, 0, 1, 1] and labels.dtype == np.int64


def test_quantile_bins_have_equally_many_targets(skewed):
    made = bins.make("quantile", skewed, 16)
    counts = np.bincount(made.label(skewed), minlength=16)
    assert np.abs(counts - 20_000 / 16).max() <= 2


def test_equalized_merges_rare_bins_and_is_more_even(skewed):
    plain = bins.make("equal-width", skewed, 64)
    merged = bins.make("equalized", skewed, 64)
    assert 2 <= merged.classes < plain.classes
    assert set(merged.edges) <= set(plain.edges)

    def largest_to_smallest(b):
        counts = np.bincount(b.label(skewed), minlength=b.classes)
        return counts.max() / max(counts.min(), 1)

    assert largest_to_smallest(merged) < largest_to_smallest(plain) / 10


def test_equalized_keeps_a_flat_histogram():
    y = np.linspace(0, 1, 1000)
    np.testing.assert_allclose(bins.make("equalized", y, 10).edges, np.linspace(0, 1, 11))


@pytest.mark.parametrize("kind", bins.KINDS)
def test_two_classes_remain_when_nearly_all_targets_are_one(kind):
    y = np.concatenate((np.zeros(10_000), [1.0]))
    made = bins.make(kind, y, 8)
    assert made.classes >= 2 and (np.diff(made.edges) > 0).all()


def test_keep_probability_balances_the_classes(skewed):
    made = bins.make("equalized", skewed, 32)
    labels = made.label(skewed)
    keep = bins.keep_probability(labels, made.classes)
    expected = np.bincount(labels, minlength=made.classes) * keep
    np.testing.assert_allclose(expected, expected[0])
    assert keep.max() == 1


def test_empty_class_is_never_kept():
    np.testing.assert_array_equal(bins.keep_probability(np.array([0, 0, 2]), 3), [0.5, 0, 1])


def test_thresholds_of_shots():
    assert bins.shots(np.array([101, 100, 20, 19, 0])).tolist() == [
        "many", "medium", "medium", "few", "few",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "y", "classes", "message"),
    [
        ("equalised", [1, 2, 3], 2, "kind"),
        ("quantile", [1, 1, 1], 2, "y is constant"),
        ("quantile", [1, 2, 3], 1, "classes"),
        ("equalized", [1, np.nan, 3], 2, "y has values"),
        ("equalized", [1, np.inf, 3], 2, "y has values"),
        ("equal-width", [1, 2, 3], 4, "fewer than the 4 classes"),
        ("equal-width", [], 2, "fewer than the 2 classes"),
    ],
)
def test_invalid_targets_are_named(kind, y, classes, message):
    with pytest.raises(ValueError, match=message):
        bins.make(kind, np.array(y, dtype=float), classes)


@pytest.mark.parametrize("edges", [[0, 0, 1], [1, 0], [0], [0, np.nan, 1]])
def test_edges_must_ascend(edges):
    with pytest.raises(ValueError, match="edges"):
        bins.Bins(np.array(edges, dtype=float), "equal-width")


@pytest.mark.parametrize("labels", [[], [0, 3], [-1, 0]])
def test_labels_must_be_classes(labels):
    with pytest.raises(ValueError, match="labels"):
        bins.keep_probability(np.array(labels, dtype=int), 3)


@pytest.mark.parametrize(("low", "high", "count"), [(1, 1, 3), (2, 1, 3), (0, 1, 0)])
def test_invalid_ranges(low, high, count):
    with pytest.raises(ValueError):
        bins.ranges(low, high, count)
