"""Cases for models trained in the Lab, taken as Gaussians around their predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from regcls.synthetic import data as synthetic_data
from regcls.theory.density import SAMPLES, make_data, training_density, uniform_test_points
from regcls.theory.terms import MODELS, Case


def trained_cases(function: int, seed: int, width: float, epochs: int = 40) -> dict[str, Case]:
    """Train the Lab's three models and return their cases.

    Each model is taken as a Gaussian around its prediction whose standard deviation is its RMSE on
    the uniform test points.

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
        Cases of "reg", "control" and "reg+cls".
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
    test = uniform_test_points(target, seed)
    predictions = lab.predict(test.x)[:, 0].astype(np.float64)
    density, train = training_density(target, seed, width), make_data(target, seed, width).train.y
    return {
        model: Case(mean, float(np.sqrt(((mean - test.y) ** 2).mean())), test.y, density, train)
        for model, mean in zip(MODELS[1:], predictions, strict=True)
    }
