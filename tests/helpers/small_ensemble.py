"""A small ensemble and its data, for the tests of the engine."""

import numpy as np

from regcls.nn.ensemble import Ensemble
from regcls.nn.spec import Network, Training


def problem(replicas=1, samples=96, classes=0, seed=0):
    """Return x, y, labels and edges; the last two are None for reg."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (replicas, samples))
    y = np.sin(4 * x) + 0.1 * rng.standard_normal(x.shape)
    edges = np.tile(np.linspace(-1.5, 1.5, max(classes, 1) + 1), (replicas, 1))
    labels = np.clip(np.searchsorted(edges[0], y) - 1, 0, max(classes, 1) - 1)
    return x, y, (labels if classes else None), (edges if classes else None)


def build(classes=0, replicas=1, keep=None, settings=None, **training):
    """Return an ensemble on that data; ``settings`` are of the replicas or the activation."""
    x, y, labels, edges = problem(replicas, classes=classes)
    training = Training(**{"batch": 32, "dtype": "float64", **training})
    network = Network((5, 7), (settings or {}).get("activation", "relu"), classes)
    more = {"lr": 1e-2, "reg_weight": 3.0, "weight_decay": 1e-2, "seeds": range(replicas)}
    more |= {k: v for k, v in (settings or {}).items() if k != "activation"}
    return Ensemble(network, training, x, y, labels=labels, edges=edges, keep=keep, **more)
