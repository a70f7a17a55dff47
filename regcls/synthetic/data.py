"""The 1D experiments of Pintea et al. (ICCV 2023): functions, scenarios, samplings → arrays."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

SAMPLINGS = ("uniform", "mild", "moderate", "severe")
SCENARIOS = ("clean", "noisy", "ood")
IMBALANCE = {"mild": 0.3, "moderate": 0.1, "severe": 0.03}
Y_BINS = 1024  # the samplings are defined over this many bins of y
BACKGROUND = 5 * Y_BINS / 60_000  # share of points that cover the whole range: 5 a bin of 60 000
_POOL = 1 << 18  # candidate x from which the bins are filled
_OOD_PARTS = {"train": (0, 3, 6), "val": (1, 4, 7), "test": (2, 5, 8)}
_PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Function:
    """f(x) = A sin(Cx) + B sin(Dx) on [-1, 1], with B = 1.5 - A and D = ⌊C/3⌋.

    >>> float(Function(A=0.5, C=9)(np.array([0.0]))[0])
    0.0
    """

    A: float
    C: int

    def __post_init__(self):
        if not 0 <= self.A <= 1.5:
            raise ValueError(f"A must be between 0 and 1.5, not {self.A}")
        if self.C < 1 or int(self.C) != self.C:
            raise ValueError(f"C must be a whole number from 1 up, not {self.C}")

    @property
    def B(self) -> float:
        return 1.5 - self.A

    @property
    def D(self) -> int:
        return int(self.C) // 3

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values at ``x`` (any shape)."""
        return self.A * np.sin(self.C * x) + self.B * np.sin(self.D * x)

    @property
    def limits(self) -> tuple[float, float]:
        """Least and greatest value over [-1, 1]."""
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
    """``x``, ``y`` and the noise-free ``y_clean``, each float64 (N,)."""

    x: np.ndarray
    y: np.ndarray
    y_clean: np.ndarray

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Data1D:
    """Train and validation as sampled; test always sampled uniformly. ``peak``: μ, None if uniform."""

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
    samples: int = 60_000,
    noise: float = 0.1,
) -> Data1D:
    """One data set of the paper's protocol; the same arguments give the same arrays.

    ``sampling`` is a name, or s in (0, 1]: most points lie within ± s of the range of y around a
    peak drawn uniformly. ``samples`` are dealt in thirds to train, validation and test. The noisy
    scenario adds N(0, ``noise``²) to all targets (``y_clean`` stays free of it); ood gives the
    three parts disjoint intervals of x. Raises ``ValueError`` naming the argument.

    >>> data = make(FUNCTIONS[0], seed=0, sampling="severe", samples=600)
    >>> len(data.train), len(data.test)
    (200, 200)
    """
    width = _checked_width(scenario, sampling, samples, noise)
    n = samples // 3
    pools = _pools(function, seed, scenario)
    low, high = function.limits
    key = "uniform" if width is None else f"{width:.6g}"
    rng = _rng(function, seed, scenario, key, samples)
    peak = None if width is None else float(rng.uniform(low, high))
    train, val = (_fill(pools[p], _counts(n, peak, width, low, high), rng) for p in _PARTS[:2])
    test_rng = _rng(function, seed, scenario, "test", samples)
    test = _fill(pools["test"], _counts(n, None, None, low, high), test_rng)
    sigma = noise if scenario == "noisy" else 0.0
    split = [
        _observe(function, x, sigma, r) for x, r in ((train, rng), (val, rng), (test, test_rng))
    ]
    return Data1D(*split, function, peak)


def target_density(
    function: Function, peak: float | None, sampling: str | float
) -> tuple[np.ndarray, np.ndarray]:
    """The density that training targets are drawn from: edges (K+1,) and levels (K,), integral 1.

    It is flat between the edges: the samplings are defined over bins of y, and neighbours on one
    level are joined. ``peak`` as in ``Data1D``; None is the uniform sampling.
    """
    width = _checked_width("clean", sampling, 60_000, 0.0)
    low, high = function.limits
    share = _counts(1, peak, width if peak is not None else None, low, high)
    edges = np.linspace(low, high, Y_BINS + 1)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(share) != 0) + 1))
    return np.append(edges[starts], high), share[starts] * Y_BINS / (high - low)


