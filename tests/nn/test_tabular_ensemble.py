"""Ensemble of MLPs on tables against plain torch loops, and its early stopping."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from regcls.nn.layout import epoch_order
from regcls.nn.tabular_ensemble import Model, TabularEnsemble

EDGES = np.array([-3.0, -0.5, 0.5, 3.0])
ROWS, INPUTS, BATCH = 90, 4, 16


def fold(seed: int, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, INPUTS)).astype(np.float32)
    y = x[:, 0] + 0.5 * np.sin(2 * x[:, 1]) + 0.1 * rng.normal(size=rows)
    return x, y.astype(np.float32)


def models(folds: int) -> list[Model]:
    weights = tuple(np.linspace(0.5, 1.5, ROWS) for _ in range(folds))
    return [
        Model("cls", lr=1e-2, weight=3.0, weight_decay=1e-3, edges=(EDGES,) * folds),
        Model("mse", lr=1e-2, weight_decay=1e-2),
        Model("hl", lr=5e-3, weight=2.0, edges=(EDGES[:-1],) * folds, sigma=(0.7,) * folds),
        Model("mse", lr=2e-3, weight=10.0, sample_weight=weights),
        Model("bmc", lr=1e-2, variance=0.3),
    ]


def plain_loss(model: Model, value, logits, y, weight):
    """Compute the same losses with torch's functions."""
    if model.kind == "bmc":
        distance = -((value[:, None] - y[None, :]) ** 2) / (2 * model.variance)
        own = torch.nn.functional.cross_entropy(distance, torch.arange(len(y)))
        return model.weight * own * 2 * model.variance
    if model.kind == "hl":
        edges = torch.tensor(model.edges[0], dtype=torch.float32)
        at = y.clamp(float(edges[0]), float(edges[-1]))
        below = torch.distributions.Normal(at[:, None], model.sigma[0]).cdf(edges[None])
        share = below.diff(dim=1) / (below[:, -1:] - below[:, :1])
        return model.weight * torch.nn.functional.cross_entropy(logits, share)
    loss = model.weight * (weight * (value - y) ** 2).mean()
    if model.kind == "cls":
        label = torch.bucketize(y, torch.tensor(EDGES[1:-1], dtype=torch.float32), right=True)
        loss = loss + torch.nn.functional.cross_entropy(logits, label)
    return loss


def plain_training(layers, model: Model, x, y, seed: int, steps: int):
    """Train one model with torch's linear layers, autograd and Adam."""
    made = []
    for weight, bias in layers:
        layer = torch.nn.Linear(*weight.shape)
        layer.weight.data, layer.bias.data = torch.tensor(weight.T.copy()), torch.tensor(bias)
        made.append(layer)
    parameters = [p for layer in made for p in layer.parameters()]
    adam = torch.optim.Adam(parameters, lr=model.lr, weight_decay=model.weight_decay)
    x, y = torch.tensor(x), torch.tensor(y)
    weight = torch.ones(len(y))
    if model.sample_weight is not None:
        weight = torch.tensor(model.sample_weight[0], dtype=torch.float32)
    per_epoch = len(y) // BATCH
    for step in range(steps):
        epoch, at = divmod(step, per_epoch)
        rows = epoch_order(seed, epoch, len(y))[at * BATCH : (at + 1) * BATCH]
        a = x[rows]
        for layer in made[:2]:
            a = torch.relu(layer(a))
        logits = made[3](a) if len(made) > 3 else None
        adam.zero_grad()
        value = made[2](a)[:, 0]
        plain_loss(model, value, logits, y[rows], weight[rows]).backward()
        adam.step()
    return [(m.weight.detach().numpy().T, m.bias.detach().numpy()) for m in made]


