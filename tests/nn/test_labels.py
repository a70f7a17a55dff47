"""Class labels, padding of class edges and the width of soft labels."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from regcls.nn.labels import hl_gauss_edges, make_classes, pad_edges, soft_label_sigma

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


def decoded(y, edges, sigma):
    """Mean of the class centres under a Gaussian around y that ends with the classes: math.erf."""

    def below(edge):
        return 0.5 * (1 + math.erf((edge - y) / sigma / math.sqrt(2)))

    total = below(edges[-1]) - below(edges[0])
    return sum((b + a) / 2 * (below(b) - below(a)) / total for a, b in itertools.pairwise(edges))


@pytest.mark.parametrize("classes", [32, 64, 128])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.0, 250.0)])
def test_hl_gauss_decodes_the_ends_of_the_targets(classes, low, high):
    edges, sigma = hl_gauss_edges(low, high, classes)
    assert len(edges) == classes + 1
    assert sigma == pytest.approx(0.75 * (edges[1] - edges[0]))
    assert low - edges[0] == pytest.approx(3 * sigma) == pytest.approx(edges[-1] - high)
    errors = [abs(decoded(y, edges, sigma) - y) / (high - low) for y in np.linspace(low, high, 101)]
    assert max(errors) < 0.001
    # Without padding, the ends decode wrong: the fault that the padding mends.
    plain = np.linspace(low, high, classes + 1)
    assert abs(decoded(high, plain, 0.75 * (plain[1] - plain[0])) - high) / (high - low) > 0.004


def test_a_network_decodes_hl_gauss_labels_as_computed_here():
    """The labels of the ensemble and the classes of a table, against `decoded`."""
    import torch

    from regcls.nn.losses import soft_labels

    edges, sigma = hl_gauss_edges(0.0, 1.0, 32)
    y = np.array([0.0, 0.013, 0.5, 0.99, 1.0])
    labels = soft_labels(
        torch.tensor(edges)[None], torch.tensor(y)[None], torch.tensor([sigma])
    ).numpy()[0]
    centres = (edges[1:] + edges[:-1]) / 2
    assert labels @ centres == pytest.approx([decoded(v, edges, sigma) for v in y], abs=1e-9)
    np.testing.assert_allclose(labels.sum(axis=1), 1)
