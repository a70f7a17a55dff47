"""Training steps of the engine against autograd and against torch.nn with torch.optim."""

import numpy as np
import pytest
import torch
from torch import nn

from regcls.nn import kernels
from regcls.nn.layout import epoch_order
from regcls.nn.spec import ACTIVATIONS
from tests.helpers.small_ensemble import build, problem

ACTIVATION = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}

REG_LOSS = {"mse": nn.MSELoss, "mae": nn.L1Loss, "huber": nn.HuberLoss}

OPTIMISER = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": lambda p, **k: torch.optim.SGD(p, momentum=0.9, **k),
}


class Plain(nn.Module):
    """The same network as an ordinary torch module, with the ensemble's initial weights."""

    def __init__(self, ensemble, replica=0):
        super().__init__()
        layers, self.heads = [], nn.ModuleList()
        hidden = len(ensemble.network.hidden)
        for i, (weight, bias) in enumerate(ensemble.parameters_of(replica)):
            linear = nn.Linear(weight.shape[1], weight.shape[0]).double()
            linear.weight.data = torch.tensor(weight, dtype=torch.float64)
            linear.bias.data = torch.tensor(bias, dtype=torch.float64)
            if i < hidden:
                layers += [linear, ACTIVATION[ensemble.network.activation]()]
            else:
                self.heads.append(linear)
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        features = self.body(x[:, None])
        return [head(features) for head in self.heads]


def plain_loss(ensemble, outputs, y, labels, edges, reg_weight=3.0):
    loss = reg_weight * REG_LOSS[ensemble.training.reg_loss]()(outputs[0][:, 0], y)
    if len(outputs) == 1:
        return loss
    if ensemble.training.class_loss == "hard":
        return loss + nn.functional.cross_entropy(outputs[1], labels)
    normal = torch.distributions.Normal(y[:, None], ensemble.training.sigma)
    q = normal.cdf(edges[None, :]).diff(dim=1)
    return loss + nn.functional.cross_entropy(outputs[1], q / q.sum(dim=1, keepdim=True))


def train_plain(ensemble, model, steps, optimiser=None, seed=0, replica=0, replicas=1):
    """Train with ordinary torch in the ensemble's sample order; return the model."""
    x, y, labels, edges = problem(replicas, classes=ensemble.network.classes)
    x, y = torch.tensor(x[replica]), torch.tensor(y[replica])
    labels = None if labels is None else torch.tensor(labels[replica])
    edges = None if edges is None else torch.tensor(edges[replica])
    for step in range(steps):
        epoch, at = divmod(step, ensemble.steps_per_epoch)
        take = epoch_order(seed, epoch, len(x))[at * 32 : (at + 1) * 32]
        chosen = None if labels is None else labels[take]
        loss = plain_loss(ensemble, model(x[take]), y[take], chosen, edges)
        model.zero_grad()
        loss.backward()
        if optimiser:
            optimiser.step()
    return model


