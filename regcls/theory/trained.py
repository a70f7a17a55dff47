"""The theory's terms for models trained in the Lab."""

from __future__ import annotations

import numpy as np

from regcls.synthetic import data as synthetic_data
from regcls.theory.terms import MODELS, Case, _data, _test, density


def trained(function: int, seed: int, width: float, epochs: int = 40) -> dict[str, Case]:
    """The Lab's three models after ``epochs`` on this data, by name; each is taken as a Gaussian
    around its prediction, as wide as its error on the uniform test points (RMSE)."""
    from regcls.lab.run import Lab
    from regcls.lab.settings import OWN, LabSettings

    sampling = {"sampling": "uniform"} if width >= 1 else {"sampling": OWN, "imbalance": width}
    lab = Lab(
        LabSettings(
            function=function,
            seed=seed,
            repeats=1,
            epochs=epochs,
            lr=1e-2,
            samples=30_000,
            **sampling,
        )
    )
    while not lab.done:
        lab.advance_epoch()
    what = synthetic_data.FUNCTIONS[function - 1]
    test = _test(what, seed)
    answers = lab.predict(test.x)[:, 0].astype(np.float64)
    shape, train = density(what, seed, width), _data(what, seed, width).train.y
    return {
        model: Case(answer, float(np.sqrt(((answer - test.y) ** 2).mean())), test.y, shape, train)
        for model, answer in zip(MODELS[1:], answers, strict=True)
    }
