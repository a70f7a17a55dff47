"""Data and settings of an ensemble's replicas, validated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from regcls.nn.spec import Network, Training


@dataclass(frozen=True)
class ReplicaData:
    """Training data of R replicas, N samples each; unused arrays are None.

    Attributes
    ----------
    x, y : ndarray of shape (R, N), float64
        Inputs and targets.
    labels : ndarray of shape (R, N) or None
        Classes of the targets.
    keep : ndarray of shape (R, C) or None
        Probability of keeping a label, by class.
    edges : ndarray of shape (R, C + 1) or None
        Class edges, for soft labels.
    """

    x: np.ndarray
    y: np.ndarray
    labels: np.ndarray | None = None
    keep: np.ndarray | None = None
    edges: np.ndarray | None = None

    def rows(self, part: np.ndarray) -> ReplicaData:
        """Return the data of some replicas.

        Parameters
        ----------
        part : ndarray of int
            Indices of the replicas.

        Returns
        -------
        ReplicaData
            Their data.
        """
        take = lambda array: None if array is None else array[part]
        return ReplicaData(
            self.x[part], self.y[part], take(self.labels), take(self.keep), take(self.edges)
        )


@dataclass(frozen=True)
class ReplicaSettings:
    """Settings in which R replicas may differ, each an array of shape (R,).

    Attributes
    ----------
    seeds : ndarray of int
        Seeds of the initial weights and of the order of the samples.
    lr : ndarray
        Learning rates.
    reg_weight : ndarray
        Weights of the regression loss: λ of reg+cls, the loss scale of reg.
    weight_decay : ndarray
        Weight decays.
    """

    seeds: np.ndarray
    lr: np.ndarray
    reg_weight: np.ndarray
    weight_decay: np.ndarray

    def rows(self, part: np.ndarray) -> ReplicaSettings:
        """Return the settings of some replicas.

        Parameters
        ----------
        part : ndarray of int
            Indices of the replicas.

        Returns
        -------
        ReplicaSettings
            Their settings.
        """
        return ReplicaSettings(
            self.seeds[part], self.lr[part], self.reg_weight[part], self.weight_decay[part]
        )


def check_data(
    network: Network,
    training: Training,
    x: ArrayLike,
    y: ArrayLike,
    labels: ArrayLike | None,
    keep: ArrayLike | None,
    edges: ArrayLike | None,
) -> ReplicaData:
    """Validate the training data of an ensemble.

    Parameters
    ----------
    network : Network
        Architecture.
    training : Training
        Training settings.
    x, y : array_like of shape (R, N)
        Inputs and targets.
    labels, keep, edges : array_like or None
        As in `ReplicaData`.

    Returns
    -------
    ReplicaData
        The arrays that this training uses.

    Raises
    ------
    ValueError
        If an array is missing, has the wrong shape or values out of range.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 2 or not x.size or x.shape != y.shape:
        raise ValueError(f"x and y must both be (R, N), not {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("x and y must be finite numbers")
    if x.shape[1] < training.batch:
        raise ValueError(
            f"batch must be at most {x.shape[1]}, the number of samples, not {training.batch}"
        )
    if not network.classes:
        return ReplicaData(x, y)
    soft = training.class_loss == "soft"
    return ReplicaData(
        x,
        y,
        labels=_labels(labels, x.shape, network.classes) if not soft or keep is not None else None,
        keep=None if keep is None else _keep(keep, len(x), network.classes),
        edges=_edges(edges, len(x), network.classes) if soft else None,
    )


def check_settings(
    replicas: int,
    seeds: Iterable[int],
    lr: ArrayLike,
    reg_weight: ArrayLike,
    weight_decay: ArrayLike,
) -> ReplicaSettings:
    """Validate the settings of an ensemble's replicas.

    Parameters
    ----------
    replicas : int
        Number of replicas R.
    seeds : iterable of R int
        Seeds.
    lr, reg_weight, weight_decay : float or array_like of shape (R,)
        Non-negative numbers, one for all replicas or one for each.

    Returns
    -------
    ReplicaSettings
        Arrays of shape (R,).

    Raises
    ------
    ValueError
        If a setting has the wrong length or values out of range.
    """
    return ReplicaSettings(
        _seeds(seeds, replicas),
        _per_replica("lr", lr, replicas),
        _per_replica("reg_weight", reg_weight, replicas),
        _per_replica("weight_decay", weight_decay, replicas),
    )


def _per_replica(name: str, value: ArrayLike, replicas: int) -> np.ndarray:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim > 1 or array.size not in (1, replicas):
        raise ValueError(f"{name} must be one number or {replicas}, one per replica")
    if not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"{name} must be 0 or more, not {value!r}")
    return np.broadcast_to(array.ravel(), (replicas,)).copy()


def _seeds(seeds: Iterable[int], replicas: int) -> np.ndarray:
    array = np.asarray(list(seeds))
    if array.shape != (replicas,) or array.dtype.kind not in "iu" or (array < 0).any():
        raise ValueError(f"seeds must be {replicas} whole numbers of 0 or more, one per replica")
    return array


def _shaped(name: str, array: ArrayLike | None, shape: tuple[int, ...], axes: str) -> np.ndarray:
    if array is None or np.shape(array) != shape:
        found = "None" if array is None else np.shape(array)
        raise ValueError(f"{name} must be {axes} = {shape}, not {found}")
    return np.asarray(array)


def _edges(edges: ArrayLike | None, replicas: int, classes: int) -> np.ndarray:
    array = _shaped("edges", edges, (replicas, classes + 1), "(R, C+1)")
    if not (np.isfinite(array).all() and (np.diff(array) > 0).all()):
        raise ValueError("edges must be finite and strictly ascending")
    return array


def _keep(keep: ArrayLike, replicas: int, classes: int) -> np.ndarray:
    array = _shaped("keep", keep, (replicas, classes), "(R, C)")
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError("keep must contain probabilities from 0 to 1")
    return array


def _labels(labels: ArrayLike | None, shape: tuple[int, ...], classes: int) -> np.ndarray:
    array = _shaped("labels", labels, shape, "(R, N)")
    if array.dtype.kind not in "iu" or not 0 <= array.min() <= array.max() < classes:
        raise ValueError(f"labels must be whole numbers from 0 to {classes - 1}")
    return array
