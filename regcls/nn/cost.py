"""Estimated training time of small MLPs, before anything is trained.

Both estimates are linear in the samples, and per sample in the units, weights and classes of the
network. Their coefficients were fitted to training times on two CPU cores.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

# Training on all cores: one fixed part per ensemble and step, in seconds, and one part per sample
# for each unit, weight and class.
_STEP = 2.5e-4
_UNIT, _WEIGHT, _CLASS = 4e-9, 1e-10, 2.5e-9

# Training on one core, as one network of a large ensemble, in seconds per sample.
_CORE_UNIT, _CORE_CLASS = 4.5e-9, 2.4e-9
_WEIGHTS_PER_UNIT = 32  # weights that take as long as one unit


def count_units(hidden: Sequence[int]) -> int:
    """Return the number of units of an MLP with one output.

    Parameters
    ----------
    hidden : sequence of int
        Sizes of the hidden layers.

    Returns
    -------
    int
        Hidden units and the output.

    Examples
    --------
    >>> count_units((6, 15))
    22
    """
    return sum(hidden) + 1


def count_weights(hidden: Sequence[int]) -> int:
    """Return the number of weights, without biases, of an MLP with one input and one output.

    Parameters
    ----------
    hidden : sequence of int
        Sizes of the hidden layers.

    Returns
    -------
    int
        Number of weights; a class head is not included.

    Examples
    --------
    >>> count_weights((6, 15))
    111
    """
    return sum(a * b for a, b in itertools.pairwise((1, *hidden, 1)))


def comparison_seconds(
    hidden: Sequence[int], classes: int, *, runs: int, batch: int, steps: int
) -> float:
    """Estimate the time to train reg, control and reg+cls, several runs of each, on two cores.

    Parameters
    ----------
    hidden : sequence of int
        Sizes of the hidden layers.
    classes : int
        Classes of reg+cls.
    runs : int
        Networks of each kind. reg and control train as one ensemble, reg+cls as another.
    batch : int
        Samples per step and network.
    steps : int
        Training steps.

    Returns
    -------
    float
        Seconds.
    """
    per_network = count_units(hidden) * _UNIT + count_weights(hidden) * _WEIGHT
    per_sample = 3 * per_network + classes * _CLASS
    return steps * (2 * _STEP + runs * batch * per_sample)


def network_seconds(hidden: Sequence[int], classes: int, *, samples: int, epochs: int) -> float:
    """Estimate the time to train one network on one core, as one of a large ensemble.

    Parameters
    ----------
    hidden : sequence of int
        Sizes of the hidden layers.
    classes : int
        Classes of reg+cls; 0 for reg.
    samples : int
        Training samples.
    epochs : int
        Passes over them.

    Returns
    -------
    float
        Core seconds.
    """
    size = count_units(hidden) + count_weights(hidden) / _WEIGHTS_PER_UNIT
    return epochs * samples * (_CORE_UNIT * size + _CORE_CLASS * classes)
