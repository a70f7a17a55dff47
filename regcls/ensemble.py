"""Many small MLPs trained at once, reg or reg+cls, without autograd.

The replicas are dealt to one shard a core. A shard runs its own steps on its own thread, on
tensors laid out ``(replica, unit, sample)``, so that every product is a batch of contiguous
matrices; a row of ones under each layer's input carries the biases. Gradients are written by hand
into one buffer of all parameters, which torch's fused optimiser then reads once. Many classes are
processed a few replicas at a time with the class dimension contiguous, so that a block of logits
stays in the cache.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

ACTIVATIONS = ("relu", "tanh", "gelu")
OPTIMISERS = ("adam", "adamw", "sgd")
REG_LOSSES = ("mse", "mae", "huber")
CLASS_LOSSES = ("hard", "soft")
_SLOW_CLASSES = 16  # up to here the classes are rows of the same product as the value
_BLOCK_BYTES = 1 << 19  # a block of logits that leaves room in a core's second-level cache


@dataclass(frozen=True)
class Network:
    """MLP 1 → ``hidden`` → 1, and with ``classes`` > 0 one more linear head of that many logits."""

    hidden: tuple[int, ...] = (6, 15)
    activation: str = "relu"
    classes: int = 0

    def __post_init__(self):
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden must be one or more sizes of at least 1, not {self.hidden}")
        _one_of("activation", self.activation, ACTIVATIONS)
        if self.classes < 0 or self.classes == 1:
            raise ValueError(f"classes must be 0 (reg) or at least 2, not {self.classes}")


@dataclass(frozen=True)
class Training:
    """What all replicas share. ``sigma``: width of the soft labels, in target units."""

    optimiser: str = "adam"
    reg_loss: str = "mse"
    class_loss: str = "hard"
    sigma: float = 0.1
    batch: int = 256
    dtype: str = "float32"
    device: str = "cpu"
    momentum: float = 0.9

    def __post_init__(self):
        _one_of("optimiser", self.optimiser, OPTIMISERS)
        _one_of("reg_loss", self.reg_loss, REG_LOSSES)
        _one_of("class_loss", self.class_loss, CLASS_LOSSES)
        _one_of("dtype", self.dtype, ("float32", "float64"))
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, not {self.batch}")
        if not self.sigma > 0:
            raise ValueError(f"sigma must be above 0, not {self.sigma}")


class Ensemble:
    """R replicas, each with its own data, seed, learning rate, λ or loss scale, weight decay.

    ``x``, ``y``: (R, N). reg+cls needs ``labels`` (R, N), or for soft labels ``edges`` (R, C+1).
    ``keep`` (R, C): the chance that a sample of that class shows its label, drawn anew at each
    visit. The loss of a replica is ``reg_weight · L_reg (+ cross-entropy)``. First weights and
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
            "seeds": _per_replica("seeds", list(seeds), self.replicas).astype(np.int64),
            "lr": _per_replica("lr", lr, self.replicas),
            "reg_weight": _per_replica("reg_weight", reg_weight, self.replicas),
            "weight_decay": _per_replica("weight_decay", weight_decay, self.replicas),
        }
        if self.samples < training.batch:
            raise ValueError(f"batch is {training.batch}, but there are {self.samples} samples")
        cores = 1 if training.device != "cpu" else (os.cpu_count() or 1)
        parts = np.array_split(np.arange(self.replicas), min(cores, self.replicas))
        self._shards = [
            _Shard(network, training, _rows(data, part), _rows(settings, part)) for part in parts
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
        for shard in self._shards:
            if replica < shard.replicas:
                return shard.parameters_of(replica)
            replica -= shard.replicas
        raise ValueError(f"replica must be below {self.replicas}")

    def state_dict(self) -> dict:
        """All that training needs to go on exactly, as tensors and numbers."""
        return {"shards": [shard.state_dict() for shard in self._shards]}

    def load_state_dict(self, state: dict) -> None:
        """Go on from ``state_dict`` of an ensemble of the same arguments (ValueError if not)."""
        if len(state["shards"]) != len(self._shards):
            raise ValueError("state was saved with another number of replicas or cores")
        for shard, part in zip(self._shards, state["shards"], strict=True):
            shard.load_state_dict(part)

    @staticmethod
    def estimate_memory(network: Network, training: Training, replicas: int, samples: int) -> int:
        """Bytes that such an ensemble needs at its peak, without torch itself."""
        size = 4 if training.dtype == "float32" else 8
        layers = _Layout(network)
        per_step = training.batch * 3 * sum(network.hidden, 2)
        if network.classes:
            per_step += training.batch * min(network.classes, 2 * _SLOW_CLASSES)
        block = (
            2 * max(_BLOCK_BYTES, training.batch * network.classes * size) * (os.cpu_count() or 1)
        )
        data = samples * (4 * size + (24 if network.classes else 8))
        return replicas * ((4 * layers.size + per_step) * size + data) + block

    def memory_bytes(self) -> int:
        return self.estimate_memory(self.network, self.training, self.replicas, self.samples)

    def _forward(self, x: np.ndarray, run) -> list[np.ndarray]:
        x = np.asarray(x, dtype=np.float64)
        x = np.broadcast_to(x, (self.replicas, x.shape[-1])) if x.ndim == 1 else x
        if x.shape[0] != self.replicas:
            raise ValueError(f"x must be (M,) or ({self.replicas}, M), not {x.shape}")
        ends = np.cumsum([shard.replicas for shard in self._shards])[:-1]
        parts = dict(zip(map(id, self._shards), np.split(x, ends), strict=True))
        return self._everywhere(lambda shard: run(shard, parts[id(shard)]))

    def _everywhere(self, work) -> list:
        if len(self._shards) == 1:
            return [work(self._shards[0])]
        return list(_pool().map(work, self._shards))


def epoch_order(seed: int, epoch: int, samples: int) -> torch.Tensor:
    """The order (samples,) in which a replica of this seed visits its samples in this epoch."""
    return torch.randperm(samples, generator=_generator(seed, 2 * epoch + 2))


def _generator(seed: int, stream: int) -> torch.Generator:
    words = np.random.SeedSequence([int(seed) & 0xFFFFFFFF, stream]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) << 31 ^ int(words[1]))


