"""Many MLPs on tables, trained at once: folds × settings × losses in one batch of products.

Models are laid out kind by kind, and within a kind model by model, fold by fold: row
``m · folds + g``. All models of a fold start from the same weights and see the same batches in
the same order, so what differs between them is the loss alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from regcls.nn import losses
from regcls.nn.layout import epoch_order

KINDS = ("bmc", "mse", "cls", "hl")  # laid out in this order
PREDICT_ROWS = 2048
_MASKED = -1e9  # the logit of a class that a model has not


@dataclass(frozen=True)
class Model:
    """What one model minimises: ``weight`` times its regression loss, and for "cls" the classes'.

    ``kind``: "mse" (weighted by ``sample_weight``), "bmc" (Balanced MSE of noise ``variance``),
    "cls" (mse + cross-entropy over ``edges``), "hl" (HL-Gauss over ``edges`` alone, ``sigma``).
    By fold: ``sample_weight`` (n,) or None for ones; ``edges`` (C+1,); ``keep`` (C,), the chance
    that a label is shown, or None for always. Targets and edges in the engine's units of y.
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

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if (self.kind in ("cls", "hl")) != (self.edges is not None):
            raise ValueError("cls and hl models need edges, the others have none")
        if (self.kind == "hl") != (self.sigma is not None):
            raise ValueError("hl models need sigma, the others have none")


