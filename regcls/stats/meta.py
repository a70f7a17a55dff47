"""Meta-analysis: what effects on many tables say together, and about the next table.

Effects are log ratios of errors. Tables of one family, such as several targets measured on the same
rows, are one unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regcls.stats.verdicts import LEVEL

Floats = NDArray[np.float64]

PRIOR = 0.5  # pseudo-observations at zero of the Bayesian signed-rank test
DRAWS = 50_000
TYPICAL_SPREAD = 0.1  # scale of the half-Cauchy prior of τ: tables differ by about ten per cent
SPREADS = np.tan(np.linspace(0, 0.995, 400) * np.pi / 2)  # quantiles of the standard half-Cauchy


@dataclass(frozen=True)
class Mixture:
    """A distribution of an effect: normal distributions, one per spread τ, with weights.

    Attributes
    ----------
    weight, mean, sd : ndarray of shape (S,)
        Weights that add up to 1, means and standard deviations.
    """

    weight: Floats
    mean: Floats
    sd: Floats

    def below(self, bound: float) -> float:
        """Return the probability of an effect below a bound."""
        from scipy import special

        return float(self.weight @ special.ndtr((bound - self.mean) / self.sd))

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the central interval with a given probability."""
        from scipy import optimize

        reach = 40 * float(self.sd.max()) + float(np.ptp(self.mean))
        low, high = float(self.mean.min()) - reach, float(self.mean.max()) + reach
        ends = [
            optimize.brentq(lambda x, share=share: self.below(x) - share, low, high, xtol=1e-9)
            for share in ((1 - level) / 2, (1 + level) / 2)
        ]
        return ends[0], ends[1]

    @property
    def centre(self) -> float:
        """Its mean."""
        return float(self.weight @ self.mean)


@dataclass(frozen=True)
class RandomEffects:
    """Effects that differ from unit to unit, around a mean; see `random_effects`.

    Attributes
    ----------
    mean, se : float
        Mean effect and its standard error.
    low, high : float
        Interval of the mean.
    spread : float
        Standard deviation τ of the units' true effects.
    units : int
        Number of units.
    model : Mixture
        The mean effect μ given each τ, with the probability of that τ; see `SPREADS`.
    spreads : ndarray of shape (S,)
        The values of τ.
    """

    mean: float
    se: float
    low: float
    high: float
    spread: float
    units: int
    model: Mixture
    spreads: Floats

    def predicted(self, se: float = 0.0) -> Mixture:
        """Return the distribution of the next unit's effect.

        Parameters
        ----------
        se : float
            Standard error with which that effect will be measured; 0 for the true effect.

        Returns
        -------
        Mixture
        """
        sd = np.sqrt(self.model.sd**2 + self.spreads**2 + se**2)
        return Mixture(self.model.weight, self.model.mean, sd)

    def combined(self, value: float, se: float) -> Mixture:
        """Return the distribution of a new unit's true effect after it was measured.

        Parameters
        ----------
        value, se : float
            Measured effect and its standard error.

        Returns
        -------
        Mixture
            The prediction from the other units, updated by Bayes' theorem.
        """
        prior = self.predicted()
        total = prior.sd**2 + se**2
        fit = np.exp(-((value - prior.mean) ** 2) / (2 * total)) / np.sqrt(total)
        weight = prior.weight * fit
        share = prior.sd**2 / total  # of the own effect
        mean = share * value + (1 - share) * prior.mean
        return Mixture(weight / weight.sum(), mean, np.sqrt(share) * se)

    def shrunken(self, value: ArrayLike, se: ArrayLike) -> tuple[Floats, Floats]:
        """Return the units' own effects drawn towards the mean, as far as they are uncertain.

        Parameters
        ----------
        value, se : array-like of shape (M,)
            Effects and standard errors.

        Returns
        -------
        value, se : ndarray of shape (M,)
            Posterior means and standard deviations over μ and τ.
        """
        value, own = (np.asarray(v, dtype=np.float64)[:, None] for v in (value, se))
        between = self.spreads**2
        share = between / (between + own**2)  # of the own effect
        middle = share * value + (1 - share) * self.model.mean
        variance = share * own**2 + (1 - share) ** 2 * self.model.sd**2
        mean = middle @ self.model.weight
        spread = (middle - mean[:, None]) ** 2
        return mean, np.sqrt((variance + spread) @ self.model.weight)


