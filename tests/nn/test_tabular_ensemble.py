"""Ensemble of MLPs on tables against plain torch loops, and its early stopping."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from regcls.nn import losses
from regcls.nn.layout import epoch_order
from regcls.nn.tabular_ensemble import TabularEnsemble
from regcls.nn.tabular_model import Model

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
        Model("nll", lr=1e-2, weight=2.0, weight_decay=1e-3),
        Model("ranksim", lr=1e-2, weight=3.0, strength=0.5),
        Model("oe", lr=5e-3, weight=3.0, strength=0.2),
    ]


def plain_loss(model: Model, features, value, logits, y, weight):
    """Compute the same losses with torch's functions, those on features with the tested ones."""
    if model.kind == "nll":
        variance = torch.nn.functional.softplus(logits[:, 0]) + losses.LEAST_VARIANCE
        nll = torch.nn.functional.gaussian_nll_loss(value, y, variance, reduction="none")
        return model.weight * (variance.detach().sqrt() * nll).mean()
    if model.kind in ("ranksim", "oe"):
        term = losses.ranksim if model.kind == "ranksim" else losses.ordinal_entropy
        extra = term(features[None], y[None])[0]
        return model.weight * (((value - y) ** 2).mean() + model.strength * extra)
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
        plain_loss(model, a, value, logits, y[rows], weight[rows]).backward()
        adam.step()
    return [(m.weight.detach().numpy().T, m.bias.detach().numpy()) for m in made]


@pytest.mark.parametrize("index", range(8), ids=[m.kind for m in models(1)])
def test_each_model_equals_a_plain_torch_loop(index):
    folds = [fold(0), fold(1)]
    x, y = zip(*folds, strict=True)
    ensemble = TabularEnsemble(x, y, models(2), seeds=[5, 6], hidden=(8, 6), batch=BATCH)
    first = [ensemble.layers(index, f, answer=None) for f in range(2)]
    for _ in range(12):
        ensemble.train_step()
    for f in range(2):
        plain = plain_training(first[f], models(2)[index], *folds[f], seed=5 + f, steps=12)
        for ours, theirs in zip(ensemble.layers(index, f, answer=None), plain, strict=True):
            np.testing.assert_allclose(ours[0], theirs[0], atol=1e-5)
            np.testing.assert_allclose(ours[1], theirs[1], atol=1e-5)


def test_models_of_a_fold_share_initial_weights():
    x, y = zip(fold(0), fold(1), strict=True)
    ensemble = TabularEnsemble(x, y, models(2), seeds=[5, 6], hidden=(8, 6), batch=BATCH)
    first = [ensemble.layers(i, 0, answer=None)[0][0] for i in range(8)]
    assert all((weight == first[0]).all() for weight in first)
    assert (ensemble.layers(0, 1, answer=None)[0][0] != first[0]).all()


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


def test_each_answer_of_a_class_head_keeps_its_own_best_epoch():
    """Scores are those of the class head's mean, without and with the prior removed, by hand."""
    (x, y), (vx, vy) = fold(0), fold(2, 40)
    keep = np.array([1.0, 0.4, 1.0])
    made = [Model("mse", lr=1e-2), Model("cls", lr=3e-2, weight=0.0, edges=(EDGES,), keep=(keep,))]
    ensemble = TabularEnsemble([x], [y], made, seeds=[0], hidden=(16, 8), batch=BATCH)
    ensemble.fit([vx], [vy], [np.full(40, 1 / 40)], epochs=20, patience=20)
    centres = (EDGES[1:] + EDGES[:-1]) / 2
    prior = np.histogram(y, [-np.inf, *EDGES[1:-1], np.inf])[0] * keep
    for answer, log_prior in (("class", 0.0), ("prior", np.log(prior / prior.sum()))):
        layers = ensemble.layers(1, 0, answer)
        a = vx
        for weight, bias in layers[:2]:
            a = np.maximum(a @ weight + bias, 0)
        share = np.exp(a @ layers[3][0] + layers[3][1] - log_prior)
        mean = share / share.sum(axis=1, keepdims=True) @ centres
        assert np.abs(mean - vy).mean() == pytest.approx(ensemble.scores(answer)[1, 0], abs=1e-5)
        assert ensemble.scores(answer)[0, 0] == np.inf  # the first model has no classes


def test_models_train_on_alike_when_others_are_dropped():
    x, y = zip(fold(0), fold(1), strict=True)
    few, made = [0, 2, 4, 5, 6], models(2)
    wide = Model("cls", lr=1e-2, edges=(np.linspace(-3, 3, 9),) * 2)
    both = TabularEnsemble(x, y, [*made, wide], seeds=[5, 6], hidden=(8, 6), batch=BATCH)
    rest = [*(made[i] for i in few), wide]  # the widest class head stays
    alone = TabularEnsemble(x, y, rest, seeds=[5, 6], hidden=(8, 6), batch=BATCH)
    for ensemble in (both, alone):
        ensemble.fit(x, y, [np.ones(ROWS)] * 2, epochs=2, patience=9)
    both.keep(few)
    for ensemble in (both, alone):
        ensemble.fit(x, y, [np.ones(ROWS)] * 2, epochs=5, patience=9)
    np.testing.assert_allclose(both.scores(), alone.scores()[: len(few)], rtol=1e-4)
    for i in range(len(few)):
        for ours, theirs in zip(both.layers(i, 1), alone.layers(i, 1), strict=True):
            np.testing.assert_allclose(ours[0], theirs[0], atol=1e-5)


def test_training_stops_without_improvement():
    x, y = fold(0)
    ensemble = TabularEnsemble([x], [y], [Model("mse", lr=0.0)], seeds=[0], batch=BATCH)
    ensemble.fit([x], [y], [np.ones(ROWS)], epochs=50, patience=3)
    assert ensemble.step == 4 * ensemble.steps_per_epoch


def test_labels_never_kept_do_not_train_the_class_head():
    x, y = fold(0)
    dropped = Model("cls", lr=1e-2, edges=(EDGES,), keep=(np.zeros(3),))
    ensemble = TabularEnsemble([x], [y], [dropped, Model("mse", lr=1e-2)], [0], (8, 6), BATCH)
    before = ensemble.layers(0, 0, answer=None)
    for _ in range(5):
        ensemble.train_step()
    after = ensemble.layers(0, 0, answer=None)
    assert (after[3][0] == before[3][0]).all() and (after[0][0] != before[0][0]).any()
    for ours, plain in zip(after[:3], ensemble.layers(1, 0, answer=None), strict=True):
        np.testing.assert_allclose(ours[0], plain[0], atol=1e-6)


def test_invalid_arguments_are_named():
    x, y = fold(0)
    with pytest.raises(ValueError, match="one length"):
        TabularEnsemble([x], [y[:-1]], [Model("mse", lr=1.0)], [0])
    with pytest.raises(ValueError, match="kind"):
        Model("mae", lr=1.0)
    with pytest.raises(ValueError, match="edges"):
        Model("cls", lr=1.0)
