"""Gap terms: against closed forms, an independent quadrature, and known special cases."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from regcls.synthetic import data as synthetic_data
from regcls.theory import terms as theory_terms
from regcls.theory.density import Density
from regcls.theory.terms import Case

F = synthetic_data.FUNCTIONS[0]
TWO = Density(np.array([0.0, 1.0, 4.0]), np.array([0.7, 0.1]))  # most targets are below 1


def case(mean, y, sigma: float = 0.3, density: Density = TWO) -> Case:
    train = np.random.default_rng(0).uniform(*density.limits, 3000)
    return Case(
        np.atleast_1d(mean).astype(float), sigma, np.atleast_1d(y).astype(float), density, train
    )


def truncated(mean: float, sigma: float, low: float, high: float):
    return stats.truncnorm((low - mean) / sigma, (high - mean) / sigma, mean, sigma)


# Regression


def test_uniform_targets_have_no_gap():
    terms = theory_terms.regression(theory_terms.ideal_case(F, 0, 1.0, 0.1))
    assert np.abs(terms.gap).max() < 1e-12
    np.testing.assert_allclose(terms.imbalanced, terms.balanced, atol=1e-12)


@pytest.mark.parametrize("mean", [-0.5, 0.2, 0.98, 2.5, 4.4])
@pytest.mark.parametrize("sigma", [0.02, 0.3, 3.0])
def test_two_levels_in_closed_form(mean, sigma):
    """E[p] is a sum of two Gaussian masses."""
    gaussian = truncated(mean, sigma, 0, 4)
    for y in (0.4, 3.0):
        terms = theory_terms.regression(case(mean, y, sigma))
        inside = gaussian.cdf(1.0)
        expected = 2.8 * inside + 0.4 * (1 - inside)
        gap = np.log(expected) - np.log(2.8 if y < 1 else 0.4)
        assert terms.gap[0] == pytest.approx(gap, abs=1e-9)
        assert terms.balanced[0] == pytest.approx(-gaussian.logpdf(y), abs=1e-8)


@pytest.mark.parametrize("width", [0.5, 0.1, 0.02])
@pytest.mark.parametrize("sigma", [0.03, 0.2])
def test_the_terms_add_up_by_an_independent_quadrature(width, sigma):
    """The imbalanced model is normalised here by SciPy's adaptive quadrature, point by point."""
    one = theory_terms.ideal_case(F, 1, width, sigma)
    terms = theory_terms.regression(one)
    assert terms.residual < 1e-6
    low, high = one.density.limits
    for i in range(0, len(one.y), 60):
        gaussian = truncated(one.mean[i], sigma, low, high)

        def joint(y, gaussian=gaussian):
            return gaussian.pdf(y) * one.density.at(np.array([y]))[0]

        cuts = np.clip([one.mean[i] - 8 * sigma, one.mean[i], one.mean[i] + 8 * sigma], low, high)
        ends = np.unique(np.concatenate((one.density.edges, cuts)))
        norm = sum(
            integrate.quad(joint, a + 1e-13, b - 1e-13, epsabs=1e-13)[0] for a, b in pairwise(ends)
        )
        loss = -np.log(joint(one.y[i]) / norm)
        assert terms.imbalanced[i] == pytest.approx(loss, abs=1e-6)
        assert terms.balanced[i] + terms.gap[i] == pytest.approx(loss, abs=1e-6)


def test_terms_of_predictions_far_outside_the_limits_are_finite():
    terms = theory_terms.regression(case([-50.0, 60.0], [0.5, 3.9], sigma=0.05))
    assert np.isfinite(terms.gap).all() and np.isfinite(terms.balanced).all()
    assert terms.residual < 1e-6


def test_rare_targets_have_a_larger_gap_which_grows_with_imbalance():
    gaps = []
    for width in (0.3, 0.1, 0.03):
        one = theory_terms.ideal_case(F, 0, width, 0.1)
        gap, common = theory_terms.regression(one).gap, one.density.at(one.y) > 1
        assert gap[~common].mean() > gap[common].mean()
        gaps.append(gap.max())
    assert gaps == sorted(gaps)


# Classification


def test_class_terms_of_two_bins():
    """Two bins, half a Gaussian in each; priors 0.9 and 0.1."""
    flat = Density(np.array([0.0, 4.0]), np.array([0.25]))
    one = case(2.0, 3.0, 0.5, flat)
    terms = theory_terms.classification(one, np.array([0.0, 2.0, 4.0]), np.array([0.9, 0.1]))
    assert terms.balanced[0] == pytest.approx(np.log(2))
    assert terms.gap[0] == pytest.approx(np.log(0.5) - np.log(0.1))
    assert terms.imbalanced[0] == pytest.approx(-np.log(0.5 * 0.1 / 0.5))


@pytest.mark.parametrize("kind", ["equal-width", "equalized"])
@pytest.mark.parametrize("classes", [4, 64])
def test_the_class_terms_add_up(kind, classes):
    one = theory_terms.ideal_case(F, 0, 0.03, 0.1)
    terms = theory_terms.classification(one, *theory_terms.class_priors(one, kind, classes))
    assert terms.residual < 1e-6


def test_equalized_bins_have_uniform_priors_and_no_gap():
    one = theory_terms.ideal_case(F, 0, 0.03, 0.1)
    edges, priors = theory_terms.class_priors(one, "equalized", 64)
    assert len(priors) == len(edges) - 1 >= 2
    np.testing.assert_allclose(priors, 1 / len(priors), atol=1e-12)
    assert np.abs(theory_terms.classification(one, edges, priors).gap).max() < 1e-12
    edges, priors = theory_terms.class_priors(one, "equal-width", 64)
    assert theory_terms.classification(one, edges, priors).gap.max() > 2


def test_priors_of_equal_width_bins_are_masses_of_the_density():
    one = theory_terms.ideal_case(F, 0, 0.1, 0.1)
    edges, priors = theory_terms.class_priors(one, "equal-width", 16)
    np.testing.assert_allclose(priors, one.density.mass(edges))
    assert priors.sum() == pytest.approx(1)


# Tables


def test_ranges_have_the_means_of_their_points():
    one = theory_terms.ideal_case(F, 0, 0.1, 0.1)
    terms = theory_terms.regression(one)
    table = theory_terms.per_range(one, {"regression": terms}, ranges=6)
    assert table["train"].sum() == pytest.approx(1)
    assert table["points"].sum() == len(one.y)
    assert set(one.density.edges[1:-1]) <= set(table["low"])
    weighted = (table["gap"] * table["points"]).sum() / len(one.y)
    assert weighted == pytest.approx(terms.gap.mean())
    np.testing.assert_allclose(table["imbalanced"], table["balanced"] + table["gap"], atol=1e-9)


def test_the_gap_grows_with_imbalance_near_the_peak_and_falls_in_it():
    table = theory_terms.by_imbalance(F, 0, 0.1)
    gaps = {
        name: rows.sort_values("width")["gap"].to_numpy() for name, rows in table.groupby("group")
    }
    near, far, common = (gaps[name] for name in theory_terms.GROUPS)
    assert (np.diff(common) > 0).all() and (common < 0).all()
    assert near[0] > near[3] > near[6] > 0
    assert np.abs(far).max() < 0.2 < near.min()


def test_a_sigma_of_zero_is_rejected():
    with pytest.raises(ValueError, match="sigma must be above 0"):
        theory_terms.ideal_case(F, 0, 0.1, 0.0)
