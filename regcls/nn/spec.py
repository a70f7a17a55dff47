"""Architecture and training settings of an ensemble, checked; imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import torch

ACTIVATIONS = ("relu", "tanh", "gelu")
OPTIMISERS = ("adam", "adamw", "sgd")
REG_LOSSES = ("mse", "mae", "huber")
CLASS_LOSSES = ("hard", "soft")
DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Network:
    """MLP 1 → ``hidden`` → 1, and with ``classes`` > 0 one more linear head of that many logits."""

    hidden: tuple[int, ...] = (6, 15)
    activation: str = "relu"
    classes: int = 0

    def __post_init__(self):
        if not self.hidden or not all(_whole(n, 1) for n in self.hidden):
            raise ValueError(f"hidden must be one or more sizes of at least 1, not {self.hidden}")
        object.__setattr__(self, "hidden", tuple(int(n) for n in self.hidden))
        _one_of("activation", self.activation, ACTIVATIONS)
        if not _whole(self.classes, 0) or self.classes == 1:
            raise ValueError(f"classes must be 0 (reg) or at least 2, not {self.classes}")


@dataclass(frozen=True)
class Training:
    """What all replicas share. ``sigma``: width of the soft labels, in target units."""

    optimiser: str = "adam"
    reg_loss: str = "mse"
    class_loss: str = "hard"
    sigma: float = 0.1
    batch: int = 256
    dtype: str = "float32"
    device: str = "cpu"
    momentum: float = 0.9

    def __post_init__(self):
        _one_of("optimiser", self.optimiser, OPTIMISERS)
        _one_of("reg_loss", self.reg_loss, REG_LOSSES)
        _one_of("class_loss", self.class_loss, CLASS_LOSSES)
        _one_of("dtype", self.dtype, DTYPES)
        if not _whole(self.batch, 1):
            raise ValueError(f"batch must be a whole number of at least 1, not {self.batch}")
        if not 0 < self.sigma < np.inf:
            raise ValueError(f"sigma must be a number above 0, not {self.sigma}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be at least 0 and below 1, not {self.momentum}")
        kind = self.device.split(":")[0]
        _one_of("device", kind, ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",))


def _whole(value, least: int) -> bool:
    return isinstance(value, Integral) and value >= least


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