def by_family(
    value: ArrayLike, se: ArrayLike, family: Sequence[str]
) -> tuple[Floats, Floats, list[str]]:
    """Average the effects within families.

    Parameters
    ----------
    value, se : array-like of shape (M,)
        Effects and standard errors of the tables.
    family : sequence of str
        Family of each table.

    Returns
    -------
    value, se : ndarray of shape (F,)
        Mean effect of each family. Its standard error is the mean of its tables': they may share
        all of their rows, so that averaging need not make the error smaller.
    families : list of str
        Their names, in the order of their first tables.

    Examples
    --------
    >>> value, se, names = by_family([0.1, 0.3, -0.2], [0.1, 0.1, 0.2], ["a", "a", "b"])
    >>> value.round(2).tolist(), se.round(2).tolist(), names
    ([0.2, -0.2], [0.1, 0.2], ['a', 'b'])
    """
    names = list(dict.fromkeys(family))
    which = np.array([names.index(name) for name in family], dtype=np.int64)
    count = np.bincount(which)
    own, error = (np.bincount(which, np.asarray(v, dtype=np.float64)) / count for v in (value, se))
    return own, error, names


def random_effects(value: ArrayLike, se: ArrayLike, level: float = LEVEL) -> RandomEffects:
    """Estimate the mean and the spread of effects that differ from unit to unit.

    The mean has weights with the variance between units of DerSimonian and Laird [1]_ and the
    interval of Hartung and Knapp [2]_, which also holds for few units; it is never narrower than
    the usual one [3]_. Predictions average over τ, with a half-Cauchy prior [4]_ and a flat prior of
    the mean: where τ is estimated as zero, it may still be larger.

    Parameters
    ----------
    value, se : array-like of shape (M,)
        Effects of independent units and their standard errors, M ≥ 2.
    level : float
        Coverage of the interval.

    Returns
    -------
    RandomEffects

    References
    ----------
    .. [1] DerSimonian and Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials 7,
       1986.
    .. [2] Hartung and Knapp, "A refined method for the meta-analysis of controlled clinical trials
       with binary outcome", Statistics in Medicine 20, 2001.
    .. [3] Röver, Knapp and Friede, "Hartung-Knapp-Sidik-Jonkman approach and its modification for
       random-effects meta-analysis with few studies", BMC Medical Research Methodology 15, 2015.
    .. [4] Gelman, "Prior distributions for variance parameters in hierarchical models", Bayesian
       Analysis 1, 2006.

    Examples
    --------
    >>> found = random_effects([-0.1, -0.2, -0.3], [0.01, 0.01, 0.01])
    >>> round(found.mean, 3), round(found.spread, 2), found.units
    (-0.2, 0.1, 3)
    """
    from scipy import special

    value = np.asarray(value, dtype=np.float64)
    variance = np.maximum(np.asarray(se, dtype=np.float64), 1e-9) ** 2
    fixed = 1 / variance
    mean = fixed @ value / fixed.sum()
    excess = fixed @ (value - mean) ** 2 - (len(value) - 1)
    spread = max(0.0, excess / (fixed.sum() - (fixed**2).sum() / fixed.sum()))
    weight = 1 / (variance + spread)
    mean = float(weight @ value / weight.sum())
    dof = len(value) - 1
    factor = max(1.0, float(weight @ (value - mean) ** 2) / dof)
    error = float(np.sqrt(factor / weight.sum()))
    reach = float(special.stdtrit(dof, (1 + level) / 2)) * error
    spreads = TYPICAL_SPREAD * SPREADS
    return RandomEffects(
        mean,
        error,
        mean - reach,
        mean + reach,
        float(np.sqrt(spread)),
        len(value),
        _given_spreads(value, variance, spreads),
        spreads,
    )


def _given_spreads(value: Floats, variance: Floats, spreads: Floats) -> Mixture:
    """Return the mean effect given each τ; the values of τ are equally likely beforehand."""
    total = variance + spreads[:, None] ** 2
    precision = (1 / total).sum(axis=1)
    mean = (value / total).sum(axis=1) / precision
    fit = -(np.log(total) + (value - mean[:, None]) ** 2 / total).sum(axis=1) / 2
    fit -= np.log(precision) / 2  # the mean is integrated out
    weight = np.exp(fit - fit.max())
    return Mixture(weight / weight.sum(), mean, 1 / np.sqrt(precision))