class TabularEnsemble:
    """M models × G folds. ``x``: G arrays (n, d) float32; ``y``: G arrays (n,); ``seeds``: G.

    Raises ``ValueError`` where the arguments do not fit.
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
            raise ValueError("x, y and seeds must hold one entry a fold, and models at least one")
        if any(len(a) != len(b) or len(a) < 2 for a, b in zip(x, y, strict=True)):
            raise ValueError("x and y of each fold must be of one length, of at least 2 rows")
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
        self._x, self._y = _padded(x), _padded(y)
        self._make_settings(laid)
        self.parameters = self._first_weights(self._x.shape[2])
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
        self._weights = None
        if any(m.sample_weight is not None for m in weighted):
            rows = [torch.ones(n) if m.sample_weight is None else _stretched(m.sample_weight[f], n)
                    for m in weighted for f in range(g)]  # fmt: skip
            self._weights = torch.stack(rows)
        self._make_classes([m for m in laid if m.edges is not None])

    def _make_classes(self, laid: list[Model]) -> None:
        """Edges, masks, centres, labels, keep chances of the models that have classes."""
        rows = [(m, f) for m in laid for f in range(self.folds)]
        self.classes = max((len(m.edges[f]) - 1 for m, f in rows), default=0)
        if not rows:
            return
        c, hard = self.classes, self._parts["cls"].stop - self._parts["cls"].start
        self._edges = torch.full((len(rows), c + 1), torch.inf)
        self._mask = torch.full((len(rows), 1, c), _MASKED)
        self._centres = torch.zeros(len(rows), c)
        self._keep = torch.ones(hard, c)
        self._sigma = torch.tensor([m.sigma[f] for m, f in rows[hard:]], dtype=torch.float32)
        for i, (m, f) in enumerate(rows):
            edges = torch.as_tensor(np.asarray(m.edges[f], np.float32))
            self._edges[i, : len(edges)] = edges
            self._mask[i, 0, : len(edges) - 1] = 0
            self._centres[i, : len(edges) - 1] = (edges[1:] + edges[:-1]) / 2
            if i < hard and m.keep is not None:
                self._keep[i, : len(edges) - 1] = torch.as_tensor(m.keep[f], dtype=torch.float32)
        labels = [
            torch.bucketize(self._y[i % self.folds], self._edges[i, 1:-1].contiguous(), right=True)
            for i in range(hard)
        ]
        last = (self._edges[:hard].isfinite().sum(dim=1) - 2).clamp(min=0)
        self._labels = (
            torch.minimum(torch.stack(labels), last[:, None]) if hard else torch.zeros(0, 0)
        )

    def _first_weights(self, inputs: int) -> list[Tensor]:
        """Xavier-uniform weights, zero biases, alike for all models of a fold; classes last."""
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

    def _forward(self, x: Tensor, parameters: list[Tensor]) -> tuple[Tensor, Tensor | None]:
        """Values (R, B) and logits (of the models with classes, (r, B, C)) for ``x`` (G, B, d)."""
        a = x.repeat(len(self.models), 1, 1)
        for i in range(len(self.hidden)):
            a = torch.relu(torch.baddbmm(parameters[2 * i + 1], a, parameters[2 * i]))
        at = 2 * len(self.hidden)
        value = torch.baddbmm(parameters[at + 1], a, parameters[at])[:, :, 0]
        if not self.classes:
            return value, None
        logits = torch.baddbmm(parameters[at + 3], a[self._with_classes], parameters[at + 2])
        return value, logits + self._mask

    def losses(self, rows: Tensor) -> Tensor:
        """What each model minimises (R,) on a batch: ``rows`` (G, B) of each fold's training rows."""
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
            found.append(losses.squared(value[part], y[part], weight))
        part = self._parts["hl"]
        hard = self._parts["cls"].stop - self._parts["cls"].start
        if part.stop > part.start:
            labels = losses.soft_labels(self._edges[hard:], y[part], self._sigma)
            found.append(losses.soft_entropy(logits[hard:], labels))
        total = torch.cat(found) * self._scale
        if hard:
            take = rows.repeat(hard // self.folds, 1)
            label = self._labels.gather(1, take)
            chance = self._keep.gather(1, label)
            shown = (torch.rand(chance.shape, generator=self._draws) < chance).float()
            extra = losses.hard_entropy(logits[:hard], label, shown)
            part = self._parts["cls"]
            total = torch.cat([total[: part.start], total[part] + extra, total[part.stop :]])
        return total

    def train_step(self) -> None:
        """One batch of every fold, one step of Adam (L2 in the gradient, torch's defaults)."""
        epoch, at = divmod(self.step, self.steps_per_epoch)
        if at == 0:
            count = self.steps_per_epoch * self.batch
            orders = [epoch_order(s, epoch, n)[:count] for s, n in
                      zip(self.seeds, self.sizes, strict=True)]  # fmt: skip
            self._rows = torch.stack(orders)
        rows = self._rows[:, at * self.batch : (at + 1) * self.batch]
        gradients = torch.autograd.grad(self.losses(rows).sum(), self.parameters)
        self.step += 1
        with torch.no_grad():
            self._update(gradients)

    def _update(self, gradients: tuple[Tensor, ...]) -> None:
        for p, g, (m, v) in zip(self.parameters, gradients, self._moments, strict=True):
            rows = self._with_classes if len(p) != len(self._lr) else slice(None)
            # The class head alone has fewer rows; where all models have classes both are the same.
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
        watch: Callable[[int], None] = lambda epoch: None,
        breathe: Callable[[], None] = lambda: None,
    ) -> None:
        """Train, keeping each model's weights of its best epoch on the validation rows.

        The score is Σ ``weights`` · |error| over a fold's validation ``x`` (m, d), ``y`` (m,).
        Stops after ``epochs``, or when no model got better for ``patience`` epochs. ``watch`` is
        called after each epoch, ``breathe`` after each step; either may raise to stop.
        """
        y, weights = _padded(y), _padded(weights)
        x = _padded(x)
        while self.step < epochs * self.steps_per_epoch:
            for _ in range(self.steps_per_epoch):
                self.train_step()
                breathe()
            epoch = self.step // self.steps_per_epoch
            self._keep_best(self._values(x, self.parameters), y, weights, epoch)
            watch(epoch)
            if epoch - int(self.best_epoch.max()) >= patience:
                return

    def _keep_best(self, values: Tensor, y: Tensor, weights: Tensor, epoch: int) -> None:
        rows = values.view(len(self.models), self.folds, -1)
        score = ((rows - y).abs() * weights).sum(dim=2)
        better = score < self.best_score
        self.best_score = torch.where(better, score, self.best_score)
        self.best_epoch = torch.where(better, epoch, self.best_epoch)
        flat = better.view(-1, 1, 1)
        for kept, p in zip(self.best, self.parameters, strict=True):
            rows = self._with_classes if len(p) != len(flat) else slice(None)
            kept.copy_(torch.where(flat[rows], p.detach(), kept))

    def _values(self, x: Tensor, parameters: list[Tensor]) -> Tensor:
        """What each model predicts (R, m) for ``x`` (G, m, d)."""
        parts = []
        with torch.no_grad():
            for at in range(0, x.shape[1], PREDICT_ROWS):
                value, logits = self._forward(x[:, at : at + PREDICT_ROWS], parameters)
                part = self._parts["hl"]
                if part.stop > part.start:
                    hard = self._parts["cls"].stop - self._parts["cls"].start
                    share = torch.softmax(logits[hard:], dim=2)
                    value[part] = (share * self._centres[hard:, None]).sum(dim=2)
                parts.append(value)
        return torch.cat(parts, dim=1)

    def scores(self) -> np.ndarray:
        """Best validation score (M, G) of each model in each fold, in the order they were given."""
        return self._given(self.best_score).numpy()

    def predict(self, x: Sequence[np.ndarray]) -> np.ndarray:
        """Values (M, G, m) of the best epoch for each fold's own ``x`` (m, d), padded with zeros."""
        values = self._values(_padded(x), self.best)
        return self._given(values.view(len(self.models), self.folds, -1)).numpy()

    def _given(self, laid: Tensor) -> Tensor:
        back = torch.empty_like(laid)
        back[self.order] = laid
        return back

    def layers(
        self, model: int, fold: int, best: bool = True
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """(weight (in, out), bias (out,)) of the hidden layers, the value head, the class head."""
        row = self.order.index(model) * self.folds + fold
        source = self.best if best else [p.detach() for p in self.parameters]
        found = []
        for i in range(0, 2 * len(self.hidden) + 2, 2):
            found.append((source[i][row].numpy().copy(), source[i + 1][row, 0].numpy().copy()))
        if self.models[model].edges is not None:
            at = row - self._with_classes.start
            count = len(self.models[model].edges[fold]) - 1
            weight, bias = source[-2][at], source[-1][at, 0]
            found.append((weight[:, :count].numpy().copy(), bias[:count].numpy().copy()))
        return found


def run_alone() -> None:
    """This thread's products run on it alone: many small ones gain nothing from more threads."""
    from threadpoolctl import threadpool_limits

    torch.get_num_threads()  # torch's own start of a thread, which would undo the next
    torch.set_num_threads(1)
    threadpool_limits(1, user_api="openmp")


def _stretched(values: np.ndarray, length: int) -> Tensor:
    out = torch.zeros(length)
    out[: len(values)] = torch.as_tensor(np.asarray(values, np.float32))
    return out


def _padded(arrays: Sequence[np.ndarray]) -> Tensor:
    """Stack arrays of unlike sizes (G, …); what is missing is zero."""
    shape = np.max([a.shape for a in arrays], axis=0)
    out = torch.zeros(len(arrays), *map(int, shape))
    for i, a in enumerate(arrays):
        out[(i, *(slice(0, s) for s in a.shape))] = torch.as_tensor(np.asarray(a, np.float32))
    return out
