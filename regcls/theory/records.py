"""The theory's terms per target range, from plain values to plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from regcls.exceptions import UserError
from regcls.synthetic import data as synthetic_data
from regcls.theory import terms

BINS = ("equal-width", "equalized")


@dataclass(frozen=True)
class Tables:
    """Terms of the regression and of the classification losses of one model.

    Attributes
    ----------
    regression, classes : DataFrame
        Tables from `regcls.theory.terms.per_range`.
    role : str
        The conditional density that the model is taken as, as a sentence.
    points : int
        Number of test points.
    residual : float
        Largest error of the sum of the regression terms, in nats.
    """

    regression: pd.DataFrame
    classes: pd.DataFrame
    role: str
    points: int
    residual: float


def tables(case: terms.Case, classes: int) -> Tables:
    """Return the terms of both losses per target range.

    Parameters
    ----------
    case : Case
        Predictions of a model and its training targets.
    classes : int
        Number of classes C, before equalized bins are merged.

    Returns
    -------
    Tables
    """
    regression = terms.regression(case)
    kinds = {}
    for kind in BINS:
        edges, priors = terms.class_priors(case, kind, classes)
        kinds[kind] = terms.classification(case, edges, priors)
    return Tables(
        terms.per_range(case, {"regression": regression}),
        terms.per_range(case, kinds),
        case.role,
        len(case.y),
        regression.residual,
    )


def terms_per_range(
    s: float = 0.03,
    function: int = 1,
    seed: int = 0,
    model: str = "ideal",
    sigma: float = 0.1,
    classes: int = 16,
) -> dict[str, Any]:
    """Return what imbalance adds to the loss of regression and classification.

    Parameters
    ----------
    s : float
        Half width of the peak of the training targets, as a share of their range; 1 is uniform.
    function : int
        Number of the function, from 1.
    seed : int
        Data seed.
    model : str
        One of `regcls.theory.terms.MODELS`; all but "ideal" are trained first.
    sigma : float
        Standard deviation of the ideal model's error, in target units.
    classes : int
        Number of classes C.

    Returns
    -------
    dict
        ``s``, ``model``, ``estimand`` and ``role`` of the model; ``rows`` (one per loss, reference
        and target range, in nats); ``equalized`` (classes asked for and left, and the largest gaps);
        ``noise`` (gap of the ideal model by σ); ``residual``: the largest error of the sum of the
        terms.

    Raises
    ------
    UserError
        If a value is out of range.
    """
    functions = len(synthetic_data.FUNCTIONS)
    if not 1 <= function <= functions:
        raise UserError(f"--function must be from 1 to {functions}, not {function}")
    if model not in terms.MODELS:
        raise UserError(f"--model must be one of {', '.join(terms.MODELS)}, not {model!r}")
    if not 0 < s <= 1:
        raise UserError(f"--s must be above 0 and at most 1, not {s:g}")
    if model == "ideal":
        case = terms.ideal_case(synthetic_data.FUNCTIONS[function - 1], seed, s, sigma)
    else:
        from regcls.theory.trained import trained_cases

        case = trained_cases(function, seed, s)[model]
    losses = {"regression": terms.regression(case)}
    for kind in BINS:
        edges, priors = terms.class_priors(case, kind, classes)
        losses[f"classification, {kind}"] = terms.classification(case, edges, priors)
    rows = terms.per_range(case, losses)
    noise = terms.by_noise(synthetic_data.FUNCTIONS[function - 1], seed, s)
    return {
        "s": s,
        "model": model,
        "estimand": terms.ESTIMAND,
        "role": terms.ROLES[case.fits],
        "rows": rows.to_dict("records"),
        "equalized": terms.equalisation(rows),
        "noise": noise.to_dict("records"),
        "residual": max(loss.residual for loss in losses.values()),
    }
