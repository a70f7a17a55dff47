"""The engine against autograd, against torch.nn with torch.optim, and against the paper's effect."""

import io
import threading

import numpy as np
import pytest
import torch
from torch import nn

from regcls.nn import kernels
from regcls.nn.ensemble import Ensemble, _pool, _threads
from regcls.nn.layout import epoch_order
from regcls.nn.spec import ACTIVATIONS, Network, Training
from regcls.stats import bins
from regcls.synthetic import data as synthetic_data

ACTIVATION = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}
REG_LOSS = {"mse": nn.MSELoss, "mae": nn.L1Loss, "huber": nn.HuberLoss}
OPTIMISER = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": lambda p, **k: torch.optim.SGD(p, momentum=0.9, **k),
}


def problem(replicas=1, samples=96, classes=0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (replicas, samples))
    y = np.sin(4 * x) + 0.1 * rng.standard_normal(x.shape)
    edges = np.tile(np.linspace(-1.5, 1.5, max(classes, 1) + 1), (replicas, 1))
    labels = np.clip(np.searchsorted(edges[0], y) - 1, 0, max(classes, 1) - 1)
    return x, y, (labels if classes else None), (edges if classes else None)


def build(classes=0, replicas=1, keep=None, settings=None, **training):
    x, y, labels, edges = problem(replicas, classes=classes)
    training = Training(**{"batch": 32, "dtype": "float64", **training})
    network = Network((5, 7), training_activation(settings), classes)
    more = {"lr": 1e-2, "reg_weight": 3.0, "weight_decay": 1e-2, "seeds": range(replicas)}
    more |= {k: v for k, v in (settings or {}).items() if k != "activation"}
    return Ensemble(network, training, x, y, labels=labels, edges=edges, keep=keep, **more)


def training_activation(settings):
    return (settings or {}).get("activation", "relu")


ARRAYS = (np.zeros((1, 4)), np.ones((1, 4)))


class Plain(nn.Module):
    """The same network as people write it, with the ensemble's first weights."""

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
    """``steps`` of ordinary torch in the ensemble's data order; returns the model."""
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
def test_gradients_are_those_of_autograd(activation, reg_loss, classes, class_loss):
    settings = {"activation": activation, "weight_decay": 0.0}
    ensemble = build(classes, settings=settings, reg_loss=reg_loss, class_loss=class_loss)
    model = train_plain(ensemble, Plain(ensemble), steps=1)
    ensemble.advance(1)  # the gradient buffer keeps the step's gradients
    gradients = ensemble._shards[0].tensors.gradients
    linears = [m for m in model.body if isinstance(m, nn.Linear)]
    heads = [torch.cat([h.weight.grad, h.bias.grad[:, None]], dim=1) for h in model.heads]
    expected = [torch.cat([m.weight.grad, m.bias.grad[:, None]], dim=1) for m in linears]
    for ours, theirs in zip(gradients, [*expected, torch.cat(heads)], strict=True):
        np.testing.assert_allclose(ours[0], theirs, atol=1e-10)


def class_gradient(ensemble):
    """The class head's gradient (C, last hidden + 1) in the last step, without the value's row."""
    return ensemble._shards[0].tensors.gradients[-1][0, 1:]


@pytest.mark.parametrize("classes", [4, 40])
def test_ignored_labels_leave_the_mean_over_the_others(classes):
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
def test_huge_logits_neither_overflow_nor_lose_the_gradient(classes, dtype):
    ensemble = build(classes, settings={"weight_decay": 0.0}, dtype=dtype)
    state = ensemble.state_dict()
    state["parameters"] *= 8  # logits of some thousands
    ensemble.load_state_dict(state)
    model = train_plain(ensemble, Plain(ensemble), steps=1)
    ensemble.advance(1)
    head = model.heads[1]
    expected = torch.cat([head.weight.grad, head.bias.grad[:, None]], dim=1)
    assert model(torch.linspace(-1, 1, 9).double())[1].detach().abs().max() > 100
    size = expected.abs().max().item()
    tolerance = size * (1e-3 if dtype == "float32" else 1e-9)
    np.testing.assert_allclose(class_gradient(ensemble), expected, atol=tolerance)


