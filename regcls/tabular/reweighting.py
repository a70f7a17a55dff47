"""Sample weights for rare targets: inverse frequency and label distribution smoothing.

Weights are normalised to mean 1, so that the loss keeps its scale.
"""

from __future__ import annotations

import numpy as np

BINS = 50  # of the target histogram
LDS_SIZE, LDS_SIGMA = 5, 2.0  # kernel of label distribution smoothing: defaults of its authors


def inverse(y: np.ndarray, power: float = 1.0, bins: int = BINS) -> np.ndarray:
    """Return weights proportional to the inverse frequency of the target.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets.
    power : float
        Exponent of the inverse frequency; 0.5 gives square-root weights.
    bins : int
        Number of histogram bins of equal width.

    Returns
    -------
    ndarray of shape (n,)
        1 / count(bin of y)^``power``, normalised to mean 1.

    References
    ----------
    Yang et al., "Delving into Deep Imbalanced Regression", ICML 2021, §4: the baselines "INV" and
    "SQINV".

    Examples
    --------
    >>> inverse(np.array([0.0, 0, 0, 1]), bins=2).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    index, counts = _histogram(y, bins)
    return _normalised(1 / counts[index] ** power)


def lds(
    y: np.ndarray, bins: int = BINS, size: int = LDS_SIZE, sigma: float = LDS_SIGMA
) -> np.ndarray:
    """Return weights from label distribution smoothing (LDS).

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets.
    bins : int
        Number of histogram bins of equal width.
    size : int
        Width of the kernel in bins; odd.
    sigma : float
        Standard deviation of the Gaussian kernel in bins.

    Returns
    -------
    ndarray of shape (n,)
        1 / smoothed count of the target's bin, normalised to mean 1.

    References
    ----------
    Yang et al., "Delving into Deep Imbalanced Regression", ICML 2021, §3.1.

    Examples
    --------
    >>> lds(np.array([0.0, 0, 0, 1]), bins=2, size=3, sigma=1.0).round(3).tolist()
    [0.935, 0.935, 0.935, 1.196]
    """
    index, counts = _histogram(y, bins)
    return _normalised(1 / smoothed(counts, size, sigma)[index])


def smoothed(counts: np.ndarray, size: int = LDS_SIZE, sigma: float = LDS_SIGMA) -> np.ndarray:
    """Convolve a histogram with the Gaussian kernel of LDS.

    As in the authors' code, the kernel's maximum is 1 and the histogram is padded with zeros.

    Parameters
    ----------
    counts : ndarray of shape (K,)
        Histogram.
    size : int
        Width of the kernel in bins; odd.
    sigma : float
        Standard deviation of the kernel in bins.

    Returns
    -------
    ndarray of shape (K,)
        Smoothed histogram.

    Raises
    ------
    ValueError
        If ``size`` is even or below 1.

    Examples
    --------
    >>> smoothed(np.array([0.0, 1, 0]), size=3, sigma=1.0).round(3)
    array([0.607, 1.   , 0.607])
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size must be odd and at least 1, not {size}")
    offsets = np.arange(size) - size // 2
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    padded = np.pad(np.asarray(counts, np.float64), size // 2)
    return np.convolve(padded, kernel, mode="valid")


def _histogram(y: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the bin of each target (n,) and the counts (K,) of all bins."""
    y = np.asarray(y, np.float64)
    edges = np.linspace(y.min(), y.max(), bins + 1)
    index = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, bins - 1)
    return index, np.bincount(index, minlength=bins).astype(np.float64)


def _normalised(weights: np.ndarray) -> np.ndarray:
    return weights / weights.mean()
