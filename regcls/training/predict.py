"""A trained network over many images, in batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def predict(
    model: nn.Module, images: np.ndarray, height: int, batch: int = 64
) -> tuple[np.ndarray, np.ndarray | None]:
    """``value`` (N, …) and, for reg+cls, ``logits`` (N, C, …) of uint8 ``images`` (N, H, W, 3),
    shrunk to ``height``."""
    parts = list(answers(model, images, height, batch))
    value, *logits = (np.concatenate(column) for column in zip(*parts, strict=True))
    return value, (logits[0] if logits else None)


@torch.no_grad()
def answers(
    model: nn.Module, images: np.ndarray, height: int, batch: int = 64
) -> Iterator[tuple[np.ndarray, ...]]:
    """Batch by batch, for outputs too large to keep."""
    model.eval()
    for i in range(0, len(images), batch):
        out = model(shrunk(torch.from_numpy(images[i : i + batch]), height))
        yield tuple(part.numpy() for part in out)


def shrunk(images: torch.Tensor, height: int) -> torch.Tensor:
    """uint8 (N, H, W, 3) → float32 (N, height, W·height/H, 3), smoothed so that nothing aliases."""
    x = images.permute(0, 3, 1, 2).float()
    if x.shape[2] != height:
        size = (height, round(x.shape[3] * height / x.shape[2]))
        x = F.interpolate(x, size=size, mode="bilinear", antialias=True)
    return x.permute(0, 2, 3, 1)
