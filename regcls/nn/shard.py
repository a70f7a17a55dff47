"""Part of an ensemble that one thread trains: its data, buffers and state."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike

from regcls.nn.kernels import Rules, Tensors, activate, fast_train
from regcls.nn.layout import SLOW_CLASSES, Layout, block_rows, epoch_order, generator

if TYPE_CHECKING:
    from regcls.nn.replicas import ReplicaData, ReplicaSettings
    from regcls.nn.spec import Network, Training


class Shard:
    """Replicas of an ensemble that are trained by one thread.

    Parameters
    ----------
    network : Network
        Architecture.
    training : Training
        Training settings.
    data : ReplicaData
        Data of these replicas.
    settings : ReplicaSettings
        Settings of these replicas.
    """

    def __init__(
        self, network: Network, training: Training, data: ReplicaData, settings: ReplicaSettings
    ):
        self.network, self.training, self.seeds = network, training, settings.seeds
        self.dtype = getattr(torch, training.dtype)
        self.device = torch.device(training.device)
        self.replicas, self.samples = data.x.shape
        self.step, self.shuffled_epoch = 0, -1
        self.x, self.y = self._float(data.x), self._float(data.y)
        self.labels = None if data.labels is None else self._long(data.labels)
        self.keep = None if data.keep is None else torch.as_tensor(data.keep)
        self.layout = Layout(network)
        self.flat = self._initial_weights()
        self.weights = self.layout.views(self.flat)
        many = network.classes > SLOW_CLASSES
        self.rules = Rules(
            activation=network.activation,
            reg_loss=training.reg_loss,
            optimiser=training.optimiser,
            soft=training.class_loss == "soft",
            sigma=float(training.sigma),
            momentum=float(training.momentum),
            batch=training.batch,
            classes=network.classes,
            block=block_rows(network, training, self.replicas) if many else 0,
            keeps=self.keep is not None,
            decays=bool((settings.weight_decay > 0).any()),
        )
        self.tensors = self._make_tensors(data.edges, settings)

    def _float(self, array: ArrayLike) -> torch.Tensor:
        return torch.tensor(np.ascontiguousarray(array), dtype=self.dtype, device=self.device)

    def _long(self, array: ArrayLike) -> torch.Tensor:
        return torch.tensor(np.ascontiguousarray(array), dtype=torch.int64, device=self.device)

    def _initial_weights(self) -> torch.Tensor:
        """Draw Xavier-uniform weights; the class head comes last, so that reg has the same draws."""
        flat = torch.zeros(self.replicas, self.layout.size, dtype=torch.float64)
        for r, seed in enumerate(self.seeds):
            rng = generator(seed, 1)
            for block in self.layout.views(flat[r : r + 1]):
                out, inputs = block.shape[1], block.shape[2] - 1
                head = block.data_ptr() == self.layout.views(flat[r : r + 1])[-1].data_ptr()
                for rows in (slice(0, 1), slice(1, None)) if head else (slice(0, out),):
                    weight = block[0, rows, :inputs]
                    bound = math.sqrt(6 / (inputs + max(len(weight), 1)))
                    draw = torch.rand(weight.shape, generator=rng, dtype=torch.float64)
                    weight.copy_((2 * draw - 1) * bound)
        return flat.to(self.device, self.dtype)

    def _make_tensors(self, edges: np.ndarray | None, settings: ReplicaSettings) -> Tensors:
        r, b, c, block = self.replicas, self.training.batch, self.network.classes, self.rules.block
        new = lambda *shape: torch.zeros(shape, dtype=self.dtype, device=self.device)
        gradient, wide = torch.zeros_like(self.flat), self.layout.inputs[-1] + 1
        inputs = [new(r, size + 1, b) for size in self.layout.inputs]
        for tensor in inputs:
            tensor[:, -1] = 1
        return Tensors(
            x=torch.empty_like(self.x),
            y=torch.empty_like(self.y),
            labels=self._long([]) if self.labels is None else torch.empty_like(self.labels),
            kept=torch.empty_like(self.x) if self.rules.keeps else new(0),
            edges=new(0) if edges is None else self._float(edges),
            reg_weight=self._float(settings.reg_weight).view(r, 1, 1),
            lr=self._float(settings.lr).view(r, 1),
            decay=self._float(settings.weight_decay).view(r, 1),
            parameters=self.flat,
            gradient=gradient,
            first=torch.zeros_like(self.flat),
            second=torch.zeros_like(self.flat),
            work=torch.zeros_like(self.flat),
            losses=new(2, r),
            weights=self.weights,
            gradients=self.layout.views(gradient),
            inputs=inputs,
            deltas=[new(r, size, b) for size in self.network.hidden],
            slopes=[new(r, size, b) for size in self.network.hidden],
            head=new(r, 1 if block else 1 + c, b),
            logits=new(block, c, b),
            scaled=new(r, wide, b) if block else new(0),
            share=torch.full((1, 1, 1), 1 / b, dtype=self.dtype, device=self.device),
        )

    def advance(self, steps: int) -> None:
        """Train for some steps.

        Parameters
        ----------
        steps : int
            Number of steps.
        """
        per_epoch = self.samples // self.training.batch
        end = self.step + steps
        # Without optimisation, a script runs the operators as written and rounds the same each time.
        with torch.no_grad(), torch.jit.optimized_execution(False):
            while self.step < end:
                epoch, at = divmod(self.step, per_epoch)
                if self.shuffled_epoch != epoch:
                    self._shuffle(epoch)
                if at == 0:
                    self.tensors.losses.zero_()
                count = min(per_epoch - at, end - self.step)
                fast_train()(self.rules, self.tensors, at, count, self.step)
                self.step += count

    def _shuffle(self, epoch: int) -> None:
        """Copy the samples in the order of the epoch, and draw which labels it keeps."""
        orders = [epoch_order(seed, epoch, self.samples) for seed in self.seeds]
        order = torch.stack(orders).to(self.device)
        self.shuffled_epoch, t = epoch, self.tensors
        torch.gather(self.x, 1, order, out=t.x)
        torch.gather(self.y, 1, order, out=t.y)
        if self.labels is not None:
            torch.gather(self.labels, 1, order, out=t.labels)
        if self.keep is not None:
            chance = torch.gather(self.keep, 1, t.labels.cpu())
            rngs = (generator(seed, 2 * epoch + 3) for seed in self.seeds)
            draw = torch.stack([torch.rand(self.samples, generator=g) for g in rngs])
            t.kept.copy_(draw < chance)

    def mean_losses(self) -> dict[str, np.ndarray]:
        """Return the mean training losses over the epoch so far, or over the last one.

        Returns
        -------
        dict of str to ndarray of shape (R,)
            "reg" and "cls".
        """
        per_epoch = self.samples // self.training.batch
        steps = (self.step - 1) % per_epoch + 1 if self.step else 1
        reg, cls = (self.tensors.losses / steps).cpu().numpy()
        return {"reg": reg, "cls": cls}

    def _last_hidden(self, x: np.ndarray) -> torch.Tensor:
        a = self._float(x).unsqueeze(1)
        for weight in self.weights[:-1]:
            a = torch.baddbmm(weight[:, :, -1:], weight[:, :, :-1], a)
            activate(self.network.activation, a, a, torch.empty_like(a))
        return a

    def values(self, x: np.ndarray) -> np.ndarray:
        """Return the predictions of the regression head.

        Parameters
        ----------
        x : ndarray of shape (R, M)
            Inputs.

        Returns
        -------
        ndarray of shape (R, M)
            Predictions.
        """
        head = self.weights[-1][:, :1]
        with torch.no_grad():
            out = torch.baddbmm(head[:, :, -1:], head[:, :, :-1], self._last_hidden(x))
        return out[:, 0].cpu().numpy()

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities of the class head.

        Parameters
        ----------
        x : ndarray of shape (R, M)
            Inputs.

        Returns
        -------
        ndarray of shape (R, M, C)
            Probabilities.
        """
        head = self.weights[-1][:, 1:]
        with torch.no_grad():
            z = torch.baddbmm(head[:, :, -1:], head[:, :, :-1], self._last_hidden(x))
            return torch.softmax(z.mT, dim=2).cpu().numpy()

    def parameters_of(self, replica: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the weights and biases of one replica.

        Parameters
        ----------
        replica : int
            Its index in this shard.

        Returns
        -------
        list of (weight, bias)
            Of the hidden layers, the regression head and, for reg+cls, the class head.
        """
        blocks = [weight[replica].cpu().numpy().copy() for weight in self.weights]
        head = blocks.pop()
        blocks.append(head[:1])
        if self.network.classes:
            blocks.append(head[1:])
        return [(block[:, :-1], block[:, -1]) for block in blocks]

    @property
    def state(self) -> dict[str, torch.Tensor]:
        """Arrays (R, …) that training changes and that do not follow from seeds and step."""
        return {
            "parameters": self.flat,
            "first": self.tensors.first,
            "second": self.tensors.second,
            "losses": self.tensors.losses.mT,
        }
