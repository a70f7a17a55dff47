"""Augmentation of batches: a random affine view and random colours."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F


def _uniform(n: int, low: float, high: float, rng: torch.Generator) -> torch.Tensor:
    return low + (high - low) * torch.rand(n, generator=rng)


def random_views(images: torch.Tensor, side: int, rng: torch.Generator) -> torch.Tensor:
    """Flip, rotate (±12°), zoom (0.85-1.15), shift (±6%) and recolour square photos.

    Parameters
    ----------
    images : Tensor of uint8, shape (N, H, W, 3)
        RGB images.
    side : int
        Side of the views in pixels.
    rng : Generator
        Source of all randomness.

    Returns
    -------
    Tensor of float32, shape (N, side, side, 3)
        Views in 0..255. The outside of a photo mirrors its inside.
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


def random_frames(images: torch.Tensor, height: int, rng: torch.Generator) -> torch.Tensor:
    """Rotate (±5°), zoom (0.9-1.1), shift (±6%) and recolour video frames.

    Frames are not flipped, since left and right differ in a robot's task.

    Parameters
    ----------
    images : Tensor of uint8, shape (N, H, W, 3)
        RGB images.
    height : int
        Height of the views in pixels.
    rng : Generator
        Source of all randomness.

    Returns
    -------
    Tensor of float32, shape (N, height, width, 3)
        Views in 0..255. The outside of a frame repeats its border.
    """
    n, ratio = len(images), images.shape[2] / images.shape[1]
    x = images.permute(0, 3, 1, 2).float()
    if x.shape[2] != height:
        x = F.interpolate(x, scale_factor=height / x.shape[2], mode="bilinear", antialias=True)
    angle, zoom = _uniform(n, -5, 5, rng) * math.pi / 180, _uniform(n, 0.9, 1.1, rng)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = zoom * angle.cos(), -zoom * angle.sin() / ratio
    theta[:, 1, 0], theta[:, 1, 1] = zoom * angle.sin() * ratio, zoom * angle.cos()
    theta[:, :, 2] = _uniform(2 * n, -0.12, 0.12, rng).view(n, 2)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    return _recolour(x, rng).permute(0, 2, 3, 1)


def random_rooms(
    images: torch.Tensor, depth: torch.Tensor, height: int, rng: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Flip, rotate (±5°), zoom in (1-1.3, off centre) and recolour rooms together with their depth.

    Magnification by z divides the depth by z, so that the camera stays the same.

    Parameters
    ----------
    images : Tensor of uint8, shape (N, H, W, 3)
        RGB images.
    depth : Tensor, shape (N, H, W)
        Depth in metres, 0 where unknown.
    height : int
        Height of the views in pixels.
    rng : Generator
        Source of all randomness.

    Returns
    -------
    views : Tensor of float32, shape (N, height, width, 3)
        Views in 0..255.
    metres : Tensor, shape (N, height // 2, width // 2)
        Depth of the views.
    """
    n, ratio = len(images), images.shape[2] / images.shape[1]
    width = round(height * ratio)
    x = images.permute(0, 3, 1, 2).float()
    if x.shape[2] > 1.3 * height:  # reduce first: bilinear sampling alone would alias
        x = F.interpolate(
            x, scale_factor=1.25 * height / x.shape[2], mode="bilinear", antialias=True
        )
    zoom = _uniform(n, 1.0, 1.3, rng)
    angle = _uniform(n, -5, 5, rng) * math.pi / 180
    flip = torch.where(torch.rand(n, generator=rng) < 0.5, -1.0, 1.0)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = flip * angle.cos() / zoom, -angle.sin() / zoom / ratio
    theta[:, 1, 0], theta[:, 1, 1] = flip * angle.sin() / zoom * ratio, angle.cos() / zoom
    free = (1 - 1 / zoom).view(n, 1)  # by how much the window may move
    theta[:, :, 2] = free * _uniform(2 * n, -1, 1, rng).view(n, 2)
    fine, coarse = (
        F.affine_grid(theta, [n, 1, h, w], align_corners=False)
        for h, w in ((height, width), (height // 2, width // 2))
    )
    x = F.grid_sample(x, fine, padding_mode="reflection", align_corners=False)
    # Nearest neighbour: a mean across an edge is the depth of no surface.
    metres = F.grid_sample(
        depth.unsqueeze(1), coarse, mode="nearest", padding_mode="reflection", align_corners=False
    )
    return _recolour(x, rng).permute(0, 2, 3, 1), metres.squeeze(1) / zoom.view(n, 1, 1)


def _recolour(x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Randomise brightness, contrast and saturation; one image in twelve becomes grey."""
    n = len(x)
    grey = (x * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    saturation = _uniform(n, 0.6, 1.4, rng)
    saturation[torch.rand(n, generator=rng) < 1 / 12] = 0.0
    x = grey + saturation.view(n, 1, 1, 1) * (x - grey)
    mean = grey.mean(dim=(2, 3), keepdim=True)
    contrast, light = _uniform(n, 0.7, 1.3, rng), _uniform(n, -25, 25, rng)
    return (mean + contrast.view(n, 1, 1, 1) * (x - mean) + light.view(n, 1, 1, 1)).clamp(0, 255)
