"""Training steps of a shard without autograd, written for TorchScript.

Compiled, several steps are one call that does not hold Python's global interpreter lock. Two Python
threads would wait for each other at each of the roughly fifty operators per step and be slower than
one. Where torch has no scripting, the same functions run as ordinary Python, slower but with the
same results.

Tensors have the layout ``(replica, unit, sample)``, so that every product is a batch of contiguous
matrices; a row of ones below each layer's input carries the biases. With many classes, a few
replicas are processed at a time, so that their logits stay in the cache. The softmax is fast for
two reasons. It uses base-2 exponentials, which torch computes several times faster than ``exp``;
the factor log2 e is applied to the few rows of the layer below. And the large array is neither
divided by its sum nor scaled by the weight of the loss; both are applied to the small factors of
its products.
"""

# No postponed evaluation of annotations here: TorchScript reads them.
import threading
import warnings
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor


class Rules(NamedTuple):
    """Settings of a shard, constant during training.

    Attributes
    ----------
    activation, reg_loss, optimiser : str
        As in `regcls.nn.spec`.
    soft : bool
        Whether class labels are Gaussian instead of one-hot.
    sigma : float
        Standard deviation of soft labels, in target units.
    momentum : float
        Momentum of SGD.
    batch : int
        Samples per step.
    classes : int
        Number of classes.
    block : int
        Replicas whose logits are processed together; 0 if the classes are rows of the head.
    keeps : bool
        Whether labels are kept at random only.
    decays : bool
        Whether any replica has weight decay.
    """

    activation: str
    reg_loss: str
    optimiser: str
    soft: bool
    sigma: float
    momentum: float
    batch: int
    classes: int
    block: int
    keeps: bool
    decays: bool


class Tensors(NamedTuple):
    """Data, parameters and buffers of a shard; unused tensors are empty.

    With R replicas, N samples, P parameters, batch B and C classes:

    Attributes
    ----------
    x, y : Tensor of shape (R, N)
        Inputs and targets, in the order of the current epoch.
    labels : Tensor of shape (R, N)
        Classes, in the same order.
    kept : Tensor of shape (R, N)
        1 where a label is kept, else 0.
    edges : Tensor of shape (R, C + 1)
        Class edges.
    reg_weight : Tensor of shape (R, 1, 1)
        Weights of the regression loss.
    lr, decay : Tensor of shape (R, 1)
        Learning rates and weight decays.
    parameters, gradient : Tensor of shape (R, P)
        Parameters and their gradient.
    first, second, work : Tensor of shape (R, P)
        Moments of the optimiser, and a buffer.
    losses : Tensor of shape (2, R)
        Sums of regression and class losses since the start of the epoch.
    weights, gradients : list of Tensor of shape (R, out, in + 1)
        Views of each layer in ``parameters`` and ``gradient``; the heads come last.
    inputs : list of Tensor of shape (R, in + 1, B)
        Input of each layer, with its row of ones.
    deltas : list of Tensor of shape (R, hidden, B)
        Gradient of the loss with respect to each hidden layer.
    slopes : list of Tensor of shape (R, hidden, B)
        Derivative of each activation.
    head : Tensor of shape (R, 1, B) or (R, 1 + C, B)
        Output of the heads, then its gradient.
    logits : Tensor of shape (block, C, B)
        Logits of one block of replicas.
    scaled : Tensor of shape (R, last hidden + 1, B)
        Scaled input of the class head.
    share : Tensor of shape (1, 1, 1)
        1 / B.
    """

    x: Tensor
    y: Tensor
    labels: Tensor
    kept: Tensor
    edges: Tensor
    reg_weight: Tensor
    lr: Tensor
    decay: Tensor
    parameters: Tensor
    gradient: Tensor
    first: Tensor
    second: Tensor
    work: Tensor
    losses: Tensor
    weights: list[Tensor]
    gradients: list[Tensor]
    inputs: list[Tensor]
    deltas: list[Tensor]
    slopes: list[Tensor]
    head: Tensor
    logits: Tensor
    scaled: Tensor
    share: Tensor


