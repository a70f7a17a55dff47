"""Cases for models trained in the Lab, taken as Gaussians around their predictions.

Least squares on imbalanced data estimate the mean of p_imb(y|x), the conditional density under the
training targets; they do not estimate p_bal. A trained model is therefore p_imb here, and p_bal is
derived from it by reweighting with the training density, p_bal(y|x) ∝ p_imb(y|x) / p(y).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from regcls.synthetic import data as synthetic_data
from regcls.theory.density import SAMPLES, make_data, training_density, uniform_test_points
from regcls.theory.terms import MODELS, Case


def trained_cases(function: int, seed: int, width: float, epochs: int = 40) -> dict[str, Case]:
    """Train the Lab's three models and return their cases.

    Each model is taken as a Gaussian around its prediction, the estimate of p_imb(y|x). Its standard
    deviation is its RMSE on the validation data, which are sampled like the training data: the
    maximum-likelihood σ under these targets.

    Parameters
    ----------
    function : int
        Number of the target function, from 1.
    seed : int
        Data seed.
    width : float
        Half width s of the training peak, as a share of the range of the target; 1 is uniform.
    epochs : int, default 40
        Number of training epochs.

    Returns
    -------
    dict of str to Case
        Cases of "reg", "control" and "reg+cls", whose ``fits`` is "imbalanced".

    References
    ----------
    Ren, Zhang, Yu, Liu: "Balanced MSE for Imbalanced Visual Regression", CVPR 2022, eq. 3, solved
    for p_bal.
    """
    from regcls.lab.run import Lab
    from regcls.lab.settings import OWN, LabSettings

    sampling: dict[str, Any] = (
        {"sampling": "uniform"} if width >= 1 else {"sampling": OWN, "imbalance": width}
    )
    lab = Lab(
        LabSettings(
            function=function,
            seed=seed,
            repeats=1,
            epochs=epochs,
            lr=1e-2,
            samples=SAMPLES,
            **sampling,
        )
    )
    while not lab.done:
        lab.advance_epoch()
    target = synthetic_data.FUNCTIONS[function - 1]
    test, data = uniform_test_points(target, seed), make_data(target, seed, width)
    predictions, on_val = (lab.predict(x)[:, 0].astype(np.float64) for x in (test.x, data.val.x))
    sigmas = np.sqrt(((on_val - data.val.y) ** 2).mean(axis=1))
    density = training_density(target, seed, width)
    return {
        model: Case(mean, float(sigma), test.y, density, data.train.y, "imbalanced")
        for model, mean, sigma in zip(MODELS[1:], predictions, sigmas, strict=True)
    }
