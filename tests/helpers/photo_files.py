"""Photos made for tests."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def gradient(width: int = 64, height: int = 48) -> Image.Image:
    x = np.linspace(0, 255, width)[None, :].repeat(height, 0)
    y = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    return Image.fromarray(np.stack([x, y, 255 - x], 2).astype(np.uint8))


def png(pixels: np.ndarray) -> bytes:
    """Encode an RGB or grey image as PNG."""
    return encoded(Image.fromarray(pixels))


def room(height: int = 240, width: int = 320) -> bytes:
    """The left half is dark (near), the right half bright (far)."""
    pixels = np.full((height, width, 3), 51, np.uint8)
    pixels[:, width // 2 :] = 204
    return png(pixels)
