"""Synthetic 1D regression data of Pintea et al. (ICCV 2023): functions, scenarios, samplings."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from regcls.exceptions import UserError

SAMPLINGS = ("uniform", "mild", "moderate", "severe")
SCENARIOS = ("clean", "noisy", "ood")
IMBALANCE = {"mild": 0.3, "moderate": 0.1, "severe": 0.03}
Y_BINS = 1024  # bins of y over which the samplings are defined
# Size of the authors' imbalanced data sets: 58 971 points around the peak and six in each bin of y.
SAMPLES = 65_115
BACKGROUND = 6 * Y_BINS / SAMPLES  # share of the points that cover the whole range of y
# Standard deviation of the half-normal lengths by which the authors lengthen the ood intervals of
# x, as a share of an interval.
OVERLAP = 0.25
_POOL = 1 << 18  # candidates for x from which the bins are filled
_OOD_PARTS = {"train": (0, 3, 6), "val": (1, 4, 7), "test": (2, 5, 8)}
_PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Function:
    """Function f(x) = A sin(Cx) + B sin(Dx) on [−1, 1], with B = 1.5 − A and D = ⌊C/3⌋.

    Attributes
    ----------
    A : float
        Amplitude of the fast sine, from 0 to 1.5.
    C : int
        Frequency of the fast sine, at least 1.

    Raises
    ------
    UserError
        If an attribute is out of range.

    Examples
    --------
    >>> float(Function(A=0.5, C=9)(np.array([0.0]))[0])
    0.0
    """

    A: float
    C: int

    def __post_init__(self) -> None:
        if not 0 <= self.A <= 1.5:
            raise UserError(f"A must be from 0 to 1.5, not {self.A}")
        if self.C < 1 or int(self.C) != self.C:
            raise UserError(f"C must be a whole number of at least 1, not {self.C}")

    @property
    def B(self) -> float:
        """Amplitude of the slow sine."""
        return 1.5 - self.A

    @property
    def D(self) -> int:
        """Frequency of the slow sine."""
        return int(self.C) // 3

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the values at ``x``, of the same shape."""
        return self.A * np.sin(self.C * x) + self.B * np.sin(self.D * x)

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value over [−1, 1]."""
        y = self(np.linspace(-1, 1, 20_001))
        return float(y.min()), float(y.max())


# The ten functions of the authors' published code.
FUNCTIONS = tuple(
    Function(a, c)
    for a, c in [
        (0.8444, 22), (0.0405, 25), (0.4859, 18), (0.9678, 20), (0.5834, 15),
        (0.5047, 18), (0.1397, 12), (0.6184, 17), (0.9873, 26), (0.9828, 28),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Split:
    """Part of a data set.

    Attributes
    ----------
    x : ndarray of shape (N,), float64
        Inputs.
    y : ndarray of shape (N,), float64
        Targets.
    y_clean : ndarray of shape (N,), float64
        Targets without noise.
    """

    x: np.ndarray
    y: np.ndarray
    y_clean: np.ndarray

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Data1D:
    """Data set of one function and seed.

    Attributes
    ----------
    train, val : Split
        Training and validation data, in the requested sampling.
    test : Split
        Test data, always sampled uniformly.
    function : Function
        The function.
    peak : float or None
        Peak μ of the training targets; None for the uniform sampling.
    """

    train: Split
    val: Split
    test: Split
    function: Function
    peak: float | None


def make(
    function: Function,
    seed: int,
    scenario: str = "clean",
    sampling: str | float = "severe",
    samples: int = SAMPLES,
    noise: float = 0.1,
    overlap: float = OVERLAP,
) -> Data1D:
    """Generate a data set with the paper's protocol; the same arguments give the same arrays.

    In the imbalanced samplings, most points lie around a peak, and a background covers the whole
    range of the targets. As in the authors' published code, a data set of the default size has
    21 705 training points, and six points of the background in each of 1024 bins of y: 9.4% of
    the points (in the authors' sets, 9.3 to 9.6% of the training points, because they are split
    at random). Other sizes have the same share.

    Parameters
    ----------
    function : Function
        The function.
    seed : int
        Data seed.
    scenario : {"clean", "noisy", "ood"}, default "clean"
        The noisy scenario adds N(0, ``noise``²) to all targets. In the ood scenario, training,
        validation and test data come from different intervals of x; see `ood_intervals`.
    sampling : str or float, default "severe"
        A name from ``SAMPLINGS``, or s in (0, 1]: most points lie within ± s of the range of y
        around a peak that is drawn uniformly. In the ood scenario, it is drawn again until
        training, validation and test intervals all reach it.
    samples : int, default 65 115
        Samples, a third each for training, validation and test.
    noise : float, default 0.1
        Standard deviation of the noise, in units of y.
    overlap : float, default 0.25
        Overlap of the intervals of x in the ood scenario; see `ood_intervals`.

    Returns
    -------
    Data1D
        The data set.

    Raises
    ------
    UserError
        If an argument is out of range, or if no target is reached in all three parts of the ood
        scenario.

    References
    ----------
    Pintea, Lin, Dijkstra & van Gemert, "A step towards understanding why classification helps
    regression", ICCV 2023.

    Examples
    --------
    >>> data = make(FUNCTIONS[0], seed=0, sampling="severe", samples=600)
    >>> len(data.train), len(data.test)
    (200, 200)
    """
    width = _checked_width(scenario, sampling, samples, noise, overlap)
    n = samples // 3
    pools = _pools(function, seed, scenario, overlap if scenario == "ood" else 0.0)
    low, high = function.limits
    key = "uniform" if width is None else f"{width:.6g}"
    rng = _rng(function, seed, scenario, key, samples)
    peak = None if width is None else _peak(function, pools, rng)
    train, val = (_fill(pools[p], _counts(n, peak, width, low, high), rng) for p in _PARTS[:2])
    test_rng = _rng(function, seed, scenario, "test", samples)
    test = _fill(pools["test"], _counts(n, None, None, low, high), test_rng)
    sigma = noise if scenario == "noisy" else 0.0
    return Data1D(
        train=_observe(function, train, sigma, rng),
        val=_observe(function, val, sigma, rng),
        test=_observe(function, test, sigma, test_rng),
        function=function,
        peak=peak,
    )


def target_density(
    function: Function, peak: float | None, sampling: str | float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the density from which training targets are drawn, a step function.

    The samplings are defined over bins of y; neighbouring bins of the same density are joined.

    Parameters
    ----------
    function : Function
        The function.
    peak : float or None
        Peak of the training targets, as in `Data1D`; None for the uniform sampling.
    sampling : str or float
        Sampling, as in `make`.

    Returns
    -------
    edges : ndarray of shape (K + 1,)
        Edges of the steps, in units of y.
    levels : ndarray of shape (K,)
        Densities between the edges; they integrate to 1.

    Raises
    ------
    UserError
        If the sampling is out of range.
    """
    width = _checked_width("clean", sampling, SAMPLES, 0.0)
    low, high = function.limits
    share = _counts(1, peak, width if peak is not None else None, low, high)
    edges = np.linspace(low, high, Y_BINS + 1)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(share) != 0) + 1))
    return np.append(edges[starts], high), share[starts] * Y_BINS / (high - low)


