"""Augmentation of a whole batch at once: a random affine view and random colours."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F


def _uniform(n: int, low: float, high: float, rng: torch.Generator) -> torch.Tensor:
    return low + (high - low) * torch.rand(n, generator=rng)


def random_views(images: torch.Tensor, side: int, rng: torch.Generator) -> torch.Tensor:
    """Flip, turn (±12°), zoom (0.85-1.15), shift (±6 %) and recolour a batch.

    uint8 ``(N, H, W, 3)`` → float32 ``(N, side, side, 3)`` in 0..255. What a shift uncovers is mirrored.
    """
    n = len(images)
    x = images.permute(0, 3, 1, 2).float()
    if x.shape[-1] >= 2 * side:  # halve first: bilinear sampling alone would alias
        x = F.avg_pool2d(x, 2)
    angle = _uniform(n, -12, 12, rng) * math.pi / 180
    zoom = _uniform(n, 0.85, 1.15, rng)
    flip = torch.where(torch.rand(n, generator=rng) < 0.5, -1.0, 1.0)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = flip * zoom * angle.cos(), -zoom * angle.sin()
    theta[:, 1, 0], theta[:, 1, 1] = flip * zoom * angle.sin(), zoom * angle.cos()
    theta[:, :, 2] = _uniform(2 * n, -0.12, 0.12, rng).view(n, 2)
    grid = F.affine_grid(theta, [n, 3, side, side], align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    return _recolour(x, rng).permute(0, 2, 3, 1)


def _recolour(x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Random brightness, contrast and saturation; one photo in twelve goes grey."""
    n = len(x)
    grey = (x * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    saturation = _uniform(n, 0.6, 1.4, rng)
    saturation[torch.rand(n, generator=rng) < 1 / 12] = 0.0
    x = grey + saturation.view(n, 1, 1, 1) * (x - grey)
    mean = grey.mean(dim=(2, 3), keepdim=True)
    contrast, light = _uniform(n, 0.7, 1.3, rng), _uniform(n, -25, 25, rng)
    return (mean + contrast.view(n, 1, 1, 1) * (x - mean) + light.view(n, 1, 1, 1)).clamp(0, 255)
