"""Ensemble of small MLPs, reg or reg+cls, trained at once and without autograd.

The replicas are split into one shard per core, and each shard trains on a thread of its own.

Training is deterministic on one machine: a seed gives the same weights bit for bit, however the
steps are sliced and whatever else the process does. Rounding may differ with another processor or
number of cores.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike

from regcls.nn.layout import SLOW_CLASSES, Layout, block_rows
from regcls.nn.replicas import check_data, check_settings
from regcls.nn.shard import Shard
from regcls.nn.spec import Network, Training, is_whole
from regcls.nn.threads import one_core_pool
from regcls.utils.cpu import cores

_T = TypeVar("_T")


class Ensemble:
    """R networks of one architecture, trained side by side on their own data and settings.

    A replica minimises ``reg_weight`` · L_reg, to which reg+cls adds the cross-entropy of the
    classes. Initial weights and the order of the samples follow from the seed alone, so that they
    are the same for reg and reg+cls.

    Parameters
    ----------
    network : Network
        Architecture of all replicas.
    training : Training
        Training settings of all replicas.
    x, y : ndarray of shape (R, N)
        Inputs and targets of each replica.
    labels : ndarray of shape (R, N), optional
        Classes of the targets; reg+cls needs them for hard labels and with ``keep``.
    keep : ndarray of shape (R, C), optional
        Probability that a sample of a class keeps its label, drawn anew in each epoch. The
        cross-entropy ignores labels that are not kept.
    edges : ndarray of shape (R, C + 1), optional
        Class edges; reg+cls needs them for soft labels.
    seeds : iterable of R int, default (0,)
        Seeds of initial weights and shuffling.
    lr : float or ndarray of shape (R,), default 1e-3
        Learning rate.
    reg_weight : float or ndarray of shape (R,), default 1
        Weight of the regression loss: λ of reg+cls, the loss scale of reg.
    weight_decay : float or ndarray of shape (R,), default 1e-3
        Weight decay.

    Raises
    ------
    ValueError
        If an argument has the wrong shape or values out of range.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 512)[None]
    >>> reg = Ensemble(Network(), Training(), x, np.sin(3 * x), seeds=[0], lr=1e-2)
    >>> reg.train_epoch()
    >>> reg.predict(np.array([0.0, 0.5])).shape
    (1, 2)
    """

    def __init__(
        self,
        network: Network,
        training: Training,
        x: np.ndarray,
        y: np.ndarray,
        *,
        labels: np.ndarray | None = None,
        keep: np.ndarray | None = None,
        edges: np.ndarray | None = None,
        seeds: Iterable[int] = (0,),
        lr: ArrayLike = 1e-3,
        reg_weight: ArrayLike = 1.0,
        weight_decay: ArrayLike = 1e-3,
    ):
        self.network, self.training = network, training
        data = check_data(network, training, x, y, labels, keep, edges)
        self.replicas, self.samples = data.x.shape
        settings = check_settings(self.replicas, seeds, lr, reg_weight, weight_decay)
        parts = np.array_split(np.arange(self.replicas), _shard_count(training, self.replicas))
        self._shards = [
            Shard(network, training, data.rows(part), settings.rows(part)) for part in parts
        ]

    @property
    def steps_per_epoch(self) -> int:
        """Full batches per epoch; the last short one is dropped."""
        return self.samples // self.training.batch

    @property
    def step(self) -> int:
        """Number of steps trained so far."""
        return self._shards[0].step

    @property
    def epoch(self) -> int:
        """Number of completed epochs."""
        return self.step // self.steps_per_epoch

    @property
    def losses(self) -> dict[str, np.ndarray]:
        """Mean training losses "reg" and "cls", each (R,), over the epoch so far or the last one."""
        parts = [shard.mean_losses() for shard in self._shards]
        return {name: np.concatenate([part[name] for part in parts]) for name in ("reg", "cls")}

    def advance(self, steps: int) -> None:
        """Train for some steps; how training is sliced does not change the outcome.

        Parameters
        ----------
        steps : int
            Number of steps.

        Raises
        ------
        ValueError
            If ``steps`` is negative.
        """
        if steps < 0:
            raise ValueError(f"steps must be 0 or more, not {steps}")
        self._map_shards(lambda shard: shard.advance(steps))

    def train_epoch(self) -> None:
        """Train to the end of the current epoch."""
        self.advance(self.steps_per_epoch - self.step % self.steps_per_epoch)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the predictions of the regression head.

        Parameters
        ----------
        x : ndarray of shape (M,) or (R, M)
            Inputs, for all replicas or for each.

        Returns
        -------
        ndarray of shape (R, M)
            Predictions, in target units.

        Raises
        ------
        ValueError
            If ``x`` has another shape.
        """
        return self._evaluate(x, Shard.values)

    def class_probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities of the class head.

        Parameters
        ----------
        x : ndarray of shape (M,) or (R, M)
            Inputs, for all replicas or for each.

        Returns
        -------
        ndarray of shape (R, M, C)
            Probabilities; they sum to 1 over the classes.

        Raises
        ------
        ValueError
            If ``x`` has another shape, or for reg, which has no class head.
        """
        if not self.network.classes:
            raise ValueError("a reg network has no class head")
        return self._evaluate(x, Shard.probabilities)

    def parameters_of(self, replica: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the weights and biases of one replica.

        Parameters
        ----------
        replica : int
            Index of the replica, from 0.

        Returns
        -------
        list of (weight, bias)
            Arrays of shapes (out, in) and (out,) of each hidden layer, the regression head and, for
            reg+cls, the class head.

        Raises
        ------
        ValueError
            If there is no such replica.
        """
        if not is_whole(replica, 0) or replica >= self.replicas:
            raise ValueError(f"replica must be from 0 to {self.replicas - 1}, not {replica}")
        for shard in self._shards:
            if replica < shard.replicas:
                break
            replica -= shard.replicas
        return shard.parameters_of(replica)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the state from which training can be resumed exactly.

        Returns
        -------
        dict of str to Tensor
            Step, weights, optimiser state and running losses. The order of the samples is not
            included: it follows from the seeds.
        """
        states = [shard.state for shard in self._shards]
        joined = {name: torch.cat([s[name] for s in states]).cpu() for name in states[0]}
        return {"step": torch.tensor(self.step)} | joined

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Resume from a state of an ensemble that was created with the same arguments.

        Parameters
        ----------
        state : mapping of str to Tensor
            Result of `state_dict`.

        Raises
        ------
        ValueError
            If a tensor is missing or has another shape.
        """
        ends = np.cumsum([shard.replicas for shard in self._shards]).tolist()
        for name, own in self.state_dict().items():
            if name not in state or state[name].shape != own.shape:
                raise ValueError(f"state must contain {name} of shape {tuple(own.shape)}")
        for shard, start, end in zip(self._shards, [0, *ends], ends, strict=False):
            for name, tensor in shard.state.items():
                tensor.copy_(state[name][start:end])
            shard.step, shard.shuffled_epoch = int(state["step"]), -1

    @staticmethod
    def estimate_memory(network: Network, training: Training, replicas: int, samples: int) -> int:
        """Estimate the peak memory of an ensemble, without torch itself.

        Parameters
        ----------
        network : Network
            Architecture.
        training : Training
            Training settings.
        replicas : int
            Number of replicas.
        samples : int
            Training samples of each replica.

        Returns
        -------
        int
            Bytes.
        """
        size = 4 if training.dtype == "float32" else 8
        classes, batch = network.classes, training.batch
        per_step = batch * (3 * sum(network.hidden, 2) + min(classes, 2 * SLOW_CLASSES))
        # Data as given and in visiting order, and the order itself.
        data = samples * (4 * size + (24 if classes else 8))
        total = replicas * ((5 * Layout(network).size + per_step) * size + data)
        if classes:
            threads = _shard_count(training, replicas)
            rows = block_rows(network, training, -(-replicas // threads))
            copies = 4 if training.class_loss == "soft" else 1
            total += threads * copies * rows * batch * classes * size
        return total

    def _evaluate(
        self, x: np.ndarray, function: Callable[[Shard, np.ndarray], np.ndarray]
    ) -> np.ndarray:
        x = np.asarray(x, dtype=np.float64)
        if x.ndim == 1:
            x = np.broadcast_to(x, (self.replicas, len(x)))
        if x.ndim != 2 or len(x) != self.replicas:
            raise ValueError(f"x must be (M,) or ({self.replicas}, M), not {x.shape}")
        ends = np.cumsum([shard.replicas for shard in self._shards])[:-1]
        return np.concatenate(list(_pool().map(function, self._shards, np.split(x, ends))))

    def _map_shards(self, function: Callable[[Shard], _T]) -> list[_T]:
        return list(_pool().map(function, self._shards))


_pool_lock = threading.Lock()
_pools: list[ThreadPoolExecutor] = []
_thread_limit: list[int] = []


def use_threads(count: int) -> None:
    """Limit the threads that all ensembles of this process share.

    For one of several processes on a machine. It has no effect after the first ensemble has been
    created.

    Parameters
    ----------
    count : int
        Number of threads.
    """
    _thread_limit[:] = [count]


def _threads() -> int:
    return _thread_limit[0] if _thread_limit else cores()


def _shard_count(training: Training, replicas: int) -> int:
    return min(_threads(), replicas) if training.device == "cpu" else 1


def _pool() -> ThreadPoolExecutor:
    """Return the thread pool of the process, one thread per core."""
    with _pool_lock:
        if not _pools:
            _pools.append(one_core_pool(_threads(), "ensemble"))
        return _pools[0]