def ood_intervals(function: Function, seed: int, overlap: float = OVERLAP) -> np.ndarray:
    """Return the nine intervals of x in the ood scenario.

    Intervals 1, 4 and 7 are for training, 2, 5 and 8 for validation, 3, 6 and 9 for test. As in the
    authors' published code, each interval of 2/9 is lengthened at its right end by a random length,
    so that it overlaps the next one: with the default, about 17% of the validation intervals and
    12% of the test intervals also belong to training intervals.

    Parameters
    ----------
    function : Function
        The function.
    seed : int
        Data seed.
    overlap : float, default 0.25
        Standard deviation of the half-normal lengths, as a share of 2/9; 0 for disjoint intervals.

    Returns
    -------
    ndarray of shape (9, 2)
        Left and right ends, from −1 to 1.

    Examples
    --------
    >>> ood_intervals(FUNCTIONS[0], seed=0, overlap=0.0)[-1].round(3).tolist()
    [0.778, 1.0]
    """
    cuts = np.linspace(-1, 1, 10)
    width = 2 / 9
    drawn = _rng(function, seed, "ood", "intervals").standard_normal(9)
    right = cuts[1:] + overlap * width * np.abs(drawn)
    return np.stack([cuts[:-1], np.minimum(right, 1.0)], axis=1)


