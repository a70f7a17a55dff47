"""Architecture and training settings of an ensemble, without torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral

ACTIVATIONS = ("relu", "tanh", "gelu")
OPTIMISERS = ("adam", "adamw", "sgd")
REG_LOSSES = ("mse", "mae", "huber")
CLASS_LOSSES = ("hard", "soft")
DTYPES = ("float32", "float64")
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True)
class Network:
    """Multilayer perceptron with one input, a regression head and an optional class head.

    Attributes
    ----------
    hidden : tuple of int
        Sizes of the hidden layers.
    activation : {"relu", "tanh", "gelu"}
        Activation of the hidden layers.
    classes : int
        Logits of the class head; 0 for reg, which has none.

    Raises
    ------
    ValueError
        If an attribute is out of range.
    """

    hidden: tuple[int, ...] = (6, 15)
    activation: str = "relu"
    classes: int = 0

    def __post_init__(self) -> None:
        if not self.hidden or not all(is_whole(n, 1) for n in self.hidden):
            raise ValueError(f"hidden must be one or more sizes of at least 1, not {self.hidden}")
        object.__setattr__(self, "hidden", tuple(int(n) for n in self.hidden))
        _check_choice("activation", self.activation, ACTIVATIONS)
        if not is_whole(self.classes, 0) or self.classes == 1:
            raise ValueError(f"classes must be 0 (reg) or at least 2, not {self.classes}")


@dataclass(frozen=True)
class Training:
    """Training settings that all replicas of an ensemble share.

    Attributes
    ----------
    optimiser : {"adam", "adamw", "sgd"}
        Adam adds weight decay to the gradient (L2), AdamW decouples it.
    reg_loss : {"mse", "mae", "huber"}
        Regression loss; Huber with δ = 1.
    class_loss : {"hard", "soft"}
        Cross-entropy with one-hot labels or with Gaussian soft labels (HL-Gauss).
    sigma : float
        Standard deviation of the soft labels, in target units.
    batch : int
        Samples per step.
    dtype : {"float32", "float64"}
        Floating-point type of data and weights.
    device : str
        "cpu" or a CUDA device.
    momentum : float
        Momentum of SGD, at least 0 and below 1.

    Raises
    ------
    ValueError
        If an attribute is out of range or the device is not available.
    """

    optimiser: str = "adam"
    reg_loss: str = "mse"
    class_loss: str = "hard"
    sigma: float = 0.1
    batch: int = 256
    dtype: str = "float32"
    device: str = "cpu"
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _check_choice("optimiser", self.optimiser, OPTIMISERS)
        _check_choice("reg_loss", self.reg_loss, REG_LOSSES)
        _check_choice("class_loss", self.class_loss, CLASS_LOSSES)
        _check_choice("dtype", self.dtype, DTYPES)
        if not is_whole(self.batch, 1):
            raise ValueError(f"batch must be a whole number of at least 1, not {self.batch}")
        if not 0 < self.sigma < math.inf:
            raise ValueError(f"sigma must be a number above 0, not {self.sigma}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be at least 0 and below 1, not {self.momentum}")
        _check_device(self.device)


def is_whole(value: object, minimum: int) -> bool:
    """Return whether a value is a whole number of at least ``minimum``.

    Parameters
    ----------
    value : object
        Any value.
    minimum : int
        Smallest allowed number.

    Returns
    -------
    bool
        True for Python's and NumPy's integers that are large enough.

    Examples
    --------
    >>> is_whole(3, 1), is_whole(0, 1), is_whole(2.0, 1)
    (True, False, False)
    """
    return isinstance(value, Integral) and int(value) >= minimum


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")


def _check_device(device: str) -> None:
    kind = device.split(":")[0]
    _check_choice("device", kind, DEVICES)
    if kind == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise ValueError(f"device must be cpu, not {device!r}: CUDA is not available")
