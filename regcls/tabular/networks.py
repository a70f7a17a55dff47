"""What each kind of network minimises, for one setting and the training targets of a fold."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from regcls.nn.labels import hl_gauss_edges
from regcls.stats import bins
from regcls.tabular import reweighting
from regcls.tabular.plan import Setting

if TYPE_CHECKING:
    from regcls.nn.tabular_model import Model

SAMPLE_WEIGHTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "inverse": reweighting.inverse,
    "sqrt-inverse": partial(reweighting.inverse, variant="sqrt-inverse"),
    "lds": reweighting.lds,
    "lds-inverse": partial(reweighting.lds, variant="inverse"),
}
# Kind of the ensemble's model, of the networks without sample weights and classes.
PLAIN = {
    "reg": "mse",
    "control": "mse",
    "bmc": "bmc",
    "beta-nll": "nll",
    "ranksim": "ranksim",
    "ordinal-entropy": "oe",
}


def make(kind: str, setting: Setting, y: np.ndarray, scaled: np.ndarray) -> Model:
    """Return the loss and optimiser settings of one network.

    Parameters
    ----------
    kind : str
        Kind of network, from `regcls.tabular.methods.NETWORKS`.
    setting : Setting
        Setting of the search. Plain reg has no loss scale; without a regression loss, λ is 0.
    y : ndarray of shape (n,)
        Training targets.
    scaled : ndarray of shape (n,)
        The same, standardised.

    Returns
    -------
    Model
        For an ensemble with one fold.
    """
    from regcls.nn.tabular_model import Model

    made = partial(Model, lr=setting.lr, weight_decay=setting.weight_decay)
    weight = 1.0 if kind == "reg" else setting.weight
    if kind in SAMPLE_WEIGHTS:
        return made("mse", weight=weight, sample_weight=(SAMPLE_WEIGHTS[kind](y),))
    if kind == "hl-gauss":
        low, high = float(scaled.min()), float(scaled.max())
        edges, sigma = hl_gauss_edges(low, high, setting.soft_classes)
        return made("hl", weight=weight, edges=(edges,), sigma=(sigma,))
    if kind in ("reg+cls", "classes"):
        cut = bins.make(setting.bins, scaled, min(setting.classes, len(scaled)))
        keep = None
        if setting.bins == "equalized":
            keep = (bins.keep_probability(cut.label(scaled), cut.classes),)
        weight = 0.0 if kind == "classes" else weight
        return made("cls", weight=weight, edges=(cut.edges,), keep=keep)
    return made(PLAIN[kind], weight=weight, variance=setting.variance, strength=setting.strength)


def class_prior(model: Model, scaled: np.ndarray) -> np.ndarray:
    """Return how many labels of each class a network with classes sees, on average.

    Parameters
    ----------
    model : Model
        A network with classes.
    scaled : ndarray of shape (n,)
        Training targets in the units of its edges.

    Returns
    -------
    ndarray of shape (C,)
        Counts of the classes times the probability of keeping their labels.
    """
    assert model.edges is not None
    label = np.searchsorted(model.edges[0][1:-1], scaled, side="right")
    counts = np.bincount(label, minlength=len(model.edges[0]) - 1)
    return counts * (1.0 if model.keep is None else np.asarray(model.keep[0]))
