"""Losses of many models at once against values computed by hand."""

import math

import numpy as np
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


def test_beta_nll_by_hand():
    """Means 0 and 2, variance softplus(0) + 1e-4, target 1: the same loss twice."""
    variance = math.log(2) + losses.LEAST_VARIANCE
    nll = 0.5 * (math.log(variance) + 1 / variance)
    value = torch.tensor([[0.0, 2.0]], requires_grad=True)
    got = losses.beta_nll(value, torch.zeros(1, 2), torch.ones(1, 2))
    assert float(got.detach()) == pytest.approx(variance**0.5 * nll, abs=1e-6)
    # Its weight has no gradient: d/dmean = variance^β · (mean − y) / variance, over two samples.
    slope = torch.autograd.grad(got.sum(), value)[0]
    expected = variance ** (0.5 - 1) / 2
    assert slope[0].tolist() == pytest.approx([-expected, expected], abs=1e-6)


def test_beta_nll_of_one_fits_means_as_the_squared_error_does():
    value = torch.tensor([[0.3, -2.0]], requires_grad=True)
    loss = losses.beta_nll(value, torch.tensor([[1.0, -4.0]]), torch.zeros(1, 2), beta=1.0)
    slope = torch.autograd.grad(loss.sum(), value)[0]
    assert slope[0].tolist() == pytest.approx([0.3 / 2, -2.0 / 2], abs=1e-6)


def ranks_by_sorting(scores: np.ndarray) -> np.ndarray:
    """Return the ranks of a row, 1 for the largest, over its length."""
    return np.array([1 + (scores > one).sum() for one in scores]) / len(scores)


def plain_ranksim(features: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return RankSim of one model, sample by sample, and the gradient of each similarity."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    similar = unit @ unit.T
    k, total, slopes = len(y), 0.0, np.zeros_like(similar)
    for i in range(k):
        wanted, found = ranks_by_sorting(-np.abs(y[i] - y)), ranks_by_sorting(similar[i])
        total += ((found - wanted) ** 2).mean() / k
        upstream = 2 * (found - wanted) / k / k
        moved = ranks_by_sorting(similar[i] + 2.0 * upstream)
        slopes[i] = (moved - found) / 2.0
    return total, slopes


def test_ranksim_equals_a_loop_over_samples():
    rng = np.random.default_rng(0)
    features, y = rng.normal(size=(2, 9, 3)), rng.normal(size=(2, 9))
    made = torch.tensor(features, requires_grad=True)
    got = losses.ranksim(made, torch.tensor(y))
    slope = torch.autograd.grad(got.sum(), made)[0].numpy()
    for r in range(2):
        loss, slopes = plain_ranksim(features[r], y[r])
        assert float(got[r].detach()) == pytest.approx(loss)
        own = torch.tensor(features[r], requires_grad=True)
        unit = own / own.norm(dim=1, keepdim=True)
        ((unit @ unit.T) * torch.tensor(slopes)).sum().backward()
        np.testing.assert_allclose(slope[r], own.grad.numpy(), atol=1e-12)
    assert np.abs(slope).max() > 0


def test_ranksim_is_zero_where_features_are_in_the_order_of_the_targets():
    angle = torch.tensor([0.1, 0.2, 0.35, 0.6])
    features = torch.stack([angle.cos(), angle.sin()], dim=1)[None]
    assert float(losses.ranksim(features, angle[None])) == 0
    assert float(losses.ranksim(features, torch.tensor([[0.1, 0.6, 0.2, 0.35]]))) > 0.01


def plain_ordinal_entropy(features: np.ndarray, y: np.ndarray) -> float:
    """Return the ordinal entropy loss of one model, target by target and pair by pair."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    targets = sorted(set(y.tolist()))
    centre = {}
    for t in targets:
        mean = np.mean([u for u, own in zip(unit, y, strict=True) if own == t], axis=0)
        centre[t] = mean / np.linalg.norm(mean)
    pairs = [(a, b) for i, a in enumerate(targets) for b in targets[i + 1 :]]
    gaps = [b - a for a, b in pairs]
    weights = [(gap - min(gaps)) / max(gaps) for gap in gaps]
    apart = [np.linalg.norm(centre[a] - centre[b]) for a, b in pairs]
    inside = [np.linalg.norm(u - centre[t]) for u, t in zip(unit, y.tolist(), strict=True)]
    shared = [d for d, t in zip(inside, y, strict=True) if (y == t).sum() > 1]
    tight = np.mean(shared) if shared else 0.0
    return tight - np.mean(np.array(weights) * apart)


@pytest.mark.parametrize("decimals", [0, 6])  # with and without equal targets
def test_ordinal_entropy_equals_a_loop_over_pairs(decimals):
    rng = np.random.default_rng(1)
    features, y = rng.normal(size=(3, 12, 4)), rng.normal(size=(3, 12)).round(decimals)
    got = losses.ordinal_entropy(torch.tensor(features), torch.tensor(y))
    for r in range(3):
        assert float(got[r]) == pytest.approx(plain_ordinal_entropy(features[r], y[r]), abs=1e-6)


def test_regularisers_have_finite_gradients_for_equal_features_and_targets():
    for loss in (losses.ranksim, losses.ordinal_entropy):
        features = torch.ones(1, 5, 3, requires_grad=True)
        loss(features, torch.zeros(1, 5)).sum().backward()
        assert features.grad.isfinite().all()