def assert_same_weights(ensemble, model, tolerance, replica=0):
    linears = [m for m in model.body if isinstance(m, nn.Linear)] + list(model.heads)
    for (weight, bias), linear in zip(ensemble.parameters_of(replica), linears, strict=True):
        np.testing.assert_allclose(weight, linear.weight.detach(), atol=tolerance, rtol=0)
        np.testing.assert_allclose(bias, linear.bias.detach(), atol=tolerance, rtol=0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("reg_loss", REG_LOSS)
@pytest.mark.parametrize(
    ("classes", "class_loss"), [(0, "hard"), (4, "hard"), (4, "soft"), (40, "hard"), (40, "soft")]
)
def test_gradients_equal_autograd(activation, reg_loss, classes, class_loss):
    settings = {"activation": activation, "weight_decay": 0.0}
    ensemble = build(classes, settings=settings, reg_loss=reg_loss, class_loss=class_loss)
    model = train_plain(ensemble, Plain(ensemble), steps=1)
    ensemble.advance(1)  # the buffer still contains the step's gradients
    gradients = ensemble._shards[0].tensors.gradients
    linears = [m for m in model.body if isinstance(m, nn.Linear)]
    heads = [torch.cat([h.weight.grad, h.bias.grad[:, None]], dim=1) for h in model.heads]
    expected = [torch.cat([m.weight.grad, m.bias.grad[:, None]], dim=1) for m in linears]
    for ours, theirs in zip(gradients, [*expected, torch.cat(heads)], strict=True):
        np.testing.assert_allclose(ours[0], theirs, atol=1e-10)


def class_gradient(ensemble):
    """Return the class head's gradient (C, last hidden + 1) of the last step."""
    return ensemble._shards[0].tensors.gradients[-1][0, 1:]


@pytest.mark.parametrize("classes", [4, 40])
def test_cross_entropy_is_the_mean_over_kept_labels(classes):
    keep = np.full((1, classes), 0.5)
    ensemble = build(classes, keep=keep, settings={"weight_decay": 0.0})
    model = Plain(ensemble)
    ensemble.advance(1)
    now = ensemble._shards[0].tensors
    shown = now.kept[0, :32].bool()
    assert 0 < shown.sum() < 32
    labels = torch.where(shown, now.labels[0, :32], -100)
    torch.nn.functional.cross_entropy(model(now.x[0, :32])[1], labels).backward()
    head = model.heads[1]
    expected = torch.cat([head.weight.grad, head.bias.grad[:, None]], dim=1)
    np.testing.assert_allclose(class_gradient(ensemble), expected, atol=1e-10)


@pytest.mark.parametrize("classes", [4, 40])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_logits_do_not_overflow(classes, dtype):
    ensemble = build(classes, settings={"weight_decay": 0.0}, dtype=dtype)
    state = ensemble.state_dict()
    state["parameters"] *= 8  # logits of a few thousand
    ensemble.load_state_dict(state)
    model = train_plain(ensemble, Plain(ensemble), steps=1)
    ensemble.advance(1)
    head = model.heads[1]
    expected = torch.cat([head.weight.grad, head.bias.grad[:, None]], dim=1)
    assert model(torch.linspace(-1, 1, 9).double())[1].detach().abs().max() > 100
    size = expected.abs().max().item()
    tolerance = size * (1e-3 if dtype == "float32" else 1e-9)
    np.testing.assert_allclose(class_gradient(ensemble), expected, atol=tolerance)


def test_soft_labels_sum_to_one_beyond_the_edges():
    edges = torch.linspace(-1, 1, 9).repeat(2, 1)
    y = torch.tensor([[-50.0, -1, 0, 1, 50], [-3.0, -0.5, 0.2, 0.5, 3]])
    q = kernels.soft_labels(edges, y, 0.05)
    np.testing.assert_allclose(q.sum(dim=1), 1, atol=1e-6)
    assert q[0].argmax(dim=0).tolist() in ([0, 0, 3, 7, 7], [0, 0, 4, 7, 7])


@pytest.mark.parametrize("optimiser", OPTIMISER)
@pytest.mark.parametrize("classes", [0, 4, 40])
def test_a_hundred_steps_equal_torch_optim(optimiser, classes):
    ensemble = build(classes, optimiser=optimiser)
    model = Plain(ensemble)
    theirs = OPTIMISER[optimiser](model.parameters(), lr=1e-2, weight_decay=1e-2)
    train_plain(ensemble, model, 100, theirs)
    ensemble.advance(100)
    assert_same_weights(ensemble, model, 1e-5)


@pytest.mark.parametrize("class_loss", ["hard", "soft"])
@pytest.mark.parametrize("classes", [4, 40])
def test_python_and_torchscript_train_alike(classes, class_loss, monkeypatch):
    """Where torch has no scripting, the same functions run as ordinary Python."""
    compiled = build(classes, 3, class_loss=class_loss)
    assert isinstance(kernels.fast_train(), torch.jit.ScriptFunction)
    compiled.advance(20)
    monkeypatch.setattr("regcls.nn.shard.fast_train", lambda: kernels.train)
    python = build(classes, 3, class_loss=class_loss)
    python.advance(20)
    grid = np.linspace(-1, 1, 9)
    np.testing.assert_allclose(compiled.predict(grid), python.predict(grid), atol=1e-9)