def make_many(function: Function, seeds: Iterable[int], *args, **kwargs) -> list[Data1D]:
    """``make`` for several data seeds."""
    return [make(function, seed, *args, **kwargs) for seed in seeds]


def ood_cuts(function: Function, seed: int) -> np.ndarray:
    """The ten ends (ascending, in x) of the nine intervals of the ood scenario, inner ones jittered."""
    rng = _rng(function, seed, "ood", "cuts", 0)
    cuts = np.linspace(-1, 1, 10)
    cuts[1:-1] += rng.uniform(-0.1, 0.1, 8) * 2 / 9
    return cuts


def _checked_width(scenario, sampling, samples, noise) -> float | None:
    if scenario not in SCENARIOS:
        raise ValueError(f"scenario must be one of {SCENARIOS}, not {scenario!r}")
    if samples < 6:
        raise ValueError(f"samples must be at least 6, not {samples}")
    if not noise >= 0:
        raise ValueError(f"noise must be 0 or more, not {noise}")
    if isinstance(sampling, str):
        if sampling not in SAMPLINGS:
            raise ValueError(
                f"sampling must be one of {SAMPLINGS} or a number in (0, 1], not {sampling!r}"
            )
        return IMBALANCE.get(sampling)
    if not 0 < sampling <= 1:
        raise ValueError(f"sampling as a number must lie in (0, 1], not {sampling}")
    return float(sampling)


def _rng(function: Function, seed: int, *words) -> np.random.Generator:
    text = repr((round(function.A, 12), int(function.C), *words)).encode()
    return np.random.default_rng([zlib.crc32(text), int(seed) & 0xFFFFFFFF])


@dataclass(frozen=True)
class _Pool:
    """Candidate x sorted by y, and where each of the 1024 bins of y starts among them."""

    x: np.ndarray
    starts: np.ndarray


@lru_cache(maxsize=32)
def _pools(function: Function, seed: int, scenario: str) -> dict[str, _Pool]:
    x = _rng(function, seed, "pool").uniform(-1, 1, _POOL)
    if scenario != "ood":
        return dict.fromkeys(_PARTS, _pool(function, x))
    interval = np.searchsorted(ood_cuts(function, seed)[1:-1], x, side="right")
    return {p: _pool(function, x[np.isin(interval, _OOD_PARTS[p])]) for p in _PARTS}


def _pool(function: Function, x: np.ndarray) -> _Pool:
    y = function(x)
    order = np.argsort(y)
    edges = np.linspace(*function.limits, Y_BINS + 1)
    starts = np.searchsorted(y[order], edges[1:-1])
    return _Pool(x[order], np.concatenate(([0], starts, [len(x)])))


def _counts(n: int, peak: float | None, width: float | None, low: float, high: float) -> np.ndarray:
    """How many of ``n`` points each bin of y gets, as even as whole numbers can be."""
    if peak is None:
        return np.full(Y_BINS, n / Y_BINS)
    centres = low + (np.arange(Y_BINS) + 0.5) * (high - low) / Y_BINS
    distance = np.abs(centres - peak)
    # A peak narrower than a bin still fills the bin it lies in.
    near = distance <= max(width * (high - low), distance.min())
    return n * (BACKGROUND / Y_BINS + (1 - BACKGROUND) * near / near.sum())


def _fill(pool: _Pool, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw x with replacement so that bin k gets ``counts[k]`` points (rounded), shuffled."""
    sizes = np.diff(pool.starts)
    n = round(counts.sum())
    # Bins that this part of the x-axis never reaches (ood) leave their share to the others.
    wanted = np.where(sizes > 0, counts, 0.0)
    if not wanted.sum():
        wanted = (sizes > 0).astype(float)
    steps = np.cumsum(wanted) * (n / wanted.sum())
    # One random offset: what is left of a whole number is dealt evenly, at random places.
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