def train(s: Rules, t: Tensors, first: int, count: int, done: int) -> None:
    """Train for some steps of one epoch, in place.

    Parameters
    ----------
    s : Rules
        Settings.
    t : Tensors
        Data, parameters and buffers.
    first : int
        Batch of the epoch to start from.
    count : int
        Number of steps.
    done : int
        Steps trained before, over all epochs.
    """
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
    """Compute an activation and its derivative.

    Parameters
    ----------
    kind : {"relu", "tanh", "gelu"}
        Activation function.
    z : Tensor
        Its argument.
    out : Tensor
        Receives the activation; may be ``z`` itself.
    slope : Tensor
        Receives the derivative.
    """
    if kind == "relu":
        torch.gt(z, 0, out=slope)
        torch.clamp(z, min=0, out=out)
    elif kind == "tanh":
        torch.tanh(z, out=out)
        torch.square(out, out=slope).neg_().add_(1)
    else:  # GELU: z·Φ(z), with derivative Φ(z) + z·φ(z); 0.3989… = 1/√(2π)
        normal = torch.special.ndtr(z)
        torch.square(z, out=slope).mul_(-0.5).exp_().mul_(z).mul_(0.3989422804014327)
        slope.add_(normal)
        torch.mul(z, normal, out=out)


def _heads(s: Rules, t: Tensors, start: int, stop: int) -> None:
    """Compute both losses, the gradient of the heads, and that of the last hidden layer's output."""
    last, weight, gradient, delta = t.inputs[-1], t.weights[-1], t.gradients[-1], t.deltas[-1]
    rows = t.head.size(1)  # the value and, if there are few classes, their logits
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
    """Replace the values by the gradient of ``reg_weight`` · L_reg, averaged over the batch."""
    error = value.sub_(y)
    weight = t.reg_weight / s.batch
    if s.reg_loss == "mse":
        t.losses[0].add_(error.square().mean(dim=(1, 2)))
        error.mul_(weight.mul_(2))
    elif s.reg_loss == "mae":
        t.losses[0].add_(error.abs().mean(dim=(1, 2)))
        error.sign_().mul_(weight)
    else:  # Huber with δ = 1: the loss is c·(e − c/2), with c the error clipped to [−1, 1]
        clipped = error.clamp(-1, 1)
        t.losses[0].add_(error.sub_(clipped, alpha=0.5).mul_(clipped).mean(dim=(1, 2)))
        torch.mul(clipped, weight, out=error)


def _residual(
    s: Rules, t: Tensors, z: Tensor, small: bool, at: int, start: int, stop: int
) -> Tensor:
    """Replace base-2 logits by softmax minus labels, up to a factor that is returned.

    ``z`` (k, C, B) are the logits of the replicas from ``at`` on. Multiplied by the factor
    (k, 1, B), the result is the gradient of the mean cross-entropy over the kept labels. Unless all
    logits are known to be ``small``, the largest logit of each sample is subtracted first to avoid
    overflow.
    """
    end = at + z.size(0)
    if not small:
        z.sub_(z.amax(dim=1, keepdim=True))
    total = z.exp2_().sum(dim=1, keepdim=True)
    share = t.share
    if s.keeps:
        kept = t.kept[at:end, start:stop].unsqueeze(1)
        share = kept / kept.sum(dim=2, keepdim=True).clamp_(min=1)
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
    """Compute soft labels (HL-Gauss): the probability of each class under N(y, σ²).

    The Gaussian is truncated to the range of the classes. A target beyond that range counts as its
    nearest end, as with hard labels it counts towards the outermost class.

    Parameters
    ----------
    edges : Tensor of shape (R, C + 1)
        Class edges.
    y : Tensor of shape (R, B)
        Targets.
    sigma : float
        Standard deviation.

    Returns
    -------
    Tensor of shape (R, C, B)
        Probabilities.

    References
    ----------
    Imani & White, "Improving Regression Performance with Distributional Losses", ICML 2018, §3.
    """
    y = torch.minimum(torch.maximum(y, edges[:, :1]), edges[:, -1:])
    below = torch.special.ndtr((edges.unsqueeze(2) - y.unsqueeze(1)) / sigma)
    share = below.diff(dim=1).clamp_(min=0)
    return share.div_(share.sum(dim=1, keepdim=True))


