"""Ensemble of MLPs on tables: all folds, settings and losses trained in one batch of products.

Models are ordered by kind and, within a kind, by model and then by fold: row ``m · folds + g``. All
models of a fold start from the same weights and see the same batches in the same order, so that
they differ in the loss alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from regcls.nn import losses
from regcls.nn.labels import pad_edges
from regcls.nn.layout import epoch_order

KINDS = ("bmc", "mse", "cls", "hl")  # in the order of the rows
PREDICT_ROWS = 2048  # rows per call when predicting
_MASKED = -1e9  # logit of the classes that pad a model with fewer


@dataclass(frozen=True)
class Model:
    """Loss and optimiser settings of one model; tuples hold one entry per fold.

    Attributes
    ----------
    kind : {"mse", "bmc", "cls", "hl"}
        Loss: weighted mean squared error, Balanced MSE, mean squared error plus cross-entropy, or
        the cross-entropy of HL-Gauss, whose prediction is the mean of its class centres.
    lr : float
        Learning rate of Adam.
    weight : float
        Factor of the regression loss; for "hl", of the cross-entropy.
    weight_decay : float
        L2 penalty, added to the gradient.
    variance : float
        Noise variance of Balanced MSE.
    sample_weight : tuple of ndarray of shape (n,), optional
        Sample weights of "mse" and "cls"; ones by default.
    edges : tuple of ndarray of shape (C + 1,), optional
        Class edges, in the units of the ensemble's targets; needed by "cls" and "hl".
    keep : tuple of ndarray of shape (C,), optional
        Probability of keeping a label, by class; all labels are kept by default.
    sigma : tuple of float, optional
        Standard deviation of soft labels; needed by "hl".

    Raises
    ------
    ValueError
        If the kind is unknown, or ``edges`` or ``sigma`` do not belong to it.
    """

    kind: str
    lr: float
    weight: float = 1.0
    weight_decay: float = 0.0
    variance: float = 1.0
    sample_weight: tuple[np.ndarray, ...] | None = None
    edges: tuple[np.ndarray, ...] | None = None
    keep: tuple[np.ndarray, ...] | None = None
    sigma: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if (self.kind in ("cls", "hl")) != (self.edges is not None):
            raise ValueError("models of kind cls and hl need edges, the others must not have any")
        if (self.kind == "hl") != (self.sigma is not None):
            raise ValueError("models of kind hl need sigma, the others must not have it")


class TabularEnsemble:
    """M models on each of G folds, trained together.

    Parameters
    ----------
    x : sequence of G arrays of shape (n, d)
        Training inputs of each fold; n may differ between folds.
    y : sequence of G arrays of shape (n,)
        Training targets.
    models : sequence of M Model
        Losses and settings.
    seeds : sequence of G int
        Seed of each fold, for initial weights and the order of the rows.
    hidden : tuple of int, default (64, 32)
        Sizes of the hidden layers.
    batch : int, default 128
        Rows per step, at most those of the smallest fold.

    Raises
    ------
    ValueError
        If the arguments differ in length or a fold has fewer than 2 rows.
    """

    def __init__(
        self,
        x: Sequence[np.ndarray],
        y: Sequence[np.ndarray],
        models: Sequence[Model],
        seeds: Sequence[int],
        hidden: tuple[int, ...] = (64, 32),
        batch: int = 128,
    ):
        if not len(x) == len(y) == len(seeds) or not len(x) or not models:
            raise ValueError("x, y and seeds must have one entry per fold, and models at least one")
        if any(len(a) != len(b) or len(a) < 2 for a, b in zip(x, y, strict=True)):
            raise ValueError("x and y of each fold must be of one length, at least 2 rows")
        self.folds, self.models, self.hidden = len(x), tuple(models), tuple(hidden)
        self.seeds, self.sizes = tuple(seeds), [len(a) for a in x]
        self.batch = min(batch, *self.sizes)
        self.order = sorted(range(len(models)), key=lambda i: KINDS.index(models[i].kind))
        laid = [models[i] for i in self.order]
        ends = np.cumsum([sum(m.kind == kind for m in laid) for kind in KINDS]) * self.folds
        self._parts = {
            k: slice(int(a), int(b)) for k, a, b in zip(KINDS, [0, *ends], ends, strict=False)
        }
        self._with_classes = slice(int(ends[1]), int(ends[3]))
        self._hard = int(ends[2] - ends[1])  # rows with hard labels; those with soft labels follow
        self._x, self._y = _stacked(x), _stacked(y)
        self._make_settings(laid)
        self.parameters = self._initial_weights(self._x.shape[2])
        self._moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters]
        self.best = [p.detach().clone() for p in self.parameters]
        self.best_score = torch.full((len(models), self.folds), torch.inf)
        self.best_epoch = torch.zeros(len(models), self.folds, dtype=torch.int64)
        self._draws = torch.Generator().manual_seed(int(seeds[0]))
        self.step = 0

    @property
    def steps_per_epoch(self) -> int:
        """Full batches of the smallest fold."""
        return min(self.sizes) // self.batch

    def _make_settings(self, laid: list[Model]) -> None:
        g, n = self.folds, self._x.shape[1]
        per_row = lambda name: torch.tensor(
            [getattr(m, name) for m in laid for _ in range(g)], dtype=torch.float32
        )
        self._lr, self._decay, self._scale = map(per_row, ("lr", "weight_decay", "weight"))
        self._variance = per_row("variance")[self._parts["bmc"]]
        weighted = [m for m in laid if m.kind in ("mse", "cls")]
        self._weights: Tensor | None = None
        if any(m.sample_weight is not None for m in weighted):
            ones = (np.ones(n, np.float32),) * g
            self._weights = _stacked([w for m in weighted for w in m.sample_weight or ones])
        self._make_classes([m for m in laid if m.edges is not None])

    def _make_classes(self, laid: list[Model]) -> None:
        """Make the tensors of the models with classes: edges, masks, centres, labels, keep."""
        rows = [(m, f) for m in laid for f in range(self.folds)]
        edges = [np.asarray(m.edges[f], np.float32) for m, f in rows if m.edges is not None]
        self.classes = max((len(e) - 1 for e in edges), default=0)
        if not rows:
            return
        c, hard = self.classes, self._hard
        self._edges = torch.from_numpy(np.stack([pad_edges(e, c, infinite=True) for e in edges]))
        self._mask = torch.full((len(rows), 1, c), _MASKED)
        self._centres = torch.zeros(len(rows), c)
        self._keep = torch.ones(hard, c)
        self._sigma = torch.tensor(
            [m.sigma[f] for m, f in rows if m.sigma is not None], dtype=torch.float32
        )
        labels = []
        for i, ((m, f), own) in enumerate(zip(rows, map(torch.tensor, edges), strict=True)):
            count = len(own) - 1
            self._mask[i, 0, :count] = 0
            self._centres[i, :count] = (own[1:] + own[:-1]) / 2
            if i < hard:
                labels.append(torch.bucketize(self._y[f], own[1:-1].contiguous(), right=True))
                if m.keep is not None:
                    self._keep[i, :count] = torch.as_tensor(m.keep[f], dtype=torch.float32)
        self._labels = torch.stack(labels) if hard else torch.zeros(0, 0)

    def _initial_weights(self, inputs: int) -> list[Tensor]:
        """Draw Xavier-uniform weights, the same for all models of a fold; biases are zero."""
        sizes = (inputs, *self.hidden)
        shapes = [*itertools.pairwise(sizes), (sizes[-1], 1)]
        made = [self._drawn(shape, 2 * i, len(self.models)) for i, shape in enumerate(shapes)]
        if self.classes:
            count = (self._with_classes.stop - self._with_classes.start) // self.folds
            made.append(self._drawn((sizes[-1], self.classes), 2 * len(shapes), count))
        parameters = []
        for weight in made:
            parameters += [weight, torch.zeros(len(weight), 1, weight.shape[2])]
        return [p.requires_grad_() for p in parameters]

    def _drawn(self, shape: tuple[int, int], stream: int, models: int) -> Tensor:
        draws = []
        for seed in self.seeds:
            rng = torch.Generator().manual_seed((int(seed) << 8) + stream)
            draws.append((2 * torch.rand(shape, generator=rng) - 1) * (6 / sum(shape)) ** 0.5)
        return torch.stack(draws).repeat(models, 1, 1)

    def _forward(self, x: Tensor, parameters: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return values (R, B) and the logits (r, B, C) of models with classes, for x (G, B, d)."""
        a = x.repeat(len(self.models), 1, 1)
        for i in range(len(self.hidden)):
            a = torch.relu(torch.baddbmm(parameters[2 * i + 1], a, parameters[2 * i]))
        at = 2 * len(self.hidden)
        value = torch.baddbmm(parameters[at + 1], a, parameters[at])[:, :, 0]
        if not self.classes:
            return value, value[:0, :, None]
        logits = torch.baddbmm(parameters[at + 3], a[self._with_classes], parameters[at + 2])
        return value, logits + self._mask

    def losses(self, rows: Tensor) -> Tensor:
        """Compute the loss of each model on a batch.

        Parameters
        ----------
        rows : Tensor of shape (G, B), int64
            Training rows of each fold.

        Returns
        -------
        Tensor of shape (M · G,)
            Losses, in the internal order of the models.
        """
        fold = torch.arange(self.folds)[:, None]
        value, logits = self._forward(self._x[fold, rows], self.parameters)
        y = self._y[fold, rows].repeat(len(self.models), 1)
        found = []
        part = self._parts["bmc"]
        if part.stop > part.start:
            found.append(losses.balanced_mse(value[part], y[part], self._variance))
        part = slice(self._parts["mse"].start, self._parts["cls"].stop)
        if part.stop > part.start:
            weight = torch.ones(())
            if self._weights is not None:
                take = rows.repeat((part.stop - part.start) // self.folds, 1)
                weight = self._weights.gather(1, take)
            found.append(losses.weighted_mse(value[part], y[part], weight))
        part, hard = self._parts["hl"], self._hard
        if part.stop > part.start:
            labels = losses.soft_labels(self._edges[hard:], y[part], self._sigma)
            found.append(losses.soft_cross_entropy(logits[hard:], labels))
        total = torch.cat(found) * self._scale
        if hard:
            take = rows.repeat(hard // self.folds, 1)
            label = self._labels.gather(1, take)
            chance = self._keep.gather(1, label)
            kept = (torch.rand(chance.shape, generator=self._draws) < chance).float()
            extra = losses.hard_cross_entropy(logits[:hard], label, kept)
            part = self._parts["cls"]
            total = torch.cat([total[: part.start], total[part] + extra, total[part.stop :]])
        return total

    def train_step(self) -> None:
        """Train one batch of every fold with one step of Adam (L2 in the gradient)."""
        epoch, at = divmod(self.step, self.steps_per_epoch)
        if at == 0:
            count = self.steps_per_epoch * self.batch
            folds = zip(self.seeds, self.sizes, strict=True)
            self._rows = torch.stack([epoch_order(s, epoch, n)[:count] for s, n in folds])
        rows = self._rows[:, at * self.batch : (at + 1) * self.batch]
        gradients = torch.autograd.grad(self.losses(rows).sum(), self.parameters)
        self.step += 1
        with torch.no_grad():
            self._update(gradients)

    def _update(self, gradients: tuple[Tensor, ...]) -> None:
        for p, g, (m, v) in zip(self.parameters, gradients, self._moments, strict=True):
            rows = self._with_classes if len(p) != len(self._lr) else slice(None)
            # Only the class head has fewer rows, unless all models have classes.
            lr, decay = self._lr[rows, None, None], self._decay[rows, None, None]
            g = g.addcmul(p, decay)
            m.lerp_(g, 0.1)
            v.mul_(0.999).addcmul_(g, g, value=0.001)
            root = v.sqrt().div_((1 - 0.999**self.step) ** 0.5).add_(1e-8)
            p.sub_(lr / (1 - 0.9**self.step) * m / root)

    def fit(
        self,
        x: Sequence[np.ndarray],
        y: Sequence[np.ndarray],
        weights: Sequence[np.ndarray],
        epochs: int,
        patience: int,
        on_epoch: Callable[[int], None] = lambda epoch: None,
        on_step: Callable[[], None] = lambda: None,
    ) -> None:
        """Train with early stopping, keeping each model's weights of its best epoch.

        The validation score of a model is Σ ``weights`` · |error|.

        Parameters
        ----------
        x : sequence of G arrays of shape (m, d)
            Validation inputs of each fold.
        y : sequence of G arrays of shape (m,)
            Validation targets.
        weights : sequence of G arrays of shape (m,)
            Weights of the validation rows.
        epochs : int
            Most epochs to train.
        patience : int
            Epochs without an improvement of any model after which training stops.
        on_epoch : callable, optional
            Called with the number of completed epochs after each epoch; may raise to stop.
        on_step : callable, optional
            Called after each step; may raise to stop.
        """
        val_x, val_y, val_weights = _stacked(x), _stacked(y), _stacked(weights)
        while self.step < epochs * self.steps_per_epoch:
            for _ in range(self.steps_per_epoch):
                self.train_step()
                on_step()
            epoch = self.step // self.steps_per_epoch
            self._keep_best(self._values(val_x, self.parameters), val_y, val_weights, epoch)
            on_epoch(epoch)
            if epoch - int(self.best_epoch.max()) >= patience:
                return

    def _keep_best(self, values: Tensor, y: Tensor, weights: Tensor, epoch: int) -> None:
        folds = values.view(len(self.models), self.folds, -1)
        score = ((folds - y).abs() * weights).sum(dim=2)
        better = score < self.best_score
        self.best_score = torch.where(better, score, self.best_score)
        self.best_epoch = torch.where(better, epoch, self.best_epoch)
        flat = better.view(-1, 1, 1)
        for kept, p in zip(self.best, self.parameters, strict=True):
            rows = self._with_classes if len(p) != len(flat) else slice(None)
            kept.copy_(torch.where(flat[rows], p.detach(), kept))

    def _values(self, x: Tensor, parameters: list[Tensor]) -> Tensor:
        """Return the predictions (R, m) for x (G, m, d)."""
        parts = []
        with torch.no_grad():
            for at in range(0, x.shape[1], PREDICT_ROWS):
                value, logits = self._forward(x[:, at : at + PREDICT_ROWS], parameters)
                part = self._parts["hl"]
                if part.stop > part.start:
                    share = torch.softmax(logits[self._hard :], dim=2)
                    value[part] = (share * self._centres[self._hard :, None]).sum(dim=2)
                parts.append(value)
        return torch.cat(parts, dim=1)

    def scores(self) -> np.ndarray:
        """Return the best validation scores.

        Returns
        -------
        ndarray of shape (M, G)
            Score of each model in each fold.
        """
        return self._in_given_order(self.best_score).numpy()

    def predict(self, x: Sequence[np.ndarray]) -> np.ndarray:
        """Return the predictions of each model's best epoch.

        Parameters
        ----------
        x : sequence of G arrays of shape (m, d)
            Inputs of each fold; m may differ between folds.

        Returns
        -------
        ndarray of shape (M, G, m)
            Predictions; beyond a fold's own rows they have no meaning.
        """
        values = self._values(_stacked(x), self.best)
        return self._in_given_order(values.view(len(self.models), self.folds, -1)).numpy()

    def _in_given_order(self, laid: Tensor) -> Tensor:
        back = torch.empty_like(laid)
        back[self.order] = laid
        return back

    def layers(
        self, model: int, fold: int, best: bool = True
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the weights and biases of one model.

        Parameters
        ----------
        model : int
            Index of the model.
        fold : int
            Index of the fold.
        best : bool, default True
            Whether to return the weights of the best epoch instead of the current ones.

        Returns
        -------
        list of (weight, bias)
            Arrays of shapes (in, out) and (out,) of the hidden layers, the regression head and, for
            models with classes, the class head.
        """
        row = self.order.index(model) * self.folds + fold
        source = self.best if best else [p.detach() for p in self.parameters]
        found = []
        for i in range(0, 2 * len(self.hidden) + 2, 2):
            found.append((source[i][row].numpy().copy(), source[i + 1][row, 0].numpy().copy()))
        edges = self.models[model].edges
        if edges is not None:
            at = row - self._with_classes.start
            count = len(edges[fold]) - 1
            weight, bias = source[-2][at], source[-1][at, 0]
            found.append((weight[:, :count].numpy().copy(), bias[:count].numpy().copy()))
        return found


def _stacked(arrays: Sequence[np.ndarray]) -> Tensor:
    """Stack arrays of different sizes (G, …), padded with zeros."""
    shape = np.max([a.shape for a in arrays], axis=0)
    out = torch.zeros(len(arrays), *map(int, shape))
    for i, a in enumerate(arrays):
        own = tuple(slice(size) for size in a.shape)
        out[i][own] = torch.as_tensor(np.asarray(a, np.float32))
    return out
