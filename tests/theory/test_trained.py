"""Cases of models trained in the Lab."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from regcls.synthetic import data as synthetic_data
from regcls.theory import terms as theory_terms
from regcls.theory import trained
from regcls.theory.density import Density, make_data


def test_cases_of_trained_models():
    cases = trained.trained_cases(1, 0, 0.1, epochs=2)
    assert list(cases) == ["reg", "control", "reg+cls"]
    val = make_data(synthetic_data.FUNCTIONS[0], 0, 0.1).val
    for one in cases.values():
        assert one.fits == "imbalanced" and "p_imb" in one.role
        on_uniform = np.sqrt(((one.mean - one.y) ** 2).mean())
        # After two epochs, models predict about the mean of the training targets.
        assert one.sigma == pytest.approx(val.y.std(), rel=0.1)
        assert one.sigma < 0.5 * on_uniform
        assert theory_terms.regression(one).residual < 1e-6


def test_least_squares_on_imbalanced_data_estimate_p_imb_and_reweighting_gives_p_bal():
    """Simulated: x = y + noise, with targets of which most are below 1."""
    density, sigma, x = Density(np.array([0.0, 1.0, 4.0]), np.array([0.7, 0.1])), 0.3, 1.2
    rng = np.random.default_rng(0)
    n = 2_000_000
    y = np.where(rng.uniform(size=n) < 0.7, rng.uniform(0, 1, n), rng.uniform(1, 4, n))
    near = y[np.abs(y + sigma * rng.standard_normal(n) - x) < 0.02]
    fitted = near.mean()  # the constant of least squares at this x
    reweighted = np.average(near, weights=1 / density.at(near))
    p_bal = stats.truncnorm(-x / sigma, (4 - x) / sigma, x, sigma)
    assert reweighted == pytest.approx(p_bal.mean(), abs=0.01)
    assert fitted == pytest.approx(0.98, abs=0.02) and fitted < p_bal.mean() - 0.15
    # The imbalanced model by the formula: p_bal with the density, normalised on a fine grid.
    grid = np.linspace(0, 4, 40_001)[:-1] + 5e-5
    p_imb = p_bal.pdf(grid) * density.at(grid)
    assert fitted == pytest.approx((grid * p_imb).sum() / p_imb.sum(), abs=0.01)
