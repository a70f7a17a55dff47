"""Class labels, padding of class edges and the width of soft labels."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.nn.labels import make_classes, pad_edges, soft_label_sigma

TARGETS = [np.r_[np.zeros(900), np.linspace(0, 1, 100)], np.linspace(-1, 1, 1000)]


def test_training_sets_are_padded_to_the_most_classes_left():
    made = make_classes(TARGETS, ["equalized", "equalized"], 16)
    assert made.labels.shape == (2, 1000)
    assert made.edges.shape == (2, made.count + 1)
    assert (np.diff(made.edges) > 0).all()
    assert made.keep is not None and made.keep.shape == (2, made.count)
    used = [len(np.unique(labels)) for labels in made.labels]
    assert used[0] < used[1] == made.count


def test_padding_to_a_given_number_does_not_depend_on_the_others():
    alone = make_classes(TARGETS[:1], ["equalized"], 16, pad=True)
    both = make_classes(TARGETS, ["equalized", "quantile"], 16, pad=True)
    np.testing.assert_array_equal(alone.edges[0], both.edges[0])
    assert both.count == 16
    assert both.keep is not None and (both.keep[1] == 1).all()


def test_all_labels_are_kept_without_equalized_bins():
    assert make_classes(TARGETS, ["equal-width", "quantile"], 4).keep is None


def test_infinite_padding_marks_unused_classes():
    assert pad_edges(np.array([0.0, 1.0]), 3, infinite=True).tolist() == [0, 1, np.inf, np.inf]
    assert pad_edges(np.array([0.0, 1.0]), 1).tolist() == [0, 1]


def test_soft_labels_are_three_quarters_of_a_bin_wide():
    assert soft_label_sigma((-1.0, 1.0), 10) == pytest.approx(0.15)
