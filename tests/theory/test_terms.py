"""Gap terms: against closed forms, an independent quadrature, and known special cases."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special, stats

from regcls.synthetic import data as synthetic_data
from regcls.theory import terms as theory_terms
from regcls.theory.density import Density
from regcls.theory.terms import Case

F = synthetic_data.FUNCTIONS[0]
TWO = Density(np.array([0.0, 1.0, 4.0]), np.array([0.7, 0.1]))  # most targets are below 1


FLAT = Density(np.array([0.0, 4.0]), np.array([0.25]))


def case(mean, y, sigma: float = 0.3, density: Density = TWO, fits: str = "balanced") -> Case:
    train = np.random.default_rng(0).uniform(*density.limits, 3000)
    mean, y = (np.atleast_1d(values).astype(float) for values in (mean, y))
    return Case(mean, sigma, y, density, train, fits)


def integral(function, one: Case, i: int, low: float, high: float) -> float:
    """Integrate with SciPy's adaptive quadrature, split at jumps and around the mean of point i."""
    around = one.mean[i] + one.sigma * np.array([-8, -2, 0, 2, 8])
    cuts = np.concatenate(([low, high], one.density.edges, around))
    ends = np.unique(np.clip(cuts, low, high))
    parts = [integrate.quad(function, a + 1e-13, b - 1e-13)[0] for a, b in pairwise(ends)]
    return float(np.sum(parts))


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


@pytest.mark.parametrize("mean", [-0.5, 0.98, 2.5])
@pytest.mark.parametrize("sigma", [0.3, 3.0])
def test_the_balanced_conditional_of_an_imbalanced_one_in_closed_form(mean, sigma):
    """p_bal ∝ p_imb / p, where E[1 / p] is a sum of two Gaussian masses."""
    gaussian = truncated(mean, sigma, 0, 4)
    inside = gaussian.cdf(1.0)
    norm = inside / 2.8 + (1 - inside) / 0.4
    for y, p in ((0.4, 2.8), (3.0, 0.4)):
        terms = theory_terms.regression(case(mean, y, sigma, fits="imbalanced"))
        assert terms.imbalanced[0] == pytest.approx(-gaussian.logpdf(y), abs=1e-8)
        assert terms.balanced[0] == pytest.approx(-np.log(gaussian.pdf(y) / p / norm), abs=1e-8)
        assert terms.gap[0] == pytest.approx(-np.log(norm) - np.log(p), abs=1e-9)
        assert terms.residual < 1e-6


# Classification


def test_class_terms_of_two_bins():
    """Two bins, half a Gaussian in each; priors 0.9 and 0.1."""
    one = case(2.0, 3.0, 0.5, FLAT)
    terms = theory_terms.classification(one, np.array([0.0, 2.0, 4.0]), np.array([0.9, 0.1]))
    assert terms.balanced[0] == pytest.approx(np.log(2))
    assert terms.gap[0] == pytest.approx(np.log(0.5) - np.log(0.1))
    assert terms.imbalanced[0] == pytest.approx(-np.log(0.5 * 0.1 / 0.5))
    assert terms.uniform.gap[0] == pytest.approx(terms.gap[0])  # bins of equal width


def test_flat_priors_over_bins_of_unequal_width_are_not_uniform_targets():
    """Bins of width 1 and 3 with equal priors: p̃ is 2 in the first and 2/3 in the second."""
    for mean, y, level in ((0.5, 0.6, 2), (0.9, 2.0, 2 / 3), (3.0, 3.2, 2 / 3)):
        inside = truncated(mean, 0.5, 0, 4).cdf(1.0)
        expected = 2 * inside + 2 / 3 * (1 - inside)
        one = case(mean, y, 0.5, FLAT)
        terms = theory_terms.classification(one, np.array([0.0, 1.0, 4.0]), np.array([0.5, 0.5]))
        assert terms.gap[0] == pytest.approx(0, abs=1e-12)
        assert terms.uniform.gap[0] == pytest.approx(np.log(expected / level))
        mass = inside if y < 1 else 1 - inside
        assert terms.uniform.balanced[0] == pytest.approx(-np.log(mass))
        assert terms.imbalanced[0] == pytest.approx(-np.log(mass * level / expected))


@pytest.mark.parametrize("fits", ["balanced", "imbalanced"])
@pytest.mark.parametrize("kind", ["equal-width", "equalized"])
@pytest.mark.parametrize("classes", [4, 16])
def test_class_terms_by_an_independent_quadrature(kind, classes, fits):
    """All class probabilities are integrated here by SciPy's adaptive quadrature."""
    one = replace(theory_terms.ideal_case(F, 0, 0.03, 0.1), fits=fits)
    edges, priors = theory_terms.class_priors(one, kind, classes)
    terms = theory_terms.classification(one, edges, priors)
    mass = one.density.mass(edges)
    for i in range(0, len(one.y), 50):

        def p_bal(y, i=i):
            gaussian = np.exp(-0.5 * ((y - one.mean[i]) / one.sigma) ** 2)
            return gaussian / (one.density.at(np.array([y]))[0] if fits == "imbalanced" else 1)

        def joint(y, p_bal=p_bal):
            return p_bal(y) * one.density.at(np.array([y]))[0]

        bal = np.array([integral(p_bal, one, i, a, b) for a, b in pairwise(edges)])
        imb = np.array([integral(joint, one, i, a, b) for a, b in pairwise(edges)]) * priors / mass
        label = np.clip(np.searchsorted(edges, one.y[i], side="right") - 1, 0, len(priors) - 1)
        uniform = -np.log(bal / bal.sum())[label]
        trained = -np.log(imb / imb.sum())[label]
        flat = -np.log(imb / priors / (imb / priors).sum())[label]
        assert terms.imbalanced[i] == pytest.approx(trained, abs=1e-6)
        assert terms.balanced[i] == pytest.approx(flat, abs=1e-6)
        assert terms.gap[i] == pytest.approx(trained - flat, abs=1e-6)
        assert terms.uniform.balanced[i] == pytest.approx(uniform, abs=1e-6)
        assert terms.uniform.gap[i] == pytest.approx(trained - uniform, abs=1e-6)


