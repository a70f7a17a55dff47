"""What one model of a `regcls.nn.tabular_ensemble.TabularEnsemble` minimises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# In the order of the rows: those with sample weights lie side by side, and so do those with classes.
KINDS = ("bmc", "nll", "ranksim", "oe", "mse", "cls", "hl")
REGULARISED = ("ranksim", "oe")  # squared error plus a term on the features
WEIGHTED = ("ranksim", "oe", "mse", "cls")  # squared error, with sample weights
WITH_CLASSES = ("cls", "hl")
COMPARED_ROWS = 64  # of a batch, by the losses that compare all pairs of features
INTERPOLATION = 2.0  # of the ranks of RankSim, as in the authors' code
LEAST_VARIANCE = 1e-4  # of β-NLL, for targets of variance 1
# What the weights of a model's best epoch are kept for: the prediction of its own loss, and two of
# the class head of "cls", the mean under its softmax with and without the class prior.
ANSWERS = ("value", "class", "prior")


@dataclass(frozen=True)
class Model:
    """Loss and optimiser settings of one model; tuples hold one entry per fold.

    Attributes
    ----------
    kind : {"mse", "bmc", "nll", "ranksim", "oe", "cls", "hl"}
        Loss: weighted mean squared error; Balanced MSE; β-NLL; mean squared error plus RankSim, plus
        ordinal entropy, or plus cross-entropy; the cross-entropy of HL-Gauss, whose prediction is
        the mean of its class centres.
    lr : float
        Learning rate of Adam.
    weight : float
        Factor of the regression loss, 0 for none; for "hl", of the cross-entropy; for "ranksim" and
        "oe", of both terms.
    weight_decay : float
        L2 penalty, added to the gradient.
    variance : float
        Noise variance of Balanced MSE.
    strength : float
        Factor of the second term of "ranksim" and "oe".
    sample_weight : tuple of ndarray of shape (n,), optional
        Sample weights of the squared error; ones by default.
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
    strength: float = 1.0
    sample_weight: tuple[np.ndarray, ...] | None = None
    edges: tuple[np.ndarray, ...] | None = None
    keep: tuple[np.ndarray, ...] | None = None
    sigma: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if (self.kind in WITH_CLASSES) != (self.edges is not None):
            raise ValueError("models of kind cls and hl need edges, the others must not have any")
        if (self.kind == "hl") != (self.sigma is not None):
            raise ValueError("models of kind hl need sigma, the others must not have it")
