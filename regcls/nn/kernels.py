"""Training steps of a shard without autograd, written so that TorchScript can run them too.

Scripted, a stretch of steps is one call that does without Python's lock: two Python threads would
wait for each other at every one of some fifty operators a step, and be slower than one. The same
functions are ordinary Python where torch has no scripting (any more): slower, same results.

Tensors are laid out ``(replica, unit, sample)``, so that every product is a batch of contiguous
matrices; a row of ones under each layer's input carries the biases. Many classes are processed a
few replicas at a time, so that their logits stay near the core. Two things make the softmax cheap:
base-2 exponentials (several times faster in torch than ``exp``; the factor log2 e goes to the few
rows of the layer below), and never dividing by the sum, nor scaling by the loss's weight, in the
large array: both go to the small factors of its products.
"""

# No postponed annotations here: TorchScript reads them.
import threading
import warnings
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor


class Rules(NamedTuple):
    """What stays the same for all of a shard's life."""

    activation: str
    reg_loss: str
    optimiser: str
    soft: bool  # class labels: Gaussians, not one-hot
    sigma: float
    momentum: float
    batch: int
    classes: int
    block: int  # replicas whose logits are processed together; 0: classes are rows of the head
    keeps: bool  # some labels are not shown
    decays: bool


class Tensors(NamedTuple):
    """r replicas, N samples in visiting order, batch B, C classes; unused tensors are empty."""

    x: Tensor  # (r, N)
    y: Tensor  # (r, N)
    labels: Tensor  # (r, N)
    shown: Tensor  # (r, N), 1 where a label is shown, else 0
    edges: Tensor  # (r, C+1)
    reg_weight: Tensor  # (r, 1, 1)
    lr: Tensor  # (r, 1)
    decay: Tensor  # (r, 1)
    parameters: Tensor  # (r, P)
    gradient: Tensor
    first: Tensor
    second: Tensor
    work: Tensor
    losses: Tensor  # (2, r): sums of regression and class losses since the epoch began
    weights: list[Tensor]  # each layer's (r, out, in + 1) in ``parameters``; value and classes last
    gradients: list[Tensor]  # the same in ``gradient``
    inputs: list[Tensor]  # (r, in + 1, B): what each layer sees, with its row of ones
    deltas: list[Tensor]  # (r, hidden, B): the loss's slope at each layer
    slopes: list[Tensor]  # (r, hidden, B): the activation's
    head: Tensor  # (r, 1 or 1 + C, B)
    logits: Tensor  # (block, C, B)
    scaled: Tensor  # (r, last hidden + 1, B)
    share: Tensor  # (1, 1, 1): 1 / B


def train(s: Rules, t: Tensors, first: int, count: int, done: int) -> None:
    """``count`` steps from the epoch's batch ``first``, after ``done`` steps in all epochs."""
    for i in range(count):
        start = (first + i) * s.batch
        stop = start + s.batch
        _forward(s, t, t.x[:, start:stop])
        _heads(s, t, start, stop)
        _backward(t)
        _update(s, t, done + i + 1)


def _forward(s: Rules, t: Tensors, x: Tensor) -> None:
    t.inputs[0][:, 0].copy_(x)
    for layer in range(len(t.deltas)):
        z = torch.bmm(t.weights[layer], t.inputs[layer], out=t.deltas[layer])
        out = t.inputs[layer + 1]
        activate(s.activation, z, out[:, : out.size(1) - 1], t.slopes[layer])


def activate(kind: str, z: Tensor, out: Tensor, slope: Tensor) -> None:
    """``out`` = activation of ``z``; ``slope`` = its derivative there."""
    if kind == "relu":
        torch.gt(z, 0, out=slope)
        torch.clamp(z, min=0, out=out)
    elif kind == "tanh":
        torch.tanh(z, out=out)
        torch.square(out, out=slope).neg_().add_(1)
    else:  # GELU: z·Φ(z), with slope Φ(z) + z·φ(z); 0.3989… = 1/√(2π)
        normal = torch.special.ndtr(z)
        torch.square(z, out=slope).mul_(-0.5).exp_().mul_(z).mul_(0.3989422804014327)
        slope.add_(normal)
        torch.mul(z, normal, out=out)


def _heads(s: Rules, t: Tensors, start: int, stop: int) -> None:
    """Both losses: the last layer's gradient, and the slope at the last hidden layer."""
    last, weight, gradient, delta = t.inputs[-1], t.weights[-1], t.gradients[-1], t.deltas[-1]
    rows = t.head.size(1)  # the value, and few classes below it
    torch.bmm(weight[:, :rows], last, out=t.head)
    _value_slope(s, t, t.head[:, :1], t.y[:, start:stop].unsqueeze(1))
    if rows > 1:
        logits = t.head[:, 1:]
        logits.mul_(1.4426950408889634)  # log2 e
        logits.mul_(_residual(s, t, logits, False, 0, start, stop))
    gradient[:, :rows].copy_(torch.bmm(t.head, last.transpose(1, 2)))
    torch.bmm(weight[:, :rows, : delta.size(1)].transpose(1, 2), t.head, out=delta)
    if s.block > 0:
        _many_classes(s, t, start, stop)


def _value_slope(s: Rules, t: Tensors, value: Tensor, y: Tensor) -> None:
    """Replace the values by the slope of ``reg_weight · L_reg``, a mean over the batch."""
    error = value.sub_(y)
    weight = t.reg_weight / s.batch
    if s.reg_loss == "mse":
        t.losses[0].add_(error.square().mean(dim=(1, 2)))
        error.mul_(weight.mul_(2))
    elif s.reg_loss == "mae":
        t.losses[0].add_(error.abs().mean(dim=(1, 2)))
        error.sign_().mul_(weight)
    else:  # Huber with δ = 1: the loss is c·(e − c/2), with c the error cut to [−1, 1]
        cut = error.clamp(-1, 1)
        t.losses[0].add_(error.sub_(cut, alpha=0.5).mul_(cut).mean(dim=(1, 2)))
        torch.mul(cut, weight, out=error)


