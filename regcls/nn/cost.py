"""Cost models of training: seconds estimated before anything is trained."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regcls.study.spec import Model


# Seconds per training step, fitted to what two cores took: a fixed part for each of the two
# ensembles, and a part per run and sample for each unit, weight and class.
STEP_SECONDS = 2.5e-4
SECONDS_PER_UNIT = 4e-9
SECONDS_PER_WEIGHT = 1e-10
SECONDS_PER_CLASS = 2.5e-9


# Seconds per sample on one core, fitted to what the engine takes: a part for each hidden unit and
# one for each class.
_PER_UNIT = 4.5e-9
_PER_CLASS = 2.4e-9


def cost(model: Model) -> float:
    """About the seconds that one core takes to train the model as one of a batch."""
    weights = sum(a * b for a, b in itertools.pairwise((1, *model.hidden, 1)))
    units = sum(model.hidden) + 1
    a_sample = _PER_UNIT * (units + weights / 32) + _PER_CLASS * model.classes
    return model.epochs * (model.samples // 3) * a_sample