def signed_rank(
    value: ArrayLike, margin: float, draws: int = DRAWS, seed: int = 0
) -> tuple[float, float, float]:
    """Return the probabilities of the Bayesian signed-rank test with practical equivalence.

    Parameters
    ----------
    value : array-like of shape (M,)
        Effects of independent units.
    margin : float
        Half the width of the region of practical equivalence.
    draws, seed : int
        Monte Carlo sample.

    Returns
    -------
    lower, equal, higher : float
        Probabilities that for a pair of units the mean of their effects is most often below
        −``margin``, within ±``margin``, or above it. They add up to 1.

    References
    ----------
    Benavoli, Corani, Demšar and Zaffalon, "Time for a change: a tutorial for comparing multiple
    classifiers through Bayesian analysis", Journal of Machine Learning Research 18, 2017, §4.2.

    Examples
    --------
    >>> signed_rank([-0.3, -0.2, -0.4, -0.3, -0.25, -0.35], 0.05, draws=1000)[0] > 0.99
    True
    """
    values = np.r_[0.0, np.asarray(value, dtype=np.float64)]
    means = (values[:, None] + values) / 2
    low, high = (means < -margin).astype(float), (means > margin).astype(float)
    rng = np.random.default_rng(seed)
    weight = rng.dirichlet(np.r_[PRIOR, np.ones(len(values) - 1)], draws)
    lower, higher = (
        np.einsum("di,ij,dj->d", weight, part, weight, optimize=True) for part in (low, high)
    )
    most = np.argmax(np.stack([lower, 1 - lower - higher, higher]), axis=0)
    return tuple((np.bincount(most, minlength=3) / draws).tolist())


@dataclass(frozen=True)
class Coefficient:
    """The change of the effect with one property of the units, others held fixed.

    Attributes
    ----------
    name : str
        The property.
    value, low, high : float
        Change of the effect per unit of the property, with its interval.
    p : float
        Two-sided p-value.
    """

    name: str
    value: float
    low: float
    high: float
    p: float


def regression(
    value: ArrayLike,
    se: ArrayLike,
    properties: dict[str, ArrayLike],
    family: Sequence[str],
    level: float = LEVEL,
) -> list[Coefficient]:
    """Regress effects on properties of the tables.

    Weighted least squares with weights 1/(se² + τ²), standard errors robust within families with
    the leverage correction CR1, and t-intervals with as many degrees of freedom as there are
    families beyond the coefficients.

    Parameters
    ----------
    value, se : array-like of shape (M,)
        Effects and standard errors of the tables.
    properties : dict of str to array-like of shape (M,)
        What may change the effect, such as the logarithm of the number of rows.
    family : sequence of str
        Family of each table.
    level : float
        Coverage of each interval.

    Returns
    -------
    list of Coefficient
        One per property; NaN where there are too few families or a property does not vary.

    References
    ----------
    Hedges, Tipton and Johnson, "Robust variance estimation in meta-regression with dependent effect
    size estimates", Research Synthesis Methods 1, 2010.
    """
    from scipy import special

    value, se = np.asarray(value, dtype=np.float64), np.asarray(se, dtype=np.float64)
    design = np.column_stack(
        [np.ones(len(value)), *(np.asarray(v, dtype=np.float64) for v in properties.values())]
    )
    which = np.unique(np.asarray(family), return_inverse=True)[1]
    families, terms = int(which.max()) + 1, design.shape[1]
    dof = families - terms
    if dof < 1 or np.linalg.matrix_rank(design) < terms:
        return [Coefficient(name, *(np.nan,) * 4) for name in properties]
    weight = 1 / (se**2 + random_effects(value, se).spread ** 2)
    bread = np.linalg.inv(design.T @ (weight[:, None] * design))
    found = bread @ design.T @ (weight * value)
    pull = (weight * (value - design @ found))[:, None] * design
    scores = np.stack([np.bincount(which, column, families) for column in pull.T], axis=1)
    errors = np.sqrt(np.diag(bread @ scores.T @ scores @ bread) * families / dof)
    reach = special.stdtrit(dof, (1 + level) / 2) * errors
    p = 2 * special.stdtr(dof, -np.abs(found) / np.maximum(errors, np.finfo(float).tiny))
    return [
        Coefficient(name, *map(float, (found[i], found[i] - reach[i], found[i] + reach[i], p[i])))
        for i, name in enumerate(properties, 1)
    ]