def test_soft_labels_stay_a_distribution_beyond_the_edges():
    edges = torch.linspace(-1, 1, 9).repeat(2, 1)
    y = torch.tensor([[-50.0, -1, 0, 1, 50], [-3.0, -0.5, 0.2, 0.5, 3]])
    q = kernels.soft_labels(edges, y, 0.05)
    np.testing.assert_allclose(q.sum(dim=1), 1, atol=1e-6)
    assert q[0].argmax(dim=0).tolist() in ([0, 0, 3, 7, 7], [0, 0, 4, 7, 7])


@pytest.mark.parametrize("optimiser", OPTIMISER)
@pytest.mark.parametrize("classes", [0, 4, 40])
def test_a_hundred_steps_equal_torch(optimiser, classes):
    ensemble = build(classes, optimiser=optimiser)
    model = Plain(ensemble)
    theirs = OPTIMISER[optimiser](model.parameters(), lr=1e-2, weight_decay=1e-2)
    train_plain(ensemble, model, 100, theirs)
    ensemble.advance(100)
    assert_same_weights(ensemble, model, 1e-5)


def test_replicas_with_their_own_settings_equal_themselves_alone():
    lr, weight, decay = np.array([1e-3, 1e-2, 3e-3]), np.array([1.0, 10, 100]), [0, 1e-3, 1e-2]
    settings = {"lr": lr, "reg_weight": weight, "weight_decay": np.array(decay)}
    together = build(40, 3, settings=settings)
    together.advance(20)
    x, y, labels, _ = problem(3, classes=40)
    for r in range(3):
        alone = Ensemble(
            together.network, together.training, x[r : r + 1], y[r : r + 1],
            labels=labels[r : r + 1], seeds=[r], lr=lr[r], reg_weight=weight[r],
            weight_decay=decay[r],
        )  # fmt: skip
        alone.advance(20)
        grid = np.linspace(-1, 1, 9)
        np.testing.assert_allclose(together.predict(grid)[r], alone.predict(grid)[0], atol=1e-9)


def test_reg_and_regcls_start_alike_and_shuffle_alike():
    reg, regcls = build(0, 3), build(4, 3)
    for (a, _), (b, _) in zip(reg.parameters_of(2), regcls.parameters_of(2), strict=False):
        np.testing.assert_array_equal(a, b)
    reg.advance(1)
    regcls.advance(1)
    orders = [torch.cat([s.tensors.x for s in e._shards]) for e in (reg, regcls)]
    np.testing.assert_array_equal(*orders)
    assert not np.array_equal(orders[0][0], problem(3)[0][0])  # shuffled indeed


@pytest.mark.parametrize("class_loss", ["hard", "soft"])
@pytest.mark.parametrize("classes", [4, 40])
def test_python_and_script_train_alike(classes, class_loss, monkeypatch):
    """Where torch cannot script, the same functions run as they are."""
    script = build(classes, 3, class_loss=class_loss)
    assert isinstance(kernels.fast_train(), torch.jit.ScriptFunction)
    script.advance(20)
    monkeypatch.setattr("regcls.nn.shard.fast_train", lambda: kernels.train)
    python = build(classes, 3, class_loss=class_loss)
    python.advance(20)
    grid = np.linspace(-1, 1, 9)
    np.testing.assert_allclose(script.predict(grid), python.predict(grid), atol=1e-9)


