"""Depth metrics and shots."""

from __future__ import annotations

import numpy as np

# NYUD2-DIR's shots over 0.1 m buckets (Yang et al., ICML 2021); all others are few.
_MANY = {*range(9, 46), 47, 49}
_MEDIUM = {7, 8, 46, 48, *range(50, 57), 58, 60, 61, 63}
BUCKET = 0.1  # metres
# Their limits for shots, as shares of all training pixels (26 and 10 million of 878 million).
MANY_SHARE, FEW_SHARE = 2.6e7 / 8.78e8, 1.0e7 / 8.78e8


def metrics(truth: np.ndarray, answer: np.ndarray) -> dict[str, float]:
    """RMSE, MAE (metres), AbsRel, log10 and δ1 to δ3 of depths in metres, all above 0.

    As Eigen, Puhrsch, Fergus (NIPS 2014) define them. Raises ``ValueError`` where none is known.
    """
    if not len(truth):
        raise ValueError("there is no known depth to compare with")
    sums = metric_columns(truth, answer).mean(axis=1)
    return dict(zip(METRICS, [np.sqrt(sums[0]), *sums[1:]], strict=True))


METRICS = ("rmse", "mae", "abs_rel", "log10", "delta1", "delta2", "delta3")


def metric_columns(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """(7, n): what each pixel adds to the means behind ``METRICS``; the first is squared."""
    truth, answer = (np.asarray(a, np.float64) for a in (truth, answer))
    error = np.abs(answer - truth)
    ratio = np.maximum(answer / truth, truth / answer)
    close = [ratio < 1.25**power for power in (1, 2, 3)]
    return np.stack([error**2, error, error / truth, np.abs(np.log10(answer / truth)), *close])


def nyud2_dir_shots(metres: np.ndarray) -> np.ndarray:
    """ "many", "medium" or "few" for each depth, by the bucket lists of NYUD2-DIR."""
    bucket = np.minimum((np.asarray(metres) / BUCKET).astype(int), 99)
    names = np.array(
        ["many" if b in _MANY else "medium" if b in _MEDIUM else "few" for b in range(100)]
    )
    return names[bucket]


def own_shots(counts: np.ndarray) -> np.ndarray:
    """Shots of our own buckets (K,) by their training pixels, with NYUD2-DIR's shares as limits."""
    share = np.asarray(counts) / np.sum(counts)
    return np.where(share > MANY_SHARE, "many", np.where(share < FEW_SHARE, "few", "medium"))