def _residual(
    s: Rules, t: Tensors, z: Tensor, small: bool, at: int, start: int, stop: int
) -> Tensor:
    """Turn base-2 logits ``z`` (k, C, B) of the replicas from ``at`` on into softmax minus labels,
    but for a factor (k, 1, B).

    The factor, which is returned, makes it the slope of the mean cross-entropy over shown labels.
    Unless all logits are known to be ``small``, the largest of a sample is taken off first, so
    that nothing overflows.
    """
    end = at + z.size(0)
    if not small:
        z.sub_(z.amax(dim=1, keepdim=True))
    total = z.exp2_().sum(dim=1, keepdim=True)
    share = t.share
    if s.keeps:
        shown = t.shown[at:end, start:stop].unsqueeze(1)
        share = shown / shown.sum(dim=2, keepdim=True).clamp_(min=1)
    if s.soft:
        q = soft_labels(t.edges[at:end], t.y[at:end, start:stop], s.sigma)
        loss = (z / total).clamp_(min=1e-30).log_().mul_(q).sum(dim=1, keepdim=True)
        z.addcmul_(q, total, value=-1)
    else:
        label = t.labels[at:end, start:stop].unsqueeze(1)
        chosen = torch.gather(z, 1, label)
        loss = (chosen / total).clamp_(min=1e-30).log_()
        z.scatter_(1, label, chosen.sub_(total))
    t.losses[1, at:end].sub_(loss.mul_(share).sum(dim=(1, 2)))
    return share / total


def soft_labels(edges: Tensor, y: Tensor, sigma: float) -> Tensor:
    """HL-Gauss (Imani & White, ICML 2018): the share of N(y, σ²) in each bin, (r, C, B).

    ``edges`` (r, C+1), ``y`` (r, B). What falls beyond the end bins is shared out in proportion; a
    target beyond them counts as their outer edge, as with hard labels it counts to the end bin.
    """
    y = torch.minimum(torch.maximum(y, edges[:, :1]), edges[:, -1:])
    below = torch.special.ndtr((edges.unsqueeze(2) - y.unsqueeze(1)) / sigma)
    share = below.diff(dim=1).clamp_(min=0)
    return share.div_(share.sum(dim=1, keepdim=True))


def _many_classes(s: Rules, t: Tensors, start: int, stop: int) -> None:
    """Class gradients, block by block, and their part of the last hidden layer's slope."""
    last, hidden = t.inputs[-1], t.deltas[-1].size(1)
    torch.mul(last, 1.4426950408889634, out=t.scaled)  # log2 e
    for at in range(0, last.size(0), s.block):
        end = min(at + s.block, last.size(0))
        weight, scaled = t.weights[-1][at:end, 1:], t.scaled[at:end]
        z = torch.bmm(weight, scaled, out=t.logits[: end - at])
        # No logit exceeds the largest weight times the sum of what it meets. Within ±100, 2 to the
        # power of it is an ordinary float32, and so is a sum of a million of them.
        bound = weight.abs().amax() * scaled.abs().sum(dim=1).amax()
        factor = _residual(s, t, z, float(bound) < 100, at, start, stop)
        torch.mul(last[at:end], factor, out=scaled)
        t.gradients[-1][at:end, 1:].copy_(torch.bmm(z, scaled.transpose(1, 2)))
        slope = torch.bmm(weight.transpose(1, 2), z)  # the biases' row is not needed, but is free
        t.deltas[-1][at:end].addcmul_(slope[:, :hidden], factor)


def _backward(t: Tensors) -> None:
    """From the slope at each hidden layer to its weights' gradient and the layer below."""
    for i in range(len(t.deltas)):
        layer = len(t.deltas) - 1 - i
        delta = t.deltas[layer].mul_(t.slopes[layer])
        t.gradients[layer].copy_(torch.bmm(delta, t.inputs[layer].transpose(1, 2)))
        if layer > 0:
            below = t.deltas[layer - 1]
            weight = t.weights[layer][:, :, : below.size(1)]
            torch.bmm(weight.transpose(1, 2), delta, out=below)


def _update(s: Rules, t: Tensors, step: int) -> None:
    """torch.optim's Adam (L2 in the gradient), AdamW or SGD with momentum, in place."""
    p, g, m, v = t.parameters, t.gradient, t.first, t.second
    if s.decays:
        if s.optimiser == "adamw":
            p.mul_(1 - t.lr * t.decay)
        else:
            g.addcmul_(p, t.decay)
    if s.optimiser == "sgd":
        m.mul_(s.momentum).add_(g)
        p.addcmul_(m, t.lr, value=-1)
    else:  # with torch's defaults: β₁ = 0.9, β₂ = 0.999, ε = 1e-8
        m.lerp_(g, 0.1)
        v.mul_(0.999).addcmul_(g, g, value=0.001)
        root = torch.sqrt(v, out=t.work).div_((1 - 0.999**step) ** 0.5).add_(1e-8)
        p.addcdiv_(m, root.mul_((1 - 0.9**step) / t.lr), value=-1)


_compiling = threading.Lock()


def fast_train():
    """``train``, scripted where torch can.

    Shards ask from several threads at once, and ``catch_warnings`` is not for threads:
    two of them leaving it in turn would let torch's warning through, hence the lock.
    """
    with _compiling:
        return _scripted()


@cache
def _scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch 2.13 calls scripting deprecated
        try:
            return torch.jit.script(train)
        except (AttributeError, RuntimeError, NotImplementedError):
            return train
