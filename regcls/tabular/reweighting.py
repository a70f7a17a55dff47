"""Sample weights for rare targets: inverse frequency and label distribution smoothing (LDS).

All follow the published code of Yang et al., "Delving into Deep Imbalanced Regression" (DIR, ICML
2021). Weights are normalised to mean 1, so that the loss keeps its scale.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

BINS = 50  # of the target histogram
LDS_SIZE, LDS_SIGMA = 5, 2.0  # kernel of LDS: defaults of DIR
# DIR clips the counts of the inverse variant, so that no sample weighs more than 200 times another.
COUNT_LIMITS = (5, 1000)
VARIANTS = ("inverse", "sqrt-inverse")


def inverse(y: np.ndarray, variant: str = "inverse", bins: int = BINS) -> np.ndarray:
    """Return weights proportional to the inverse frequency of the target.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets.
    variant : {"inverse", "sqrt-inverse"}, default "inverse"
        Inverse of the count, clipped to ``COUNT_LIMITS``, or of its square root.
    bins : int
        Number of histogram bins of equal width.

    Returns
    -------
    ndarray of shape (n,)
        1 / damped count of the target's bin, normalised to mean 1.

    References
    ----------
    Yang et al., "Delving into Deep Imbalanced Regression", ICML 2021, §4: the baselines "INV" and
    "SQINV".

    Examples
    --------
    >>> inverse(np.repeat([0.0, 1.0], [40, 10]), bins=2)[[0, -1]].tolist()
    [0.625, 2.5]
    """
    index, counts = _histogram(y, bins)
    return _normalised(1 / damped(counts, variant)[index])


def lds(y: np.ndarray, variant: str = "sqrt-inverse", bins: int = BINS) -> np.ndarray:
    """Return weights from label distribution smoothing (LDS).

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets.
    variant : {"sqrt-inverse", "inverse"}, default "sqrt-inverse"
        How counts are damped before they are smoothed; the default is that of DIR's authors.
    bins : int
        Number of histogram bins of equal width.

    Returns
    -------
    ndarray of shape (n,)
        1 / smoothed damped count of the target's bin, normalised to mean 1.

    References
    ----------
    Yang et al., "Delving into Deep Imbalanced Regression", ICML 2021, §3.1.

    Examples
    --------
    >>> lds(np.repeat([0.0, 1.0], [36, 4]), bins=2)[[0, -1]].round(3).tolist()
    [0.997, 1.025]
    """
    index, counts = _histogram(y, bins)
    return _normalised(1 / smoothed(damped(counts, variant))[index])


def damped(counts: np.ndarray, variant: str) -> np.ndarray:
    """Return counts as DIR inverts them.

    Parameters
    ----------
    counts : ndarray of shape (K,)
        Histogram.
    variant : {"inverse", "sqrt-inverse"}
        Counts clipped to ``COUNT_LIMITS``, or their square roots.

    Returns
    -------
    ndarray of shape (K,)
        Damped counts.

    Raises
    ------
    ValueError
        If the variant is unknown.

    Examples
    --------
    >>> damped(np.array([1.0, 100, 5000]), "inverse").tolist()
    [5.0, 100.0, 1000.0]
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, not {variant!r}")
    return np.sqrt(counts) if variant == "sqrt-inverse" else np.clip(counts, *COUNT_LIMITS)


def lds_kernel(size: int = LDS_SIZE, sigma: float = LDS_SIGMA) -> np.ndarray:
    """Return the kernel of LDS.

    As in DIR's code, it is a unit impulse that a Gaussian filter with reflecting ends has smoothed,
    divided by its maximum. It is therefore wider than a Gaussian.

    Parameters
    ----------
    size : int
        Width in bins; odd.
    sigma : float
        Standard deviation of the Gaussian in bins.

    Returns
    -------
    ndarray of shape (size,)
        Kernel with maximum 1.

    Raises
    ------
    ValueError
        If ``size`` is even or below 1.

    Examples
    --------
    >>> lds_kernel().round(3).tolist()
    [0.858, 0.946, 1.0, 0.946, 0.858]
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size must be odd and at least 1, not {size}")
    impulse = np.zeros(size)
    impulse[size // 2] = 1.0
    kernel = ndimage.gaussian_filter1d(impulse, sigma)
    return kernel / kernel.max()


def smoothed(counts: np.ndarray) -> np.ndarray:
    """Convolve a histogram with the kernel of LDS.

    Parameters
    ----------
    counts : ndarray of shape (K,)
        Histogram; zero beyond its ends, as in DIR's code.

    Returns
    -------
    ndarray of shape (K,)
        Smoothed histogram.

    Examples
    --------
    >>> smoothed(np.array([0.0, 0, 1, 0, 0])).round(3).tolist()
    [0.858, 0.946, 1.0, 0.946, 0.858]
    """
    return ndimage.convolve1d(np.asarray(counts, np.float64), lds_kernel(), mode="constant")


def _histogram(y: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the bin of each target (n,) and the counts (K,) of all bins."""
    y = np.asarray(y, np.float64)
    edges = np.linspace(y.min(), y.max(), bins + 1)
    index = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, bins - 1)
    return index, np.bincount(index, minlength=bins).astype(np.float64)


def _normalised(weights: np.ndarray) -> np.ndarray:
    return weights / weights.mean()