@pytest.mark.parametrize(
    ("classes", "left", "remains", "uniform_within"),
    [(4, 2, 2.34, 0.0), (16, 4, 1.65, 1.69), (64, 11, 1.42, 1.46), (256, 38, 1.59, 1.58)],
)
def test_what_equalized_bins_leave_at_the_settings_of_the_page(
    classes, left, remains, uniform_within
):
    """With targets taken as uniform within classes, 1.4 to 1.7 nats remain from 16 classes on."""
    one = theory_terms.ideal_case(F, 0, 0.03, 0.1)
    losses = {}
    for kind in ("equal-width", "equalized"):
        edges, priors = theory_terms.class_priors(one, kind, classes)
        losses[kind] = theory_terms.classification(one, edges, priors)
    found = theory_terms.equalisation(theory_terms.per_range(one, losses))
    assert (found["asked"], found["left"]) == (classes, left)
    assert found["gap_max_flat"] == pytest.approx(0, abs=1e-12)
    assert found["gap_max_uniform"] == pytest.approx(remains, abs=0.01)
    # Closed form, where only the widths of the classes differ from uniform targets.
    cdf = stats.norm.cdf((edges - one.mean[:, None]) / one.sigma)
    p_bal = np.diff(cdf, axis=1) / (cdf[:, -1:] - cdf[:, :1])
    ratio = priors / np.diff(edges) * (edges[-1] - edges[0])
    label = np.clip(np.searchsorted(edges, one.y, side="right") - 1, 0, left - 1)
    gap = np.log(p_bal @ ratio) - np.log(ratio[label])
    assert gap.max() == pytest.approx(uniform_within, abs=0.01)


@pytest.mark.parametrize("kind", ["equal-width", "equalized"])
@pytest.mark.parametrize("classes", [4, 64])
def test_the_class_terms_add_up(kind, classes):
    one = theory_terms.ideal_case(F, 0, 0.03, 0.1)
    terms = theory_terms.classification(one, *theory_terms.class_priors(one, kind, classes))
    assert terms.residual < 1e-6 and terms.uniform.residual < 1e-6
    np.testing.assert_array_equal(terms.imbalanced, terms.uniform.imbalanced)


def test_uniform_targets_leave_no_class_gap():
    one = theory_terms.ideal_case(F, 0, 1.0, 0.1)
    terms = theory_terms.classification(one, *theory_terms.class_priors(one, "equal-width", 16))
    for gap in (terms.gap, terms.uniform.gap):
        np.testing.assert_allclose(gap, 0, atol=1e-12)


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


def test_each_class_loss_has_rows_for_both_references():
    one = theory_terms.ideal_case(F, 0, 0.1, 0.1)
    terms = theory_terms.classification(one, *theory_terms.class_priors(one, "equalized", 16))
    table = theory_terms.per_range(
        one, {"regression": theory_terms.regression(one), "equalized": terms}
    )
    named = table[["model", "reference", "classes"]].drop_duplicates().to_numpy().tolist()
    assert named == [
        ["regression", "uniform y", None],
        ["equalized, vs flat priors", "flat priors", 5],
        ["equalized, vs uniform y", "uniform y", 5],
    ]
    largest = table.groupby("model")["gap_max"].max()
    assert largest["equalized, vs uniform y"] == terms.uniform.gap.max()
    assert largest["equalized, vs flat priors"] == terms.gap.max()


def test_the_gap_of_the_ideal_model_vanishes_with_its_noise():
    """The mean over rare targets is integrated here from Gaussian distribution functions."""
    table = theory_terms.by_noise(F, 0, 0.03)
    density = theory_terms.ideal_case(F, 0, 0.03, 0.1).density
    parts = list(zip(pairwise(density.edges), density.relative, strict=True))
    rare = [(ends, level) for ends, level in parts if level < 1]
    for sigma, gap in zip(table["sigma"], table["gap"], strict=True):

        def gap_at(y, level, sigma=sigma):
            masses = np.diff(special.ndtr((density.edges - y) / sigma))
            return np.log(masses @ density.relative / masses.sum() / level)

        total = 0.0
        for (a, b), level in rare:
            near = np.unique(np.clip([a, a + 3 * sigma, b - 3 * sigma, b], a, b))
            total += sum(
                integrate.quad(gap_at, c, d, (level,), epsabs=1e-6)[0] for c, d in pairwise(near)
            )
        assert gap == pytest.approx(total / sum(b - a for (a, b), _ in rare), rel=0.01)
    assert table["gap"].tolist() == pytest.approx([1.070, 0.570, 0.289, 0.116, 0.058], abs=0.002)
    ratio = (table["gap"] / table["sigma"]).to_numpy()[1:]  # at 0.2, the limits cut the reach
    assert ratio == pytest.approx(ratio[-1], rel=0.03)
    assert (np.diff(table["share"]) < 0).all()


def test_uniform_targets_have_no_gap_at_any_noise():
    assert (theory_terms.by_noise(F, 0, 1.0)["gap"] == 0).all()


def test_a_sigma_of_zero_is_rejected():
    with pytest.raises(ValueError, match="sigma must be above 0"):
        theory_terms.ideal_case(F, 0, 0.1, 0.0)
