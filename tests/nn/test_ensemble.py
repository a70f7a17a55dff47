"""Ensemble: replicas, seeds, threads, resuming, memory, arguments, and the paper's effect."""

import io
import threading

import numpy as np
import pytest
import torch

from regcls.nn.ensemble import Ensemble, _pool, _threads
from regcls.nn.spec import OPTIMISERS, Network, Training
from regcls.stats import bins
from regcls.synthetic import data as synthetic_data
from tests.helpers.small_ensemble import build, problem

ARRAYS = (np.zeros((1, 4)), np.ones((1, 4)))


def test_replicas_do_not_depend_on_each_other():
    lr, weight, decay = np.array([1e-3, 1e-2, 3e-3]), np.array([1.0, 10, 100]), [0, 1e-3, 1e-2]
    settings = {"lr": lr, "reg_weight": weight, "weight_decay": np.array(decay)}
    together = build(40, 3, settings=settings)
    together.advance(20)
    x, y, labels, _ = problem(3, classes=40)
    for r in range(3):
        alone = Ensemble(
            together.network,
            together.training,
            x[r : r + 1],
            y[r : r + 1],
            labels=labels[r : r + 1],
            seeds=[r],
            lr=lr[r],
            reg_weight=weight[r],
            weight_decay=decay[r],
        )
        alone.advance(20)
        grid = np.linspace(-1, 1, 9)
        np.testing.assert_allclose(together.predict(grid)[r], alone.predict(grid)[0], atol=1e-9)


def test_reg_and_regcls_share_initial_weights_and_sample_order():
    reg, regcls = build(0, 3), build(4, 3)
    for (a, _), (b, _) in zip(reg.parameters_of(2), regcls.parameters_of(2), strict=False):
        np.testing.assert_array_equal(a, b)
    reg.advance(1)
    regcls.advance(1)
    orders = [torch.cat([s.tensors.x for s in e._shards]) for e in (reg, regcls)]
    np.testing.assert_array_equal(*orders)
    assert not np.array_equal(orders[0][0], problem(3)[0][0])  # they are shuffled


def test_ensembles_in_concurrent_threads_are_independent():
    """As when several threads train at once; torch's number of threads stays the same, too."""
    before, found = torch.get_num_threads(), {}

    def train(name):
        own = build(40, 3, dtype="float32")
        for _ in range(10):
            own.advance(3)
        found[name] = own.predict(np.linspace(-1, 1, 9))

    train("alone")
    threads = [threading.Thread(target=train, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 5
    for predicted in found.values():
        np.testing.assert_array_equal(predicted, found["alone"])
    later = threading.Thread(target=lambda: found.update(later=torch.get_num_threads()))
    later.start()
    later.join()
    assert torch.get_num_threads() == found["later"] == before


def test_pool_threads_run_single_threaded():
    """More threads per product would not be faster, but would round differently."""
    together = threading.Barrier(_threads())

    def inside(_):
        together.wait()  # so that each thread of the pool gets one call
        (torch.ones(1000, 1000) + 1).sum()
        return torch.get_num_threads()

    assert set(_pool().map(inside, range(_threads()))) == {1}


@pytest.mark.parametrize("classes", [0, 4, 1024])
def test_memory_estimate_matches_allocated_tensors(classes):
    x, y, labels, _ = problem(20, 2000, classes)
    network = Network(classes=classes)
    ensemble = Ensemble(network, Training(), x, y, labels=labels, seeds=range(20))
    estimate = Ensemble.estimate_memory(network, Training(), 20, ensemble.samples)
    seen = {}
    for shard in ensemble._shards:
        tensors = [shard.x, shard.y, shard.flat, *([] if shard.labels is None else [shard.labels])]
        for value in shard.tensors:
            tensors += value if isinstance(value, list) else [value]
        seen |= {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    assert 0.9 < estimate / sum(seen.values()) < 2


def test_slicing_does_not_change_the_weights():
    one, other = build(40, 3, dtype="float32"), build(40, 3, dtype="float32")
    one.advance(13)
    for steps in (1, 5, 7):
        other.advance(steps)
    np.testing.assert_array_equal(one.predict(np.zeros(1)), other.predict(np.zeros(1)))


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_resumed_training_equals_uninterrupted(optimiser):
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
def test_labels_never_kept_do_not_train_the_class_head(classes):
    hidden = build(classes, keep=np.zeros((1, classes)), settings={"weight_decay": 0.0})
    reg = build(0, settings={"weight_decay": 0.0})
    before = hidden.parameters_of(0)[-1][0].copy()
    hidden.advance(10)
    reg.advance(10)
    np.testing.assert_array_equal(hidden.parameters_of(0)[-1][0], before)
    np.testing.assert_allclose(hidden.predict(np.zeros(1)), reg.predict(np.zeros(1)), atol=1e-9)


def test_labels_are_kept_with_their_probability():
    ensemble = build(4, keep=np.array([[0.0, 1.0, 0.25, 1.0]]))
    _, _, labels, _ = problem(1, classes=4)
    shown = np.zeros(4)
    for _ in range(200):
        ensemble.train_epoch()
        now = ensemble._shards[0].tensors
        shown += np.bincount(now.labels[0], now.kept[0], minlength=4)
    share = shown / (200 * np.bincount(labels[0], minlength=4))
    np.testing.assert_allclose(share, [0, 1, 0.25, 1], atol=0.03)


def test_probabilities_sum_to_one_and_losses_are_reported():
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
def test_invalid_arguments_are_named(make, word):
    with pytest.raises(ValueError, match=word):
        make()


def test_the_published_effect_and_its_control():
    """reg+cls beats reg in about 90% of severe clean runs; the loss scale explains most of it."""
    runs = [(f, s) for f in synthetic_data.FUNCTIONS for s in range(5)]
    data = [synthetic_data.make(f, s, "clean", "severe") for f, s in runs]
    x, y = np.stack([d.train.x for d in data]), np.stack([d.train.y for d in data])
    cut = [bins.make("equal-width", d.train.y, 4) for d in data]
    labels = np.stack([b.label(d.train.y) for b, d in zip(cut, data, strict=True)])
    seeds = range(50)
    plain = Ensemble(
        Network(),
        Training(),
        np.tile(x, (2, 1)),
        np.tile(y, (2, 1)),
        seeds=[*seeds, *seeds],
        reg_weight=np.repeat([1.0, 100.0], 50),
    )
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
