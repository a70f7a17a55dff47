"""Predictions of a torch network for many images, in batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def predict(
    model: nn.Module, images: np.ndarray, height: int, batch: int = 64
) -> tuple[np.ndarray, np.ndarray | None]:
    """Run a network on images.

    Parameters
    ----------
    model : Module
        The network.
    images : ndarray of uint8, shape (N, H, W, 3)
        RGB images.
    height : int
        Height that the images are resized to.
    batch : int, default 64
        Images per batch.

    Returns
    -------
    value : ndarray, shape (N, ...)
        Predictions.
    logits : ndarray, shape (N, C, ...), or None
        Class logits of a reg+cls network.
    """
    batches = list(predict_batches(model, images, height, batch))
    value, *logits = (np.concatenate(column) for column in zip(*batches, strict=True))
    return value, (logits[0] if logits else None)


@torch.no_grad()
def predict_batches(
    model: nn.Module, images: np.ndarray, height: int, batch: int = 64
) -> Iterator[tuple[np.ndarray, ...]]:
    """Run a network on images batch by batch, for outputs that are too large to keep.

    Parameters
    ----------
    model, images, height, batch
        As for `predict`.

    Yields
    ------
    tuple of ndarray
        Value and, for reg+cls, logits of one batch.
    """
    model.eval()
    for i in range(0, len(images), batch):
        out = model(resized(torch.from_numpy(images[i : i + batch]), height))
        yield tuple(part.numpy() for part in out)


def resized(images: torch.Tensor, height: int) -> torch.Tensor:
    """Resize images to a height, bilinear with antialiasing.

    Parameters
    ----------
    images : Tensor of uint8, shape (N, H, W, 3)
        RGB images.
    height : int
        New height in pixels.

    Returns
    -------
    Tensor of float32, shape (N, height, round(W · height / H), 3)
        Images in 0..255.
    """
    x = images.permute(0, 3, 1, 2).float()
    if x.shape[2] != height:
        size = (height, round(x.shape[3] * height / x.shape[2]))
        x = F.interpolate(x, size=size, mode="bilinear", antialias=True)
    return x.permute(0, 2, 3, 1)