def _many_classes(s: Rules, t: Tensors, start: int, stop: int) -> None:
    """Compute the class head's gradient and its part of the last hidden layer's, by blocks."""
    last, hidden = t.inputs[-1], t.deltas[-1].size(1)
    torch.mul(last, 1.4426950408889634, out=t.scaled)  # log2 e
    for at in range(0, last.size(0), s.block):
        end = min(at + s.block, last.size(0))
        weight, scaled = t.weights[-1][at:end, 1:], t.scaled[at:end]
        z = torch.bmm(weight, scaled, out=t.logits[: end - at])
        # No logit exceeds the largest weight times the sum of absolute inputs. Within ±100, its
        # base-2 exponential is a normal float32 number, and so is a sum of a million of them.
        bound = weight.abs().amax() * scaled.abs().sum(dim=1).amax()
        factor = _residual(s, t, z, float(bound) < 100, at, start, stop)
        torch.mul(last[at:end], factor, out=scaled)
        t.gradients[-1][at:end, 1:].copy_(torch.bmm(z, scaled.transpose(1, 2)))
        slope = torch.bmm(weight.transpose(1, 2), z)  # the bias row is unused but free
        t.deltas[-1][at:end].addcmul_(slope[:, :hidden], factor)


def _backward(t: Tensors) -> None:
    """Backpropagate through the hidden layers and compute their weights' gradients."""
    for i in range(len(t.deltas)):
        layer = len(t.deltas) - 1 - i
        delta = t.deltas[layer].mul_(t.slopes[layer])
        t.gradients[layer].copy_(torch.bmm(delta, t.inputs[layer].transpose(1, 2)))
        if layer > 0:
            below = t.deltas[layer - 1]
            weight = t.weights[layer][:, :, : below.size(1)]
            torch.bmm(weight.transpose(1, 2), delta, out=below)


def _update(s: Rules, t: Tensors, step: int) -> None:
    """Update the parameters in place as torch.optim's Adam (with L2), AdamW or SGD does."""
    p, g, m, v = t.parameters, t.gradient, t.first, t.second
    if s.decays:
        if s.optimiser == "adamw":
            p.mul_(1 - t.lr * t.decay)
        else:
            g.addcmul_(p, t.decay)
    if s.optimiser == "sgd":
        m.mul_(s.momentum).add_(g)
        p.addcmul_(m, t.lr, value=-1)
    else:  # torch's defaults: β₁ = 0.9, β₂ = 0.999, ε = 1e-8
        m.lerp_(g, 0.1)
        v.mul_(0.999).addcmul_(g, g, value=0.001)
        root = torch.sqrt(v, out=t.work).div_((1 - 0.999**step) ** 0.5).add_(1e-8)
        p.addcdiv_(m, root.mul_((1 - 0.9**step) / t.lr), value=-1)


_compile_lock = threading.Lock()


def fast_train() -> Callable[[Rules, Tensors, int, int, int], None]:
    """Return `train`, compiled with TorchScript where torch supports it.

    Returns
    -------
    callable
        The compiled function, or `train` itself.
    """
    # Several threads call this at once, and `catch_warnings` is not thread-safe: without the lock,
    # torch's warning could get through.
    with _compile_lock:
        return _scripted()


@cache
def _scripted() -> Callable[[Rules, Tensors, int, int, int], None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch 2.13 deprecates scripting
        try:
            return torch.jit.script(train)
        except (AttributeError, RuntimeError, NotImplementedError):
            return train
