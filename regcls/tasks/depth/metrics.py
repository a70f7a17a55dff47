"""Metrics of depth maps, and shots: depth ranges by the amount of training data."""

from __future__ import annotations

import numpy as np

from regcls.exceptions import UserError

METRICS = ("rmse", "mae", "abs_rel", "log10", "delta1", "delta2", "delta3")
BUCKET = 0.1  # metres

# Numbers of NYUD2-DIR's buckets with many and medium shots; all others have few.
_MANY = {*range(9, 46), 47, 49}
_MEDIUM = {7, 8, 46, 48, *range(50, 57), 58, 60, 61, 63}
# NYUD2-DIR's limits as shares of all training pixels (26 and 10 million of 878 million).
MANY_SHARE, FEW_SHARE = 2.6e7 / 8.78e8, 1.0e7 / 8.78e8


def metrics(truth: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """Compute the metrics of depth estimation.

    Parameters
    ----------
    truth, prediction : ndarray, shape (n,)
        True and predicted depths in metres, all positive.

    Returns
    -------
    dict of str to float
        RMSE and MAE in metres; AbsRel, log10 and the accuracies δ1, δ2 and δ3 without unit.

    Raises
    ------
    UserError
        If there is no pixel.

    References
    ----------
    Eigen, Puhrsch, Fergus: Depth map prediction from a single image using a multi-scale deep
    network, NIPS 2014.

    Examples
    --------
    >>> found = metrics(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    >>> found["mae"], found["abs_rel"], found["delta1"]
    (0.5, 0.25, 0.5)
    """
    if not len(truth):
        raise UserError("there is no pixel with a known depth to compare with")
    means = metric_columns(truth, prediction).mean(axis=1)
    means[0] = np.sqrt(means[0])
    return dict(zip(METRICS, means.tolist(), strict=True))


def metric_columns(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return what each pixel contributes to the means of `METRICS`.

    Parameters
    ----------
    truth, prediction : ndarray, shape (n,)
        True and predicted depths in metres, all positive.

    Returns
    -------
    ndarray, shape (7, n)
        Contributions; that to the RMSE is the squared error.
    """
    truth, prediction = (np.asarray(a, np.float64) for a in (truth, prediction))
    error = np.abs(prediction - truth)
    ratio = np.maximum(prediction / truth, truth / prediction)
    close = [ratio < 1.25**power for power in (1, 2, 3)]
    return np.stack([error**2, error, error / truth, np.abs(np.log10(prediction / truth)), *close])


def nyud2_dir_shots(metres: np.ndarray) -> np.ndarray:
    """Return the shot of each depth, by the lists of NYUD2-DIR.

    Parameters
    ----------
    metres : ndarray, shape (n,)
        Depths in metres.

    Returns
    -------
    ndarray of str, shape (n,)
        "many", "medium" or "few".

    References
    ----------
    Yang, Zha, Chen, Wang, Katabi: Delving into deep imbalanced regression, ICML 2021.

    Examples
    --------
    >>> nyud2_dir_shots(np.array([0.75, 2.0, 9.9])).tolist()
    ['medium', 'many', 'few']
    """
    bucket = np.minimum((np.asarray(metres) / BUCKET).astype(int), 99)
    names = np.array(
        ["many" if b in _MANY else "medium" if b in _MEDIUM else "few" for b in range(100)]
    )
    return names[bucket]


def own_shots(counts: np.ndarray) -> np.ndarray:
    """Return the shot of each bucket of our training set, with the limits of NYUD2-DIR.

    Parameters
    ----------
    counts : ndarray, shape (K,)
        Training pixels per bucket.

    Returns
    -------
    ndarray of str, shape (K,)
        "many", "medium" or "few", by the share of all training pixels.

    Examples
    --------
    >>> own_shots(np.array([960, 20, 5])).tolist()
    ['many', 'medium', 'few']
    """
    share = np.asarray(counts) / np.sum(counts)
    return np.where(share > MANY_SHARE, "many", np.where(share < FEW_SHARE, "few", "medium"))