def _checked_width(
    scenario: str, sampling: str | float, samples: int, noise: float, overlap: float = OVERLAP
) -> float | None:
    """Validate the arguments of `make`; return s of the sampling, None for uniform."""
    if scenario not in SCENARIOS:
        raise UserError(f"scenario must be one of {', '.join(SCENARIOS)}, not {scenario!r}")
    if samples < 6:
        raise UserError(f"samples must be at least 6, not {samples}")
    if not noise >= 0:
        raise UserError(f"noise must be 0 or more, not {noise}")
    if not 0 <= overlap <= 1:
        raise UserError(f"overlap must be from 0 to 1, not {overlap}")
    if isinstance(sampling, str):
        if sampling not in SAMPLINGS:
            raise UserError(
                f"sampling must be one of {', '.join(SAMPLINGS)} or a number above 0 and up to 1, "
                f"not {sampling!r}"
            )
        return IMBALANCE.get(sampling)
    if not 0 < sampling <= 1:
        raise UserError(f"sampling as a number must be above 0 and up to 1, not {sampling}")
    return float(sampling)


def _rng(function: Function, seed: int, *words: object) -> np.random.Generator:
    text = repr((round(function.A, 12), int(function.C), *words)).encode()
    return np.random.default_rng([zlib.crc32(text), int(seed) & 0xFFFFFFFF])


@dataclass(frozen=True)
class _Pool:
    """Candidates for x, sorted by y, and the start of each bin of y among them."""

    x: np.ndarray
    starts: np.ndarray


@lru_cache(maxsize=32)
def _pools(function: Function, seed: int, scenario: str, overlap: float) -> dict[str, _Pool]:
    x = _rng(function, seed, "pool").uniform(-1, 1, _POOL)
    if scenario != "ood":
        return dict.fromkeys(_PARTS, _pool(function, x))
    left, right = ood_intervals(function, seed, overlap).T
    inside = (x[:, None] >= left) & (x[:, None] <= right)
    return {
        part: _pool(function, x[inside[:, intervals].any(axis=1)])
        for part, intervals in _OOD_PARTS.items()
    }


def _pool(function: Function, x: np.ndarray) -> _Pool:
    y = function(x)
    order = np.argsort(y)
    edges = np.linspace(*function.limits, Y_BINS + 1)
    starts = np.searchsorted(y[order], edges[1:-1])
    return _Pool(x[order], np.concatenate(([0], starts, [len(x)])))


def _peak(function: Function, pools: dict[str, _Pool], rng: np.random.Generator) -> float:
    """Draw a peak over the range of y until all parts have candidates in its bin of y."""
    reached = np.all([np.diff(pool.starts) > 0 for pool in pools.values()], axis=0)
    if not reached.any():
        raise UserError(
            "no target of this function is reached in the training, validation and test intervals "
            "of x alike, so there is no peak to sample around; choose uniform sampling or a "
            "function with more waves"
        )
    low, high = function.limits
    while True:
        peak = float(rng.uniform(low, high))
        if reached[min(int((peak - low) / (high - low) * Y_BINS), Y_BINS - 1)]:
            return peak


def _counts(n: int, peak: float | None, width: float | None, low: float, high: float) -> np.ndarray:
    """Return how many of ``n`` points each bin of y gets, as fractional numbers."""
    if peak is None or width is None:
        return np.full(Y_BINS, n / Y_BINS)
    centres = low + (np.arange(Y_BINS) + 0.5) * (high - low) / Y_BINS
    distance = np.abs(centres - peak)
    # A peak narrower than a bin still fills the bin in which it lies.
    near = distance <= max(width * (high - low), distance.min())
    return n * (BACKGROUND / Y_BINS + (1 - BACKGROUND) * near / near.sum())


def _fill(pool: _Pool, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw x with replacement, ``counts[k]`` points (rounded) from bin k, in random order."""
    sizes = np.diff(pool.starts)
    n = round(counts.sum())
    # The share of bins that this part of the x-axis never reaches (ood) goes to the others.
    wanted = np.where(sizes > 0, counts, 0.0)
    steps = np.cumsum(wanted) * (n / wanted.sum())
    # With one random offset, fractions are rounded up at random but evenly spaced bins.
    edges = np.floor(steps + rng.uniform())
    edges[-1] = n
    whole = np.diff(np.concatenate(([0], np.minimum(edges, n)))).astype(int)
    bin_of = np.repeat(np.arange(Y_BINS), whole)
    bin_of = np.where(sizes[bin_of] > 0, bin_of, np.flatnonzero(sizes)[-1])
    take = pool.starts[bin_of] + (rng.uniform(size=len(bin_of)) * sizes[bin_of]).astype(int)
    return rng.permutation(pool.x[take])


def _observe(function: Function, x: np.ndarray, sigma: float, rng: np.random.Generator) -> Split:
    clean = function(x)
    return Split(x, clean + sigma * rng.standard_normal(len(x)) if sigma else clean, clean)