def test_sessions_in_threads_of_one_process_do_not_disturb_each_other():
    """As several visitors train at once: the bits of each alone, and torch's threads as before."""
    before, found = torch.get_num_threads(), {}

    def visit(name):
        own = build(40, 3, dtype="float32")
        for _ in range(10):
            own.advance(3)
        found[name] = own.predict(np.linspace(-1, 1, 9))

    visit("alone")
    visitors = [threading.Thread(target=visit, args=(i,)) for i in range(4)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert len(found) == 5
    for predicted in found.values():
        np.testing.assert_array_equal(predicted, found["alone"])
    later = threading.Thread(target=lambda: found.update(threads=torch.get_num_threads()))
    later.start()
    later.join()
    assert torch.get_num_threads() == found["threads"] == before


def test_each_thread_of_the_pool_keeps_to_itself():
    """More threads inside a product gain nothing and round differently."""
    together = threading.Barrier(_threads())

    def inside(_):
        together.wait()  # so that each thread of the pool takes one
        (torch.ones(1000, 1000) + 1).sum()
        return torch.get_num_threads()

    assert set(_pool().map(inside, range(_threads()))) == {1}


@pytest.mark.parametrize("classes", [0, 4, 1024])
def test_memory_is_estimated_before_it_is_taken(classes):
    x, y, labels, _ = problem(20, 2000, classes)
    ensemble = Ensemble(
        Network(classes=classes), Training(), x, y, labels=labels, seeds=range(20)
    )  # fmt: skip
    seen = {}
    for shard in ensemble._shards:
        tensors = [shard.x, shard.y, shard.flat, *([] if shard.labels is None else [shard.labels])]
        for value in shard.tensors:
            tensors += value if isinstance(value, list) else [value]
        seen |= {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    assert 0.9 < ensemble.memory_bytes() / sum(seen.values()) < 2


def test_the_same_seed_gives_the_same_weights_however_the_steps_are_sliced():
    one, other = build(40, 3, dtype="float32"), build(40, 3, dtype="float32")
    one.advance(13)
    for steps in (1, 5, 7):
        other.advance(steps)
    np.testing.assert_array_equal(one.predict(np.zeros(1)), other.predict(np.zeros(1)))


@pytest.mark.parametrize("optimiser", OPTIMISER)
def test_saved_and_resumed_equals_uninterrupted(optimiser):
    keep = np.full((3, 4), 0.5)
    whole, first = (build(4, 3, keep=keep, optimiser=optimiser) for _ in range(2))
    whole.advance(20)
    first.advance(8)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = build(4, 3, keep=keep, optimiser=optimiser)
    second.load_state_dict(torch.load(file, weights_only=True))
    second.advance(12)
    np.testing.assert_array_equal(whole.predict(np.zeros(1)), second.predict(np.zeros(1)))


@pytest.mark.parametrize("classes", [4, 40])
def test_labels_that_are_never_kept_leave_the_class_head_alone(classes):
    hidden = build(classes, keep=np.zeros((1, classes)), settings={"weight_decay": 0.0})
    reg = build(0, settings={"weight_decay": 0.0})
    before = hidden.parameters_of(0)[-1][0].copy()
    hidden.advance(10)
    reg.advance(10)
    np.testing.assert_array_equal(hidden.parameters_of(0)[-1][0], before)
    np.testing.assert_allclose(hidden.predict(np.zeros(1)), reg.predict(np.zeros(1)), atol=1e-9)


def test_kept_labels_are_as_many_as_asked():
    ensemble = build(4, keep=np.array([[0.0, 1.0, 0.25, 1.0]]))
    _, _, labels, _ = problem(1, classes=4)
    shown = np.zeros(4)
    for _ in range(200):
        ensemble.train_epoch()
        now = ensemble._shards[0].tensors
        shown += np.bincount(now.labels[0], now.kept[0], minlength=4)
    share = shown / (200 * np.bincount(labels[0], minlength=4))
    np.testing.assert_allclose(share, [0, 1, 0.25, 1], atol=0.03)


def test_probabilities_add_up_and_losses_are_reported():
    ensemble = build(40, 3)
    ensemble.train_epoch()
    p = ensemble.class_probabilities(np.linspace(-1, 1, 11))
    assert p.shape == (3, 11, 40)
    np.testing.assert_allclose(p.sum(axis=2), 1, atol=1e-6)
    assert ensemble.losses["reg"].shape == (3,)
    # An untrained head over 40 classes starts near log 40 = 3.69.
    assert (np.abs(ensemble.losses["cls"] - np.log(40)) < 1).all()


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Network(hidden=()), "hidden"),
        (lambda: Network(activation="sine"), "activation"),
        (lambda: Network(classes=1), "classes"),
        (lambda: Training(optimiser="lion"), "optimiser"),
        (lambda: Training(reg_loss="l3"), "reg_loss"),
        (lambda: Training(class_loss="firm"), "class_loss"),
        (lambda: Training(sigma=0), "sigma"),
        (lambda: Training(momentum=1.0), "momentum"),
        (lambda: Training(dtype="float16"), "dtype.*float32, float64"),
        (lambda: Training(device="abacus"), "device"),
        (lambda: build(batch=97), "batch"),
        (lambda: build(settings={"lr": -1.0}), "lr"),
        (lambda: build(settings={"seeds": [1, 2]}), "seeds"),
        (lambda: build(settings={"seeds": [0.5]}), "seeds"),
        (lambda: build(settings={"reg_weight": np.ones(2)}), "reg_weight"),
        (lambda: build(settings={"weight_decay": np.nan}), "weight_decay"),
        (lambda: build(4, keep=np.ones((1, 5))), "keep"),
        (lambda: build(4, keep=np.full((1, 4), 1.5)), "keep"),
        (lambda: build().advance(-1), "steps"),
        (lambda: build().predict(np.zeros((2, 3))), "x must be"),
        (lambda: build().load_state_dict(build(replicas=2).state_dict()), "state"),
        (lambda: Ensemble(Network(classes=4), Training(batch=2), *ARRAYS), "labels"),
        (
            lambda: Ensemble(Network(classes=4), Training(class_loss="soft", batch=2), *ARRAYS),
            "edges",
        ),
        (
            lambda: Ensemble(Network(), Training(batch=2), np.full((1, 4), np.nan), ARRAYS[1]),
            "x and y",
        ),
        (lambda: build().class_probabilities(np.zeros(1)), "class head"),
        (lambda: build().parameters_of(1), "replica"),
    ],
)
def test_bad_settings_are_named(make, word):
    with pytest.raises(ValueError, match=word):
        make()


