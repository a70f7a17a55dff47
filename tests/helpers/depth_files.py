"""Depth files made for tests, in all formats and units."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from PIL import Image

from tests.helpers.photo_files import encoded, png


def npy(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def npz(compressed: bool = False, **arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(out, **arrays)
    return out.getvalue()


def pfm(values: np.ndarray, big: bool = False, scale: float = 1.0) -> bytes:
    """Rows from the bottom to the top; colour for three dimensions."""
    height, width = values.shape[:2]
    magic = "PF" if values.ndim == 3 else "Pf"
    header = f"{magic}\n{width} {height}\n{scale if big else -scale}\n".encode()
    return header + values[::-1].astype(">f4" if big else "<f4").tobytes()


def tiff(values: np.ndarray, compression: str | None = None) -> bytes:
    """16 bits for uint16, 32 bits for int32, float for float32."""
    return encoded(Image.fromarray(values), "TIFF", compression=compression)


def tiff_big_endian(values: np.ndarray) -> bytes:
    """A TIFF of one strip, all numbers with the highest byte first."""
    bits, kind = (16, 1) if values.dtype == np.uint16 else (32, 3)
    body = values.astype(values.dtype.newbyteorder(">")).tobytes()
    height, width = values.shape
    tags = [
        (256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 1), (262, 3, 1),
        (273, 4, 8), (277, 3, 1), (278, 4, height), (279, 4, len(body)), (339, 3, kind),
    ]  # fmt: skip
    entries = b"".join(
        tag.to_bytes(2)
        + form.to_bytes(2)
        + (1).to_bytes(4)
        + (value.to_bytes(2) + b"\0\0" if form == 3 else value.to_bytes(4))
        for tag, form, value in tags
    )
    directory = len(tags).to_bytes(2) + entries + (0).to_bytes(4)
    return b"MM\0*" + (8 + len(body)).to_bytes(4) + body + directory


def as_integers(values: np.ndarray) -> bytes:
    """A 16-bit PNG."""
    return png(np.rint(values).astype(np.uint16))


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


FACTORS = {"m": 1, "cm": 100, "mm": 1000, "x256": 256, "x5000": 5000}


def stored(metres: np.ndarray, unit: str) -> np.ndarray:
    """Depth in metres as stored in a unit."""
    return 1 / metres if unit == "inverse" else metres * FACTORS[unit]
