"""Many small MLPs trained at once, reg or reg+cls, without autograd.

The replicas are dealt to one shard a core (``ensemble_shard``), each of which runs its own steps on
its own thread.

Deterministic on one machine: a seed gives the same weights bit for bit, however steps are sliced
and whatever else the process does. Another processor or number of cores may round differently.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from regcls.nn.layout import SLOW_CLASSES, Layout, block_rows, epoch_order
from regcls.nn.shard import Shard
from regcls.nn.spec import Network, Training, is_whole

__all__ = ["Ensemble", "Network", "Training", "epoch_order"]


class Ensemble:
    """R replicas, each with its own data, seed, learning rate, λ or loss scale, weight decay.

    ``x``, ``y``: (R, N). reg+cls needs ``labels`` (R, N), or for soft labels ``edges`` (R, C+1).
    ``keep`` (R, C): the chance that a sample of that class shows its label, drawn anew at each
    visit; soft labels then need ``labels`` too. The loss of a replica is ``reg_weight · L_reg (+ cross-entropy)``. First weights and
    shuffling follow from the seed alone, alike for reg and reg+cls. Raises ``ValueError`` naming
    the argument that is wrong.

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
        lr: float | np.ndarray = 1e-3,
        reg_weight: float | np.ndarray = 1.0,
        weight_decay: float | np.ndarray = 1e-3,
    ):
        self.network, self.training = network, training
        data = _checked_data(network, training, x, y, labels, keep, edges)
        self.replicas, self.samples = data["x"].shape
        settings = {
            "seeds": _checked_seeds(seeds, self.replicas),
            "lr": _per_replica("lr", lr, self.replicas),
            "reg_weight": _per_replica("reg_weight", reg_weight, self.replicas),
            "weight_decay": _per_replica("weight_decay", weight_decay, self.replicas),
        }
        parts = np.array_split(np.arange(self.replicas), _shards(training, self.replicas))
        self._shards = [
            Shard(network, training, _rows(data, part), _rows(settings, part)) for part in parts
        ]

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in an epoch; the last short one is dropped."""
        return self.samples // self.training.batch

    @property
    def step(self) -> int:
        """Steps trained so far."""
        return self._shards[0].step

    @property
    def epoch(self) -> int:
        """Epochs finished so far."""
        return self.step // self.steps_per_epoch

    @property
    def losses(self) -> dict[str, np.ndarray]:
        """Mean training losses (R,) so far in this epoch (or over the last one): reg and cls."""
        parts = [shard.mean_losses() for shard in self._shards]
        return {k: np.concatenate([part[k] for part in parts]) for k in ("reg", "cls")}

    def advance(self, steps: int) -> None:
        """Train ``steps`` steps; how they are sliced does not change the outcome."""
        if steps < 0:
            raise ValueError(f"steps must be 0 or more, not {steps}")
        self._everywhere(lambda shard: shard.advance(steps))

    def train_epoch(self) -> None:
        """Train to the end of the epoch."""
        self.advance(self.steps_per_epoch - self.step % self.steps_per_epoch)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Values (R, M) at ``x`` (M,), or at each replica's own ``x`` (R, M)."""
        return np.concatenate(self._forward(x, lambda shard, part: shard.values(part)))

    def class_probabilities(self, x: np.ndarray) -> np.ndarray:
        """Probabilities (R, M, C) of the class head at ``x`` (M,) or (R, M); ValueError for reg."""
        if not self.network.classes:
            raise ValueError("a reg network has no class head")
        return np.concatenate(self._forward(x, lambda shard, part: shard.probabilities(part)))

    def parameters_of(self, replica: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """(weight (out, in), bias (out,)) of each hidden layer, the value head and the class head."""
        if not is_whole(replica, 0) or replica >= self.replicas:
            raise ValueError(f"replica must be from 0 to {self.replicas - 1}, not {replica}")
        for shard in self._shards:
            if replica < shard.replicas:
                break
            replica -= shard.replicas
        return shard.parameters_of(replica)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All that training needs to go on exactly; the order of samples follows from the seeds."""
        states = [shard.state for shard in self._shards]
        joined = {name: torch.cat([s[name] for s in states]).cpu() for name in states[0]}
        return {"step": torch.tensor(self.step)} | joined

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from ``state_dict`` of an ensemble of the same arguments (ValueError if not)."""
        ends = np.cumsum([shard.replicas for shard in self._shards]).tolist()
        for name, own in self.state_dict().items():
            if name not in state or state[name].shape != own.shape:
                raise ValueError(f"state must hold {name} of shape {tuple(own.shape)}")
        for shard, start, end in zip(self._shards, [0, *ends], ends, strict=False):
            for name, tensor in shard.state.items():
                tensor.copy_(state[name][start:end])
            shard.step, shard.order_of = int(state["step"]), -1

    @staticmethod
    def estimate_memory(network: Network, training: Training, replicas: int, samples: int) -> int:
        """Bytes that such an ensemble needs at its peak, without torch itself."""
        size = 4 if training.dtype == "float32" else 8
        classes, batch = network.classes, training.batch
        per_step = batch * (3 * sum(network.hidden, 2) + min(classes, 2 * SLOW_CLASSES))
        data = samples * (4 * size + (24 if classes else 8))  # given, in visiting order, the order
        total = replicas * ((5 * Layout(network).size + per_step) * size + data)
        if classes:
            threads = _shards(training, replicas)
            rows = block_rows(network, training, -(-replicas // threads))
            copies = 4 if training.class_loss == "soft" else 1
            total += threads * copies * rows * batch * classes * size
        return total

    def memory_bytes(self) -> int:
        """``estimate_memory`` of this ensemble."""
        return self.estimate_memory(self.network, self.training, self.replicas, self.samples)

    def _forward(self, x: np.ndarray, run) -> list[np.ndarray]:
        x = np.asarray(x, dtype=np.float64)
        if x.ndim == 1:
            x = np.broadcast_to(x, (self.replicas, len(x)))
        if x.ndim != 2 or len(x) != self.replicas:
            raise ValueError(f"x must be (M,) or ({self.replicas}, M), not {x.shape}")
        ends = np.cumsum([shard.replicas for shard in self._shards])[:-1]
        parts = dict(zip(map(id, self._shards), np.split(x, ends), strict=True))
        return self._everywhere(lambda shard: run(shard, parts[id(shard)]))

    def _everywhere(self, work) -> list:
        return list(_pool().map(work, self._shards))


_lock = threading.Lock()
_pools: list[ThreadPoolExecutor] = []
_limit: list[int] = []


def use_threads(count: int) -> None:
    """Let all ensembles of this process share ``count`` threads, for one process of several on a
    machine. Has an effect before the first ensemble only."""
    _limit[:] = [count]


def _cores() -> int:
    """Cores that this process may use."""
    if _limit:
        return _limit[0]
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _shards(training: Training, replicas: int) -> int:
    return min(_cores(), replicas) if training.device == "cpu" else 1


def _pool() -> ThreadPoolExecutor:
    """One thread a core, which all ensembles of the process share.

    Each runs torch's operators on itself alone: products of these sizes gain nothing from more, and
    another number of threads rounds differently.
    """
    with _lock:
        if not _pools:
            workers, before = _cores(), torch.get_num_threads()
            started = threading.Barrier(workers)

            def alone() -> None:
                torch.get_num_threads()  # torch's own start of a thread, which would undo the next
                torch.set_num_threads(1)
                started.wait()

            pool = ThreadPoolExecutor(workers, "ensemble", initializer=alone)
            list(pool.map(lambda _: None, range(workers)))
            torch.set_num_threads(before)  # it is also the number for threads yet to come
            _pools.append(pool)
        return _pools[0]


def _per_replica(name: str, value, replicas: int) -> np.ndarray:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim > 1 or array.size not in (1, replicas):
        raise ValueError(f"{name} must be one number or {replicas}, one a replica")
    if not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"{name} must be 0 or more, not {value}")
    return np.broadcast_to(array.ravel(), (replicas,)).copy()


def _checked_seeds(seeds: Iterable[int], replicas: int) -> np.ndarray:
    array = np.asarray(list(seeds))
    if array.shape != (replicas,) or array.dtype.kind not in "iu" or (array < 0).any():
        raise ValueError(f"seeds must be {replicas} whole numbers of 0 or more, one a replica")
    return array


def _shaped(name: str, array, shape: tuple[int, ...], what: str) -> np.ndarray:
    if array is None or np.shape(array) != shape:
        found = "None" if array is None else np.shape(array)
        raise ValueError(f"{name} must be {what} = {shape}, not {found}")
    return np.asarray(array)


def _checked_data(network: Network, training: Training, x, y, labels, keep, edges) -> dict:
    """The arrays that this training uses, None for the others."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 2 or not x.size or x.shape != y.shape:
        raise ValueError(f"x and y must both be (R, N), not {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("x and y must be finite numbers")
    if x.shape[1] < training.batch:
        raise ValueError(
            f"batch must be at most {x.shape[1]}, the number of samples, not {training.batch}"
        )
    replicas, c = len(x), network.classes
    data = {"x": x, "y": y, "labels": None, "keep": None, "edges": None}
    if not c:
        return data
    soft = training.class_loss == "soft"
    if soft:
        data["edges"] = _shaped("edges", edges, (replicas, c + 1), "(R, C+1)")
        if not (np.isfinite(data["edges"]).all() and (np.diff(data["edges"]) > 0).all()):
            raise ValueError("edges must be finite and ascend")
    if keep is not None:
        data["keep"] = _shaped("keep", keep, (replicas, c), "(R, C)")
        if not ((data["keep"] >= 0) & (data["keep"] <= 1)).all():
            raise ValueError("keep must hold chances from 0 to 1")
    if not soft or keep is not None:
        data["labels"] = _shaped("labels", labels, x.shape, "(R, N)")
        if data["labels"].dtype.kind not in "iu" or not (
            0 <= data["labels"].min() <= data["labels"].max() < c
        ):
            raise ValueError(f"labels must be whole numbers from 0 to {c - 1}")
    return data


def _rows(arrays: dict, part: np.ndarray) -> dict:
    return {k: None if v is None else np.asarray(v)[part] for k, v in arrays.items()}
