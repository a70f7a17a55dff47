"""One thread's share of an ensemble: its data, its buffers, and a training step without autograd.

Tensors are laid out ``(replica, unit, sample)``, so that every product is a batch of contiguous
matrices; a row of ones under each layer's input carries the biases. Gradients are written by hand
into one buffer of all parameters, which the optimiser updates in a handful of in-place operations.
Many classes are processed a few replicas at a time, so that their logits stay near the core. Two
things make the softmax cheap there: base-2 exponentials (several times faster in torch than
``exp``; the factor log2 e goes to the few rows of the layer below), and never dividing by the sum,
nor scaling by the loss's weight, in the large array: both go to the small factors of its products.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from regcls.ensemble import Network, Training

SLOW_CLASSES = 16  # up to here the classes are rows of the same product as the value
BLOCK_BYTES = 1 << 19  # a block of logits that leaves room in a core's second-level cache
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8  # Adam's usual constants
LOG2_E = 1 / math.log(2)


def epoch_order(seed: int, epoch: int, samples: int) -> torch.Tensor:
    """The order (samples,) in which a replica of this seed visits its samples in this epoch."""
    return torch.randperm(samples, generator=_generator(seed, 2 * epoch + 2))


def _generator(seed: int, stream: int) -> torch.Generator:
    words = np.random.SeedSequence([int(seed), stream]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) << 31 ^ int(words[1]))


class Layout:
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


class Shard:
    """The replicas of one thread; ``data`` and ``settings`` hold their rows of checked arrays."""

    def __init__(self, network: Network, training: Training, data: dict, settings: dict):
        self.network, self.training, self.seeds = network, training, settings["seeds"]
        self.dtype = getattr(torch, training.dtype)
        self.device = torch.device(training.device)
        self.replicas, self.samples = data["x"].shape
        self.step, self.order_of = 0, -1
        self.x, self.y = self._float(data["x"]), self._float(data["y"])
        self.labels = None if data["labels"] is None else self._long(data["labels"])
        self.keep = None if data["keep"] is None else torch.as_tensor(data["keep"])
        self.edges = None if data["edges"] is None else self._float(data["edges"])
        self.reg_weight = self._float(settings["reg_weight"]).view(-1, 1, 1)
        self.lr = self._float(settings["lr"]).view(-1, 1)
        self.decay = self._float(settings["weight_decay"]).view(-1, 1)
        self.decays = bool((self.decay > 0).any())
        self.layout = Layout(network)
        self.flat = self._first_weights()
        self.gradient, self.first, self.second, self.work = (
            torch.zeros_like(self.flat) for _ in range(4)
        )
        self.weights = self.layout.views(self.flat)
        self.gradients = self.layout.views(self.gradient)
        self._make_buffers()

    def _float(self, array) -> torch.Tensor:
        return torch.tensor(np.ascontiguousarray(array), dtype=self.dtype, device=self.device)

    def _long(self, array) -> torch.Tensor:
        return torch.tensor(np.ascontiguousarray(array), dtype=torch.int64, device=self.device)

    def _first_weights(self) -> torch.Tensor:
        """Xavier-uniform weights, zero biases; the class head is drawn last, so that reg is alike."""
        flat = torch.zeros(self.replicas, self.layout.size, dtype=torch.float64)
        for r, seed in enumerate(self.seeds):
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

    def _make_buffers(self) -> None:
        r, b, c = self.replicas, self.training.batch, self.network.classes
        new = lambda *shape: torch.empty(shape, dtype=self.dtype, device=self.device)
        # inputs[l]: what layer l sees, with its row of ones; deltas[l]: the loss's slope there.
        self.inputs = [new(r, size + 1, b) for size in self.layout.inputs]
        for tensor in self.inputs:
            tensor[:, -1] = 1
        self.deltas = [new(r, size, b) for size in self.network.hidden]
        self.slopes = [new(r, size, b) for size in self.network.hidden]
        self.many = c > SLOW_CLASSES
        self.head = new(r, 1 if self.many else 1 + c, b)
        self.loss_sums = torch.zeros(2, r, dtype=self.dtype, device=self.device)
        if self.many:
            self.block = block_rows(self.network, self.training, r)
            self.logits = new(self.block, c, b)
            self.scaled = new(r, self.layout.inputs[-1] + 1, b)

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
        orders = [epoch_order(seed, epoch, self.samples) for seed in self.seeds]
        order = torch.stack(orders).to(self.device)
        self.order_of, self.shown = epoch, None
        self.x_now = torch.gather(self.x, 1, order).unsqueeze(1)
        self.y_now = torch.gather(self.y, 1, order).unsqueeze(1)
        if self.labels is not None:
            self.labels_now = torch.gather(self.labels, 1, order)
        if self.keep is not None:
            chance = torch.gather(self.keep, 1, self.labels_now.cpu())
            rngs = (_generator(seed, 2 * epoch + 3) for seed in self.seeds)
            draw = torch.stack([torch.rand(self.samples, generator=g) for g in rngs])
            self.shown = (draw < chance).to(self.device, self.dtype)

    def _one_step(self, batch: slice) -> None:
        self._hidden_forward(self.x_now[:, :, batch])
        last, weight, gradient = self.inputs[-1], self.weights[-1], self.gradients[-1]
        rows = self.head.shape[1]  # the value, and few classes below it
        torch.bmm(weight[:, :rows], last, out=self.head)
        self._value_slope(self.head[:, :1], self.y_now[:, :, batch])
        if self.network.classes and not self.many:
            logits = self.head[:, 1:]
            factor = self._residual(logits.mul_(LOG2_E), slice(None), batch)
            logits.mul_(factor)
        gradient[:, :rows] = torch.bmm(self.head, last.mT)
        delta = self.deltas[-1]
        torch.bmm(weight[:, :rows, :-1].mT, self.head, out=delta)
        if self.many:
            self._many_class_slopes(batch, delta)
        self._hidden_backward()
        self._update(self.step + 1)

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
            self.gradients[layer].copy_(torch.bmm(delta, self.inputs[layer].mT))
            if layer:
                below = self.weights[layer][:, :, :-1].mT
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

    def _label_share(self, part: slice, batch: slice) -> torch.Tensor | float:
        """(r, 1, B): the weight of each sample in the mean cross-entropy over shown labels."""
        if self.shown is None:
            return 1 / self.training.batch
        shown = self.shown[part, None, batch]
        return shown / shown.sum(dim=2, keepdim=True).clamp_(min=1)

    def _residual(self, z: torch.Tensor, part: slice, batch: slice) -> torch.Tensor:
        """Turn base-2 logits ``z`` (r, C, B) into softmax minus labels, but for a factor (r, 1, B).

        The factor, which is returned, makes it the slope of the mean cross-entropy. The largest
        logit of a sample is taken off first, so nothing overflows.
        """
        total = z.sub_(z.amax(dim=1, keepdim=True)).exp2_().sum(dim=1, keepdim=True)
        share = self._label_share(part, batch)
        if self.training.class_loss == "soft":
            q = soft_labels(self.edges[part], self.y_now[part, 0, batch], self.training.sigma)
            log_p = (z / total).clamp_(min=1e-30).log_()
            loss = log_p.mul_(q).sum(dim=1, keepdim=True)
            z.addcmul_(q, total, value=-1)
        else:
            label = self.labels_now[part, None, batch]
            chosen = torch.gather(z, 1, label)
            loss = (chosen / total).clamp_(min=1e-30).log_()
            z.scatter_(1, label, chosen.sub_(total))
        self.loss_sums[1, part] -= loss.mul_(share).sum(dim=(1, 2))
        return share / total

    def _many_class_slopes(self, batch: slice, delta: torch.Tensor) -> None:
        """Class gradients, block by block, and their part of ``delta`` (r, H, B), added to it."""
        last, scaled = self.inputs[-1], self.scaled
        torch.mul(last, LOG2_E, out=scaled)
        for start in range(0, self.replicas, self.block):
            part = slice(start, min(start + self.block, self.replicas))
            weight = self.weights[-1][part, 1:]
            z = self.logits[: part.stop - start]
            torch.bmm(weight, scaled[part], out=z)
            factor = self._residual(z, part, batch)
            torch.mul(last[part], factor, out=scaled[part])
            self.gradients[-1][part, 1:] = torch.bmm(z, scaled[part].mT)
            delta[part].addcmul_(torch.bmm(weight[:, :, :-1].mT, z), factor)

    def _update(self, step: int) -> None:
        """torch.optim's Adam (L2 in the gradient), AdamW or SGD with momentum, in place."""
        p, g, m, v = self.flat, self.gradient, self.first, self.second
        kind = self.training.optimiser
        if self.decays and kind == "adamw":
            p.mul_(1 - self.lr * self.decay)
        elif self.decays:
            g.addcmul_(p, self.decay)
        if kind == "sgd":
            m.mul_(self.training.momentum).add_(g)
            p.addcmul_(m, self.lr, value=-1)
            return
        m.lerp_(g, 1 - BETA1)
        v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
        root = torch.sqrt(v, out=self.work).mul_(1 / math.sqrt(1 - BETA2**step)).add_(EPS)
        p.addcdiv_(m, root.mul_((1 - BETA1**step) / self.lr), value=-1)

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
            return torch.softmax(z.mT, dim=2).cpu().numpy()

    def parameters_of(self, replica: int) -> list[tuple[np.ndarray, np.ndarray]]:
        blocks = [weight[replica].cpu().numpy().copy() for weight in self.weights]
        head = blocks.pop()
        blocks.append(head[:1])
        if self.network.classes:
            blocks.append(head[1:])
        return [(block[:, :-1], block[:, -1]) for block in blocks]

    @property
    def state(self) -> dict[str, torch.Tensor]:
        """All arrays that training changes and that do not follow from seeds and step, (r, …)."""
        return {
            "parameters": self.flat,
            "first": self.first,
            "second": self.second,
            "losses": self.loss_sums.mT,
        }


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


def soft_labels(edges: torch.Tensor, y: torch.Tensor, sigma: float) -> torch.Tensor:
    """HL-Gauss (Imani & White, ICML 2018): the share of N(y, σ²) in each bin, (r, C, B).

    ``edges`` (r, C+1), ``y`` (r, B). What falls beyond the end bins is shared out in proportion; a
    target beyond them counts as their outer edge, as with hard labels it counts to the end bin.
    """
    y = torch.clamp(y, edges[:, :1], edges[:, -1:])
    below = torch.special.ndtr((edges[:, :, None] - y[:, None, :]) / sigma)
    share = below.diff(dim=1).clamp_(min=0)
    return share.div_(share.sum(dim=1, keepdim=True))


def block_rows(network: Network, training: Training, replicas: int) -> int:
    """Replicas whose class logits are processed together."""
    size = getattr(torch, training.dtype).itemsize * training.batch * network.classes
    if torch.device(training.device).type != "cpu":
        return replicas
    return max(1, min(replicas, BLOCK_BYTES // size))