@cache
def _pool() -> ThreadPoolExecutor:
    """One thread a core, each without threads of its own inside torch."""
    workers = os.cpu_count() or 1
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(workers, "ensemble", initializer=lambda: torch.set_num_threads(1))
    list(pool.map(lambda _: None, range(workers)))
    torch.set_num_threads(before)  # the setting also is the default of threads yet to come
    return pool


class _Layout:
    """Where each layer's ``(out, in + 1)`` block, bias last, lies in a replica's parameters."""

    def __init__(self, network: Network):
        self.inputs = (1, *network.hidden)
        self.shapes = [(o, i + 1) for i, o in zip(self.inputs, network.hidden, strict=False)]
        # The value head and the class head lie together: one product can serve both.
        self.shapes.append((1 + network.classes, network.hidden[-1] + 1))
        ends = np.cumsum([o * i for o, i in self.shapes]).tolist()
        self.slices = list(zip([0, *ends[:-1]], ends, strict=True))
        self.size = ends[-1]

    def views(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """The blocks of ``flat`` (R, size), each (R, out, in + 1)."""
        return [
            flat[:, a:b].view(len(flat), *shape)
            for (a, b), shape in zip(self.slices, self.shapes, strict=True)
        ]


class _Shard:
    """The replicas of one thread."""

    def __init__(self, network: Network, training: Training, data: dict, settings: dict):
        self.network, self.training, self.settings = network, training, settings
        self.dtype = getattr(torch, training.dtype)
        self.device = torch.device(training.device)
        self.replicas, self.samples = data["x"].shape
        self.step, self.order_of = 0, -1
        self.x, self.y = self._float(data["x"]), self._float(data["y"])
        self.labels = None if data["labels"] is None else self._long(data["labels"])
        self.keep = None if data["keep"] is None else torch.as_tensor(data["keep"])
        self.edges = None if data["edges"] is None else self._float(data["edges"])
        self.reg_weight = self._float(settings["reg_weight"]).view(-1, 1, 1)
        self.layout = _Layout(network)
        self.flat = self._first_weights()
        self.gradient = torch.zeros_like(self.flat)
        self.weights = self.layout.views(self.flat)
        self.gradients = self.layout.views(self.gradient)
        self.optimiser = self._make_optimiser()
        self._make_buffers()

    def _float(self, array) -> torch.Tensor:
        return torch.tensor(np.ascontiguousarray(array), dtype=self.dtype, device=self.device)

    def _long(self, array) -> torch.Tensor:
        return torch.tensor(np.ascontiguousarray(array), dtype=torch.int64, device=self.device)

    def _first_weights(self) -> torch.Tensor:
        """Xavier-uniform weights, zero biases; the class head is drawn last, so that reg is alike."""
        flat = torch.zeros(self.replicas, self.layout.size, dtype=torch.float64)
        for r, seed in enumerate(self.settings["seeds"]):
            rng = _generator(seed, 1)
            for block in self.layout.views(flat[r : r + 1]):
                out, inputs = block.shape[1], block.shape[2] - 1
                head = block.data_ptr() == self.layout.views(flat[r : r + 1])[-1].data_ptr()
                for rows in (slice(0, 1), slice(1, None)) if head else (slice(0, out),):
                    weight = block[0, rows, :inputs]
                    bound = math.sqrt(6 / (inputs + max(len(weight), 1)))
                    draw = torch.rand(weight.shape, generator=rng, dtype=torch.float64)
                    weight.copy_((2 * draw - 1) * bound)
        return flat.to(self.device, self.dtype)

    def _make_optimiser(self) -> torch.optim.Optimizer:
        """torch's own fused optimiser; one group where all replicas share lr and weight decay."""
        pairs = np.stack([self.settings["lr"], self.settings["weight_decay"]], axis=1)
        if (pairs == pairs[0]).all():
            rows, pairs = [(self.flat, self.gradient)], pairs[:1]
        else:
            rows = list(zip(self.flat, self.gradient, strict=True))
        groups = []
        for (weight, gradient), (lr, decay) in zip(rows, pairs, strict=True):
            weight.grad = gradient
            groups.append({"params": [weight], "lr": float(lr), "weight_decay": float(decay)})
        make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
        kind = self.training.optimiser
        more = {"momentum": self.training.momentum} if kind == "sgd" else {}
        return make[kind](groups, fused=True, **more)

    def _make_buffers(self) -> None:
        r, b, c = self.replicas, self.training.batch, self.network.classes
        new = lambda *shape: torch.empty(shape, dtype=self.dtype, device=self.device)
        # inputs[l]: what layer l sees, with its row of ones; deltas[l]: the loss's slope there.
        self.inputs = [new(r, size + 1, b) for size in self.layout.inputs]
        for tensor in self.inputs:
            tensor[:, -1] = 1
        self.deltas = [new(r, size, b) for size in self.network.hidden]
        self.slopes = [new(r, size, b) for size in self.network.hidden]
        self.slow = c <= _SLOW_CLASSES
        self.head = new(r, 1 + c if self.slow else 1, b)
        self.loss_sums = torch.zeros(2, r, dtype=self.dtype, device=self.device)
        if c and not self.slow:
            size = self.flat.element_size() * b * c
            self.block = max(1, min(r, _BLOCK_BYTES // size))
            self.logits = new(self.block, b, c)
            self.weighted = new(r, self.layout.inputs[-1] + 1, b)

    def advance(self, steps: int) -> None:
        per_epoch = self.samples // self.training.batch
        with torch.no_grad():
            for _ in range(steps):
                epoch, at = divmod(self.step, per_epoch)
                if self.order_of != epoch:
                    self._shuffle(epoch)
                if at == 0:
                    self.loss_sums.zero_()
                self._one_step(slice(at * self.training.batch, (at + 1) * self.training.batch))
                self.step += 1

    def _shuffle(self, epoch: int) -> None:
        """Lay the epoch's samples out in visiting order, once, and draw which labels it shows."""
        seeds = self.settings["seeds"]
        order = torch.stack([epoch_order(s, epoch, self.samples) for s in seeds]).to(self.device)
        self.order_of = epoch
        self.x_now = torch.gather(self.x, 1, order).unsqueeze(1)
        self.y_now = torch.gather(self.y, 1, order).unsqueeze(1)
        if self.labels is None:
            return
        self.labels_now = torch.gather(self.labels, 1, order)
        self.shown = None
        if self.keep is not None:
            chance = torch.gather(self.keep, 1, self.labels_now.cpu())
            rngs = (_generator(s, 2 * epoch + 3) for s in seeds)
            draw = torch.stack([torch.rand(self.samples, generator=g) for g in rngs])
            self.shown = (draw < chance).to(self.device, self.dtype)

    def _one_step(self, batch: slice) -> None:
        self._hidden_forward(self.x_now[:, :, batch])
        last, weight, gradient = self.inputs[-1], self.weights[-1], self.gradients[-1]
        rows = self.head.shape[1]  # the value, and few classes below it
        torch.bmm(weight[:, :rows], last, out=self.head)
        self._value_slope(self.head[:, :1], self.y_now[:, :, batch])
        share = self._label_share(batch) if self.network.classes else None
        if share is not None and self.slow:
            self._few_class_slopes(self.head[:, 1:], batch, share)
        gradient[:, :rows] = torch.bmm(self.head, last.transpose(1, 2))
        delta = self.deltas[-1]
        torch.bmm(weight[:, :rows, :-1].transpose(1, 2), self.head, out=delta)
        if share is not None and not self.slow:
            self._many_class_slopes(batch, share, delta)
        self._hidden_backward()
        self.optimiser.step()

    def _hidden_forward(self, x: torch.Tensor) -> None:
        self.inputs[0][:, :-1] = x
        for layer in range(len(self.network.hidden)):
            out = torch.bmm(self.weights[layer], self.inputs[layer], out=self.deltas[layer])
            _activate(
                self.network.activation, out, self.inputs[layer + 1][:, :-1], self.slopes[layer]
            )

    def _hidden_backward(self) -> None:
        """From the slope at each layer's output to its weights' gradient and the layer below."""
        for layer in reversed(range(len(self.network.hidden))):
            delta = self.deltas[layer].mul_(self.slopes[layer])
            self.gradients[layer].copy_(torch.bmm(delta, self.inputs[layer].transpose(1, 2)))
            if layer:
                below = self.weights[layer][:, :, :-1].transpose(1, 2)
                torch.bmm(below, delta, out=self.deltas[layer - 1])

    def _value_slope(self, value: torch.Tensor, y: torch.Tensor) -> None:
        """Replace the values by the slope of ``reg_weight · L_reg``, a mean over the batch."""
        error = value.sub_(y)
        kind, n = self.training.reg_loss, error.shape[-1]
        if kind == "mse":
            self.loss_sums[0] += error.square().mean(dim=(1, 2))
            error.mul_(self.reg_weight * (2 / n))
        elif kind == "mae":
            self.loss_sums[0] += error.abs().mean(dim=(1, 2))
            error.sign_().mul_(self.reg_weight / n)
        else:  # Huber with δ = 1
            size = error.abs()
            loss = torch.where(size < 1, 0.5 * size.square(), size - 0.5)
            self.loss_sums[0] += loss.mean(dim=(1, 2))
            error.clamp_(-1, 1).mul_(self.reg_weight / n)

    def _label_share(self, batch: slice) -> torch.Tensor:
        """(R or 1, 1, B): the weight of each sample in the mean cross-entropy over shown labels."""
        if self.shown is None or self.training.class_loss == "soft":
            return self.x_now.new_full((1, 1, 1), 1 / self.training.batch)
        shown = self.shown[:, batch]
        return (shown / shown.sum(dim=1, keepdim=True).clamp_(min=1)).unsqueeze(1)

    def _few_class_slopes(self, logits: torch.Tensor, batch: slice, share: torch.Tensor) -> None:
        """Replace logits (R, C, B) by the slope of the cross-entropy."""
        p = torch.softmax(logits, dim=1)
        if self.training.class_loss == "soft":
            q = _soft_labels(self.edges, self.y_now[:, 0, batch], self.training.sigma)
            q = q.transpose(1, 2)
            self.loss_sums[1] -= (q * p.clamp(min=1e-30).log() * share).sum(dim=(1, 2))
            p.sub_(q)
        else:
            label = self.labels_now[:, None, batch]
            chosen = torch.gather(p, 1, label)
            self.loss_sums[1] -= (chosen.clamp(min=1e-30).log() * share).sum(dim=(1, 2))
            p.scatter_(1, label, chosen.sub_(1))
        torch.mul(p, share, out=logits)

    def _many_class_slopes(self, batch: slice, share: torch.Tensor, delta: torch.Tensor) -> None:
        """Class gradients, block by block, and their part of ``delta`` (R, H, B), added to it.

        The samples' weights are put on the 16 rows of the layer below, not on the logits.
        """
        last = self.inputs[-1]
        torch.mul(last, share, out=self.weighted)
        share = share.expand(self.replicas, 1, last.shape[-1])
        for start in range(0, self.replicas, self.block):
            part = slice(start, min(start + self.block, self.replicas))
            weight = self.weights[-1][part, 1:]
            z = self.logits[: part.stop - start]
            torch.bmm(last[part].transpose(1, 2), weight.transpose(1, 2), out=z)
            torch.softmax(z, dim=2, out=z)
            self._towards_labels(z, part, batch, share[part])
            gradient = torch.bmm(z.transpose(1, 2), self.weighted[part].transpose(1, 2))
            self.gradients[-1][part, 1:] = gradient
            slope = torch.bmm(weight[:, :, :-1].transpose(1, 2), z.transpose(1, 2))
            delta[part].addcmul_(slope, share[part])

    def _towards_labels(
        self, p: torch.Tensor, part: slice, batch: slice, share: torch.Tensor
    ) -> None:
        if self.training.class_loss == "soft":
            y = self.y_now[part, 0, batch]
            q = _soft_labels(self.edges[part], y, self.training.sigma)
            loss = (q * p.clamp(min=1e-30).log()).sum(dim=2)
            p.sub_(q)
        else:
            label = self.labels_now[part, batch].unsqueeze(2)
            chosen = torch.gather(p, 2, label)
            loss = chosen.clamp(min=1e-30).log().squeeze(2)
            p.scatter_(2, label, chosen.sub_(1))
        self.loss_sums[1, part] -= (loss * share[:, 0]).sum(dim=1)

    def mean_losses(self) -> dict[str, np.ndarray]:
        per_epoch = self.samples // self.training.batch
        steps = (self.step - 1) % per_epoch + 1 if self.step else 1
        reg, cls = (self.loss_sums / steps).cpu().numpy()
        return {"reg": reg, "cls": cls}

    def _last_hidden(self, x: np.ndarray) -> torch.Tensor:
        a = self._float(x).unsqueeze(1)
        for weight in self.weights[:-1]:
            a = torch.baddbmm(weight[:, :, -1:], weight[:, :, :-1], a)
            _activate(self.network.activation, a, a, None)
        return a

    def values(self, x: np.ndarray) -> np.ndarray:
        head = self.weights[-1][:, :1]
        with torch.no_grad():
            out = torch.baddbmm(head[:, :, -1:], head[:, :, :-1], self._last_hidden(x))
        return out[:, 0].cpu().numpy()

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        head = self.weights[-1][:, 1:]
        with torch.no_grad():
            z = torch.baddbmm(head[:, :, -1:], head[:, :, :-1], self._last_hidden(x))
            return torch.softmax(z.transpose(1, 2), dim=2).cpu().numpy()

    def parameters_of(self, replica: int) -> list[tuple[np.ndarray, np.ndarray]]:
        blocks = [weight[replica].cpu().numpy().copy() for weight in self.weights]
        head = blocks.pop()
        blocks.append(head[:1])
        if self.network.classes:
            blocks.append(head[1:])
        return [(block[:, :-1], block[:, -1]) for block in blocks]

    def state_dict(self) -> dict:
        return {
            "step": self.step,
            "flat": self.flat.clone(),
            "loss_sums": self.loss_sums.clone(),
            "optimiser": _cloned(self.optimiser.state_dict()),
        }

    def load_state_dict(self, state: dict) -> None:
        if state["flat"].shape != self.flat.shape:
            raise ValueError("state was saved by another network or another number of replicas")
        self.step, self.order_of = state["step"], -1
        self.flat.copy_(state["flat"])
        self.loss_sums.copy_(state["loss_sums"])
        self.optimiser.load_state_dict(_cloned(state["optimiser"]))


def _activate(kind: str, z: torch.Tensor, out: torch.Tensor, slope: torch.Tensor | None) -> None:
    """``out`` = activation of ``z``; ``slope`` = its derivative there. ``z`` may be ``out``."""
    if kind == "relu":
        if slope is not None:
            torch.gt(z, 0, out=slope)
        torch.clamp(z, min=0, out=out)
    elif kind == "tanh":
        torch.tanh(z, out=out)
        if slope is not None:
            torch.square(out, out=slope).neg_().add_(1)
    else:  # GELU: z·Φ(z), with slope Φ(z) + z·φ(z)
        normal = torch.special.ndtr(z)
        if slope is not None:
            torch.square(z, out=slope).mul_(-0.5).exp_().mul_(z).mul_(1 / math.sqrt(2 * math.pi))
            slope.add_(normal)
        torch.mul(z, normal, out=out)


def _soft_labels(edges: torch.Tensor, y: torch.Tensor, sigma: float) -> torch.Tensor:
    """HL-Gauss (Imani & White, ICML 2018): the share of N(y, σ²) in each bin, (R, B, C).

    ``edges`` (R, C+1), ``y`` (R, B). What falls beyond the end bins is shared out in proportion.
    """
    below = torch.special.ndtr((edges[:, None, :] - y[:, :, None]) / sigma)
    share = below.diff(dim=2).clamp_(min=0)
    total = share.sum(dim=2, keepdim=True)
    return share / total.clamp_(min=1e-12)


def _cloned(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {k: _cloned(v) for k, v in value.items()}
    return [_cloned(v) for v in value] if isinstance(value, list) else value


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {allowed}, not {value!r}")


def _per_replica(name: str, value, replicas: int) -> np.ndarray:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim > 1 or array.size not in (1, replicas):
        raise ValueError(f"{name} must be one number or {replicas}, one a replica")
    if not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"{name} must be 0 or more")
    if name == "seeds" and array.size != replicas:
        raise ValueError(f"seeds must hold {replicas} numbers, one a replica")
    return np.broadcast_to(array.ravel(), (replicas,)).copy()


def _checked_data(network: Network, training: Training, x, y, labels, keep, edges) -> dict:
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 2 or x.shape != y.shape:
        raise ValueError(f"x and y must both be (R, N), not {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("x and y must be finite numbers")
    c = network.classes
    if not c:
        return {"x": x, "y": y, "labels": None, "keep": None, "edges": None}
    if training.class_loss == "soft":
        if edges is None or np.shape(edges) != (len(x), c + 1):
            raise ValueError(f"edges must be (R, C+1) = ({len(x)}, {c + 1}) for soft labels")
        return {"x": x, "y": y, "labels": np.zeros(x.shape), "keep": None, "edges": edges}
    if labels is None or np.shape(labels) != x.shape:
        raise ValueError(f"labels must be (R, N) = {x.shape} for a network with classes")
    if np.min(labels) < 0 or np.max(labels) >= c:
        raise ValueError(f"labels must lie between 0 and {c - 1}")
    if keep is not None and np.shape(keep) != (len(x), c):
        raise ValueError(f"keep must be (R, C) = ({len(x)}, {c})")
    return {"x": x, "y": y, "labels": labels, "keep": keep, "edges": None}


def _rows(arrays: dict, part: np.ndarray) -> dict:
    return {k: None if v is None else np.asarray(v)[part] for k, v in arrays.items()}
