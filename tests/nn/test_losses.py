"""Losses of many models at once against values computed by hand."""

import math

import pytest
import torch

from regcls.nn import losses


def test_balanced_mse_by_hand():
    """Two samples, y = 0 and 1, both predicted 0, variance ½: logits 0 and −1 each."""
    got = losses.balanced_mse(torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]), torch.tensor([0.5]))
    both = math.log(1 + math.exp(-1))
    assert float(got) == pytest.approx((both + (1 + both)) / 2, abs=1e-6)


def test_hl_gauss_by_hand():
    """A target on the middle edge, σ of one class width: Φ(1) − Φ(0) on either side, cut off."""
    edges = torch.tensor([[0.0, 1.0, 2.0, math.inf]])
    got = losses.soft_labels(edges, torch.tensor([[1.0, 9.0]]), torch.tensor([1.0]))[0]
    assert got[0].tolist() == pytest.approx([0.5, 0.5, 0.0], abs=1e-6)
    # At the upper end: Φ(0) − Φ(−1) = 0.34134 and Φ(−1) − Φ(−2) = 0.13591, in proportion.
    assert got[1].tolist() == pytest.approx([0.13591 / 0.47725, 0.34134 / 0.47725, 0], abs=1e-4)


def test_cross_entropies_by_hand():
    logits = torch.log(torch.tensor([[[1.0, 3.0], [1.0, 1.0]]]))
    soft = losses.soft_cross_entropy(logits, torch.tensor([[[0.5, 0.5], [0.0, 1.0]]]))
    first = -0.5 * math.log(1 / 4) - 0.5 * math.log(3 / 4)
    assert float(soft) == pytest.approx((first + math.log(2)) / 2, abs=1e-6)
    label = torch.tensor([[1, 0]])
    hard = losses.hard_cross_entropy(logits, label, torch.tensor([[1.0, 0.0]]))
    assert float(hard) == pytest.approx(-math.log(3 / 4), abs=1e-6)  # the other label is not kept
    assert float(losses.hard_cross_entropy(logits, label, torch.zeros(1, 2))) == 0


def test_weighted_mse_by_hand():
    got = losses.weighted_mse(
        torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2), torch.tensor([[3.0, 0.5]])
    )
    assert float(got) == pytest.approx((3 * 1 + 0.5 * 4) / 2)