def test_the_published_effect_and_its_control():
    """Design: reg+cls beats reg in some 90 % of severe clean runs, and matched loss scale explains it."""
    runs = [(f, s) for f in synthetic_data.FUNCTIONS for s in range(5)]
    data = [synthetic_data.make(f, s, "clean", "severe") for f, s in runs]
    x, y = np.stack([d.train.x for d in data]), np.stack([d.train.y for d in data])
    cut = [bins.make("equal-width", d.train.y, 4) for d in data]
    labels = np.stack([b.label(d.train.y) for b, d in zip(cut, data, strict=True)])
    seeds = range(50)
    plain = Ensemble(
        Network(), Training(), np.tile(x, (2, 1)), np.tile(y, (2, 1)),
        seeds=[*seeds, *seeds], reg_weight=np.repeat([1.0, 100.0], 50),
    )  # fmt: skip
    regcls = Ensemble(
        Network(classes=4), Training(), x, y, labels=labels, seeds=seeds, reg_weight=100.0
    )
    for ensemble in (plain, regcls):
        ensemble.advance(80 * ensemble.steps_per_epoch)
    test_x, test_y = np.stack([d.test.x for d in data]), np.stack([d.test.y for d in data])
    both = plain.predict(np.tile(test_x, (2, 1)))
    mse = [
        np.mean((p - test_y) ** 2, axis=1) for p in (both[:50], both[50:], regcls.predict(test_x))
    ]
    reg, control, cls = mse
    assert np.mean(cls < reg) > 0.8
    assert abs(control.mean() / cls.mean() - 1) < 0.1
