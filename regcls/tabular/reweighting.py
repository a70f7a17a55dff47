"""Remedies for rare targets that change a sample's weight; each from its paper.

Sample weights have mean 1, so that the loss keeps its scale.
"""

from __future__ import annotations

import numpy as np

BINS = 50  # of the histogram that the weights come from
LDS_SIZE, LDS_SIGMA = 5, 2.0  # kernel of label distribution smoothing: the authors' defaults


def inverse(y: np.ndarray, power: float = 1.0, bins: int = BINS) -> np.ndarray:
    """Weights (n,) in proportion to 1 / count(bin of y)^``power``; 0.5 is the square root.

    The two baselines "INV" and "SQINV" of Yang et al., "Delving into Deep Imbalanced Regression",
    ICML 2021, §4.

    >>> inverse(np.array([0.0, 0, 0, 1]), bins=2).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    which, counts = _histogram(y, bins)
    return _normalised(1 / counts[which] ** power)


def lds(
    y: np.ndarray, bins: int = BINS, size: int = LDS_SIZE, sigma: float = LDS_SIGMA
) -> np.ndarray:
    """Weights (n,) in proportion to 1 / smoothed count: label distribution smoothing.

    Yang et al., ICML 2021, §3.1: the histogram of targets is convolved with a symmetric Gaussian
    kernel of ``size`` bins and width ``sigma`` bins, and its inverse weighs the loss. As in the
    authors' code the kernel's greatest value is 1 and the histogram's ends count as empty beyond.
    """
    which, counts = _histogram(y, bins)
    return _normalised(1 / smoothed(counts, size, sigma)[which])


def smoothed(counts: np.ndarray, size: int = LDS_SIZE, sigma: float = LDS_SIGMA) -> np.ndarray:
    """``counts`` (K,) convolved with the Gaussian kernel of LDS; ``size`` must be odd."""
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size must be odd and at least 1, not {size}")
    offsets = np.arange(size) - size // 2
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    padded = np.pad(np.asarray(counts, np.float64), size // 2)
    return np.convolve(padded, kernel, mode="valid")


def _histogram(y: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Bin of each target (n,), and the counts (K,) of all equally wide bins."""
    y = np.asarray(y, np.float64)
    edges = np.linspace(y.min(), y.max(), bins + 1)
    which = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, bins - 1)
    return which, np.bincount(which, minlength=bins).astype(np.float64)


def _normalised(weights: np.ndarray) -> np.ndarray:
    return weights / weights.mean()