@pytest.mark.parametrize("index", range(5), ids=[m.kind for m in models(1)])
def test_each_model_equals_a_plain_torch_loop(index):
    folds = [fold(0), fold(1)]
    x, y = zip(*folds, strict=True)
    ensemble = TabularEnsemble(x, y, models(2), seeds=[5, 6], hidden=(8, 6), batch=BATCH)
    first = [ensemble.layers(index, f, best=False) for f in range(2)]
    for _ in range(12):
        ensemble.train_step()
    for f in range(2):
        plain = plain_training(first[f], models(2)[index], *folds[f], seed=5 + f, steps=12)
        for ours, theirs in zip(ensemble.layers(index, f, best=False), plain, strict=True):
            np.testing.assert_allclose(ours[0], theirs[0], atol=1e-5)
            np.testing.assert_allclose(ours[1], theirs[1], atol=1e-5)


def test_models_of_a_fold_share_initial_weights():
    x, y = zip(fold(0), fold(1), strict=True)
    ensemble = TabularEnsemble(x, y, models(2), seeds=[5, 6], hidden=(8, 6), batch=BATCH)
    first = [ensemble.layers(i, 0, best=False)[0][0] for i in range(5)]
    assert all((weight == first[0]).all() for weight in first)
    assert (ensemble.layers(0, 1, best=False)[0][0] != first[0]).all()


def test_folds_of_different_sizes_keep_their_best_epoch():
    train, valid = [fold(0), fold(1, 70)], [fold(2, 40), fold(3, 31)]
    x, y = zip(*train, strict=True)
    plain = [Model("mse", lr=1e-2), Model("mse", lr=3.0)]
    ensemble = TabularEnsemble(x, y, plain, seeds=[0, 1], hidden=(16, 8), batch=BATCH)
    weights = [np.full(len(v[1]), 1 / len(v[1])) for v in valid]
    seen = []
    vx, vy = zip(*valid, strict=True)
    ensemble.fit(vx, vy, weights, epochs=30, patience=30, on_epoch=seen.append)
    assert seen == list(range(1, 31))
    predicted = ensemble.predict(vx)
    for f, (_, target) in enumerate(valid):
        own = np.abs(predicted[:, f, : len(target)] - target).mean(axis=1)
        np.testing.assert_allclose(own, ensemble.scores()[:, f], atol=1e-5)
    assert (ensemble.scores()[0] < 0.35).all()  # the mean's error is about 0.8
    assert (ensemble.scores()[1] > ensemble.scores()[0]).all()  # a learning rate of 3 is too high


def test_training_stops_without_improvement():
    x, y = fold(0)
    ensemble = TabularEnsemble([x], [y], [Model("mse", lr=0.0)], seeds=[0], batch=BATCH)
    ensemble.fit([x], [y], [np.ones(ROWS)], epochs=50, patience=3)
    assert ensemble.step == 4 * ensemble.steps_per_epoch


def test_labels_never_kept_do_not_train_the_class_head():
    x, y = fold(0)
    dropped = Model("cls", lr=1e-2, edges=(EDGES,), keep=(np.zeros(3),))
    ensemble = TabularEnsemble([x], [y], [dropped, Model("mse", lr=1e-2)], [0], (8, 6), BATCH)
    before = ensemble.layers(0, 0, best=False)
    for _ in range(5):
        ensemble.train_step()
    after = ensemble.layers(0, 0, best=False)
    assert (after[3][0] == before[3][0]).all() and (after[0][0] != before[0][0]).any()
    for ours, plain in zip(after[:3], ensemble.layers(1, 0, best=False), strict=True):
        np.testing.assert_allclose(ours[0], plain[0], atol=1e-6)


def test_invalid_arguments_are_named():
    x, y = fold(0)
    with pytest.raises(ValueError, match="one length"):
        TabularEnsemble([x], [y[:-1]], [Model("mse", lr=1.0)], [0])
    with pytest.raises(ValueError, match="kind"):
        Model("mae", lr=1.0)
    with pytest.raises(ValueError, match="edges"):
        Model("cls", lr=1.0)
