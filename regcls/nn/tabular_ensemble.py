"""Ensemble of MLPs on tables: all folds, settings and losses trained in one batch of products.

Models are ordered by kind and, within a kind, by model and then by fold: row ``m · folds + g``. All
models of a fold start from the same weights and see the same batches in the same order, so that
they differ in the loss alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from regcls.nn import losses
from regcls.nn.layout import epoch_order
from regcls.nn.tabular_model import ANSWERS, COMPARED_ROWS, KINDS, WEIGHTED, WITH_CLASSES, Model
from regcls.nn.tabular_settings import Settings, stacked

PREDICT_ROWS = 2048  # rows per call when predicting


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
        self.folds, self.hidden = len(x), tuple(hidden)
        self.seeds, self.sizes = tuple(seeds), [len(a) for a in x]
        self.batch = min(batch, *self.sizes)
        self._x, self._y = stacked(x), stacked(y)
        self._lay(models)
        self.parameters = self._initial_weights(self._x.shape[2])
        self._moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters]
        self._best = {name: [p.detach().clone() for p in self.parameters] for name in ANSWERS}
        self._score = {name: torch.full((self._all.stop,), torch.inf) for name in ANSWERS}
        self.last_better = 0  # last epoch in which any model improved
        self._draws = torch.Generator().manual_seed(int(seeds[0]))
        self.step = 0

    @property
    def steps_per_epoch(self) -> int:
        """Full batches of the smallest fold."""
        return min(self.sizes) // self.batch

    def _lay(self, models: Sequence[Model]) -> None:
        """Order the models by kind and make what depends on them."""
        self.models = tuple(models)
        self.order = sorted(range(len(models)), key=lambda i: KINDS.index(models[i].kind))
        laid = [models[i] for i in self.order]
        ends = np.cumsum([0, *(sum(m.kind == kind for m in laid) for kind in KINDS)]) * self.folds
        self._parts = {
            kind: slice(int(a), int(b))
            for kind, a, b in zip(KINDS, ends[:-1], ends[1:], strict=True)
        }
        self._all = slice(0, int(ends[-1]))
        with_classes = self._span(WITH_CLASSES)
        # Rows that have each layer: the hidden ones and the value head, class head, variance head.
        layers = [*(self._all,) * (len(self.hidden) + 1), with_classes, self._parts["nll"]]
        self._rows = [rows for rows in layers for _ in ("weight", "bias")]
        self._settings = Settings.made(laid, self._y, self.sizes)

    def _span(self, kinds: Sequence[str]) -> slice:
        """Return the rows of kinds that lie side by side."""
        return slice(self._parts[kinds[0]].start, self._parts[kinds[-1]].stop)

    def _initial_weights(self, inputs: int) -> list[Tensor]:
        """Draw Xavier-uniform weights, the same for all models of a fold; biases are zero."""
        sizes = (inputs, *self.hidden)
        outputs = (1, self._settings.classes, 1)
        shapes = [*itertools.pairwise(sizes), *((sizes[-1], size) for size in outputs)]
        parameters = []
        for i, (shape, rows) in enumerate(zip(shapes, self._rows[::2], strict=True)):
            weight = self._drawn(shape, 2 * i, (rows.stop - rows.start) // self.folds)
            parameters += [weight, torch.zeros(len(weight), 1, weight.shape[2])]
        return [p.requires_grad_() for p in parameters]

    def _drawn(self, shape: tuple[int, int], stream: int, models: int) -> Tensor:
        draws = []
        for seed in self.seeds:
            rng = torch.Generator().manual_seed((int(seed) << 8) + stream)
            draws.append((2 * torch.rand(shape, generator=rng) - 1) * (6 / sum(shape)) ** 0.5)
        return torch.stack(draws).repeat(models, 1, 1)

    def _forward(self, x: Tensor, parameters: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return features (R, B, h), values (R, B), and logits (r, B, C) of models with classes."""
        a = x.repeat(len(self.models), 1, 1)
        for i in range(len(self.hidden)):
            a = torch.relu(torch.baddbmm(parameters[2 * i + 1], a, parameters[2 * i]))
        weight, bias, class_weight, class_bias = parameters[2 * len(self.hidden) :][:4]
        value = torch.baddbmm(bias, a, weight)[:, :, 0]
        logits = torch.baddbmm(class_bias, a[self._span(WITH_CLASSES)], class_weight)
        return a, value, logits + self._settings.mask

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
        y = self._y[fold, rows]
        features, value, logits = self._forward(self._x[fold, rows], self.parameters)
        first = self._first_terms(rows, y, features, value, logits)
        return first + self._second_terms(rows, y, features, logits)

    def _first_terms(
        self, rows: Tensor, y: Tensor, features: Tensor, value: Tensor, logits: Tensor
    ) -> Tensor:
        """Return the loss that every model has, times its factor, shape (R,)."""
        made, y, found = self._settings, y.repeat(len(self.models), 1), []
        part = self._parts["bmc"]
        if part.stop > part.start:
            found.append(losses.balanced_mse(value[part], y[part], made.variance))
        part = self._parts["nll"]
        if part.stop > part.start:
            weight, bias = self.parameters[-2:]
            raw = torch.baddbmm(bias, features[part], weight)[:, :, 0]
            found.append(losses.beta_nll(value[part], raw, y[part]))
        part = self._span(WEIGHTED)
        if part.stop > part.start:
            weight = torch.ones(())
            if made.sample_weights is not None:
                weight = made.sample_weights.gather(1, self._taken(rows, part))
            found.append(losses.weighted_mse(value[part], y[part], weight))
        part = self._parts["hl"]
        if part.stop > part.start:
            labels = losses.soft_labels(made.edges[made.hard :], y[part], made.sigma)
            found.append(losses.soft_cross_entropy(logits[made.hard :], labels))
        return torch.cat(found) * made.scale

    def _second_terms(self, rows: Tensor, y: Tensor, features: Tensor, logits: Tensor) -> Tensor:
        """Return what the loss of some models adds to the squared error, shape (R,)."""
        made = self._settings
        found = [torch.zeros(self._parts["ranksim"].start)]
        part = self._parts["ranksim"]
        if part.stop > part.start:
            own, targets = _distinct(features[part], y)
            found.append(losses.ranksim(own, targets) * made.strength[part])
        part = self._parts["oe"]
        if part.stop > part.start:
            own = features[part, :COMPARED_ROWS]
            targets = y[:, :COMPARED_ROWS].repeat(len(own) // self.folds, 1)
            found.append(losses.ordinal_entropy(own, targets) * made.strength[part])
        found.append(torch.zeros(self._parts["mse"].stop - self._parts["mse"].start))
        part = self._parts["cls"]
        if part.stop > part.start:
            label = made.labels.gather(1, self._taken(rows, part))
            chance = made.keep.gather(1, label)
            kept = (torch.rand(chance.shape, generator=self._draws) < chance).float()
            found.append(losses.hard_cross_entropy(logits[: made.hard], label, kept))
        found.append(torch.zeros(self._all.stop - part.stop))
        return torch.cat(found)

    def _taken(self, rows: Tensor, part: slice) -> Tensor:
        """Return the training rows (r, B) of the models in a part."""
        return rows.repeat((part.stop - part.start) // self.folds, 1)

    def train_step(self) -> None:
        """Train one batch of every fold with one step of Adam (L2 in the gradient)."""
        epoch, at = divmod(self.step, self.steps_per_epoch)
        if at == 0:
            count = self.steps_per_epoch * self.batch
            folds = zip(self.seeds, self.sizes, strict=True)
            self._order = torch.stack([epoch_order(s, epoch, n)[:count] for s, n in folds])
        rows = self._order[:, at * self.batch : (at + 1) * self.batch]
        total = self.losses(rows).sum()
        gradients = torch.autograd.grad(total, self.parameters, materialize_grads=True)
        self.step += 1
        with torch.no_grad():
            self._update(gradients)

    def _update(self, gradients: tuple[Tensor, ...]) -> None:
        made = self._settings
        for i, (p, g, (m, v)) in enumerate(
            zip(self.parameters, gradients, self._moments, strict=True)
        ):
            rows = self._rows[i]
            lr, decay = made.lr[rows, None, None], made.weight_decay[rows, None, None]
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

        The validation score of a model is Σ ``weights`` · |error|. Models with a class head have
        three answers, each with a best epoch of its own; see `regcls.nn.tabular_model.ANSWERS`.

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
            Called with the number of completed epochs after each epoch; may raise to stop, or call
            `keep`.
        on_step : callable, optional
            Called after each step; may raise to stop.
        """
        val_x, val_y, val_weights = stacked(x), stacked(y), stacked(weights)
        while self.step < epochs * self.steps_per_epoch:
            for _ in range(self.steps_per_epoch):
                self.train_step()
                on_step()
            epoch = self.step // self.steps_per_epoch
            self._keep_best(val_x, val_y, val_weights, epoch)
            on_epoch(epoch)
            if epoch - self.last_better >= patience:
                return

    def _keep_best(self, x: Tensor, y: Tensor, weights: Tensor, epoch: int) -> None:
        found = self._answers(x, self.parameters)
        for name, (rows, predicted) in found.items():
            repeats = len(predicted) // self.folds
            error = (predicted - y.repeat(repeats, 1)).abs() * weights.repeat(repeats, 1)
            score = error.sum(dim=1)
            better = score < self._score[name][rows]
            if not better.any():
                continue
            self.last_better = epoch
            self._score[name][rows] = torch.where(better, score, self._score[name][rows])
            for kept, p, own in zip(self._best[name], self.parameters, self._rows, strict=True):
                low, high = max(rows.start, own.start), min(rows.stop, own.stop)
                if low < high:
                    at = slice(low - own.start, high - own.start)
                    which = better[low - rows.start : high - rows.start, None, None]
                    kept[at] = torch.where(which, p.detach()[at], kept[at])

    def _answers(self, x: Tensor, parameters: list[Tensor]) -> dict[str, tuple[slice, Tensor]]:
        """Return the rows and predictions (r, m) of each answer, for x (G, m, d)."""
        made, hard = self._settings, self._settings.hard
        parts: dict[str, list[Tensor]] = {name: [] for name in ANSWERS}
        with torch.no_grad():
            for at in range(0, x.shape[1], PREDICT_ROWS):
                _, value, logits = self._forward(x[:, at : at + PREDICT_ROWS], parameters)
                mean = _mean_class(logits, made.centres)
                value[self._parts["hl"]] = mean[hard:]
                parts["value"].append(value)
                parts["class"].append(mean[:hard])
                free = _mean_class(logits[:hard] - made.log_prior, made.centres[:hard])
                parts["prior"].append(free)
        rows = {"value": self._all, "class": self._parts["cls"], "prior": self._parts["cls"]}
        return {
            name: (rows[name], torch.cat(found, dim=1))
            for name, found in parts.items()
            if rows[name].stop > rows[name].start
        }

    def keep(self, models: Sequence[int]) -> None:
        """Drop all other models; the remaining ones go on as if alone.

        Parameters
        ----------
        models : sequence of int
            Indices of the models to keep; they are numbered anew in their order.
        """
        kept = sorted(models)
        places = [p for p, i in enumerate(self.order) if i in kept]
        rows = torch.tensor([p * self.folds + f for p in places for f in range(self.folds)])
        own = [rows[(rows >= s.start) & (rows < s.stop)] - s.start for s in self._rows]
        self._lay([self.models[i] for i in kept])
        head = 2 * len(self.hidden) + 2  # the class head, which may have fewer classes now
        sizes = [
            slice(self._settings.classes if i in (head, head + 1) else None)
            for i in range(len(own))
        ]

        def picked(tensors: Sequence[Tensor]) -> list[Tensor]:
            return [
                t.detach()[at][..., size].clone()
                for t, at, size in zip(tensors, own, sizes, strict=True)
            ]

        first, second = zip(*self._moments, strict=True)
        self.parameters = [p.requires_grad_() for p in picked(self.parameters)]
        self._moments = list(zip(picked(first), picked(second), strict=True))
        self._best = {name: picked(best) for name, best in self._best.items()}
        self._score = {name: score[rows] for name, score in self._score.items()}

    def scores(self, answer: str = "value") -> np.ndarray:
        """Return the best validation scores.

        Parameters
        ----------
        answer : {"value", "class", "prior"}
            What is scored.

        Returns
        -------
        ndarray of shape (M, G)
            Score of each model in each fold; infinite for models without this answer.
        """
        return self._in_given_order(self._score[answer].view(-1, self.folds)).numpy()

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
        _, values = self._answers(stacked(x), self._best["value"])["value"]
        return self._in_given_order(values.view(len(self.models), self.folds, -1)).numpy()

    def _in_given_order(self, laid: Tensor) -> Tensor:
        back = torch.empty_like(laid)
        back[self.order] = laid
        return back

    def layers(
        self, model: int, fold: int, answer: str | None = "value"
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the weights and biases of one model.

        Parameters
        ----------
        model : int
            Index of the model.
        fold : int
            Index of the fold.
        answer : {"value", "class", "prior"} or None
            What the weights are the best for; None for the current weights.

        Returns
        -------
        list of (weight, bias)
            Arrays of shapes (in, out) and (out,) of the hidden layers, the value head and, for
            models that have one, the class head or the variance head.
        """
        row = self.order.index(model) * self.folds + fold
        source = [p.detach() for p in self.parameters] if answer is None else self._best[answer]
        found = []
        for weight, bias, rows in zip(source[::2], source[1::2], self._rows[::2], strict=True):
            if rows.start <= row < rows.stop:
                at = row - rows.start
                found.append((weight[at].numpy().copy(), bias[at, 0].numpy().copy()))
        edges = self.models[model].edges
        if edges is not None:
            count = len(edges[fold]) - 1
            found[-1] = found[-1][0][:, :count], found[-1][1][:count]
        return found


def _mean_class(logits: Tensor, centres: Tensor) -> Tensor:
    """Return the mean class centre (r, m) under the softmax of the logits (r, m, C)."""
    return (torch.softmax(logits, dim=2) @ centres[:, :, None])[:, :, 0]


def _distinct(features: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return features (r, k, h) and targets (r, k) of rows that differ in their target.

    They are drawn from the first rows of a batch, whose order is random; k is the same in all folds.
    """
    folds, y = len(y), y[:, :COMPARED_ROWS]
    first = [np.sort(np.unique(own.numpy(), return_index=True)[1]) for own in y]
    count = min(map(len, first))
    take = torch.from_numpy(np.stack([own[:count] for own in first]))
    take, targets = (t.repeat(len(features) // folds, 1) for t in (take, y.gather(1, take)))
    return features.gather(1, take[:, :, None].expand(-1, -1, features.shape[2])), targets
