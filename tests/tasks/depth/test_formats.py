"""Formats of depth files: all give the same values; hostile ones are refused with a sentence."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from regcls.io import images
from regcls.tasks.depth import formats
from tests.helpers.depth_files import npy, npz, pfm, tiff, tiff_big_endian
from tests.helpers.photo_files import encoded, png

VALUES = np.arange(1, 13, dtype=np.float32).reshape(3, 4) * 100
WHOLE = VALUES.astype(np.uint16)
WIDE = WHOLE.astype(np.int32)
READ = {
    "PNG": (png(WHOLE), "16-bit PNG"),
    "TIFF": (tiff(WHOLE), "16-bit TIFF"),
    "TIFF, deflate": (tiff(WHOLE, "tiff_adobe_deflate"), "16-bit TIFF"),
    "TIFF, LZW": (tiff(WHOLE, "tiff_lzw"), "16-bit TIFF"),
    "TIFF, big-endian": (tiff_big_endian(WHOLE), "16-bit TIFF"),
    "TIFF, 32-bit integers": (tiff(WIDE), "32-bit TIFF"),
    "TIFF, float": (tiff(VALUES), "float TIFF"),
    "TIFF, float, deflate": (tiff(VALUES, "tiff_adobe_deflate"), "float TIFF"),
    "TIFF, float, big-endian": (tiff_big_endian(VALUES), "float TIFF"),
    "PFM": (pfm(VALUES), "PFM"),
    "PFM, big-endian": (pfm(VALUES, big=True), "PFM"),
    "PFM with a scale": (pfm(VALUES, scale=0.0039), "PFM"),
    "PFM, three equal channels": (pfm(np.repeat(VALUES[..., None], 3, 2)), "PFM"),
    "npy": (npy(VALUES), ".npy"),
    "npy, half precision": (npy(VALUES.astype(np.float16)), ".npy"),
    "npy, big-endian": (npy(VALUES.astype(">f8")), ".npy"),
    "npy, columns first": (npy(np.asfortranarray(VALUES)), ".npy"),
    "npy with axes of length 1": (npy(VALUES[None, ..., None]), ".npy"),
    "npz": (npz(disparity=VALUES), ".npz"),
    "npz, compressed": (npz(compressed=True, arr_0=VALUES), ".npz"),
    "npz with a camera": (npz(d=VALUES, focal=np.array(518.9), centre=np.zeros(2)), ".npz"),
    "npz with depth among maps": (npz(mask=VALUES * 0, depth=VALUES), ".npz"),
    "npz without names": (npz(arr_0=VALUES, arr_1=VALUES * 0), ".npz"),
}


@pytest.mark.parametrize(("data", "kind"), READ.values(), ids=READ.keys())
def test_every_format_gives_the_stored_values(data, kind):
    found = formats.read(data, "d.file")
    assert found.kind == kind and found.notes == ()
    np.testing.assert_array_equal(found.values, VALUES)
    assert found.values.dtype == np.float32
    assert found.median == 650


def npy_header(shape: str, dtype: str = "<f8", version: int = 1) -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims its size and has no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b""))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.npy", content)
    return out.getvalue()


DAMAGED = "damaged or incomplete"
BAD = {
    "empty": (b"", "is empty"),
    "words": (b"just words", "cannot be read as a depth map; expected 16-bit PNG"),
    "eight bits": (png(np.full((24, 32), 200, np.uint8)), "has 8 bits per pixel"),
    "colours": (png(np.zeros((24, 32, 3), np.uint8)), "the channels RGB"),
    "JPEG": (encoded(Image.new("RGB", (32, 24)), "JPEG"), "expected 16-bit PNG"),
    "all zeros": (png(np.zeros((24, 32), np.uint16)), "has no depth"),
    "NaN only": (npy(np.full((24, 32), np.nan)), "has no depth"),
    "negative only": (npy(np.full((24, 32), -1.0)), "has no depth"),
    "marks only": (png(np.full((24, 32), 65535, np.uint16)), "has no depth"),
    "too large for a float": (npy(np.full((24, 32), 1e300)), "has no depth"),
    "PNG cut short": (png(WHOLE)[:60], DAMAGED),
    "PNG cut in its header": (png(WHOLE)[:12], DAMAGED),
    "PNG of many pixels": (png_header(60_000, 60_000), "too many pixels"),
    "PNG of absurd size": (png_header(2**31 - 1, 2**31 - 1), "too many pixels"),
    "TIFF cut short": (tiff(VALUES)[:60], DAMAGED),
    "npy cut short": (npy(VALUES)[:-8], DAMAGED),
    "npy cut in its header": (npy(VALUES)[:20], DAMAGED),
    "npy of objects": (npy(np.zeros((2, 2), object)), "real numbers"),
    "npy of complex numbers": (npy(np.ones((2, 2), complex)), "real numbers"),
    "npy of words": (npy(np.array([["a"]])), "real numbers"),
    "npy without pixels": (npy(np.ones((0, 0))), "one depth per pixel"),
    "npy of a line": (npy(np.ones(9)), "one depth per pixel"),
    "npy of a cube": (npy(np.ones((24, 32, 3))), "one depth per pixel"),
    "npy of terabytes": (npy_header("(10000000, 10000000)"), "too many pixels"),
    "npy of negative size": (npy_header("(-4, 5)"), DAMAGED),
    "npy of two negative sizes": (npy_header("(-4, -5)") + bytes(160), DAMAGED),
    "npy with a long header": (
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b" " * 100, DAMAGED,
    ),
    "npz of two maps": (npz(left=VALUES, right=VALUES), "2 2D arrays (left, right); keep one"),
    "npz without a map": (npz(focal=np.array(1.0)), "no 2D array of real numbers, only focal"),
    "npz of objects": (npz(depth=np.zeros((2, 2), object)), "no 2D array of real numbers"),
    "a zip of something else": (zipped(depth=b"words").replace(b"npy", b"txt"), "has no array"),
    "npz cut short": (npz(depth=VALUES)[:-30], DAMAGED),
    "npz with damaged data": (zipped(depth=npy(VALUES)[:-8]), DAMAGED),
    "npz of terabytes": (zipped(depth=npy_header("(10000000, 10000000)")), "too many pixels"),
    "PFM in colour": (
        pfm(np.arange(60.0).reshape(4, 5, 3)), "three channels that differ",
    ),
    "PFM cut short": (pfm(VALUES)[:-1], DAMAGED),
    "PFM cut in its header": (b"Pf\n64 48\n", DAMAGED),
    "PFM of terabytes": (b"Pf\n999999999 999999999\n-1.0\n", "too many pixels"),
    "PFM of more digits": (b"Pf\n99999999999999999999 9\n-1.0\n", DAMAGED),
    "PFM without pixels": (b"Pf\n0 9\n-1.0\n", "one depth per pixel"),
    "PFM of negative size": (b"Pf\n-4 9\n-1.0\n", DAMAGED),
    "PFM without a byte order": (b"Pf\n1 1\n0.0\n\0\0\0\0", DAMAGED),
    "PFM with an infinite scale": (b"Pf\n1 1\n1e999\n\0\0\0\0", DAMAGED),
    "PFM with a scale that is no number": (b"Pf\n1 1\n-e-\n\0\0\0\0", DAMAGED),
}  # fmt: skip


@pytest.mark.parametrize(("data", "words"), BAD.values(), ids=BAD.keys())
def test_an_unusable_file_is_refused_with_a_sentence(data, words):
    with pytest.raises(images.MediaError) as caught:
        formats.read(data, "t.file")
    assert words in str(caught.value) and str(caught.value).startswith("t.file")
    assert caught.value.sentence.endswith(".") and "\n" not in caught.value.sentence


def test_a_bomb_takes_no_memory():
    """200 MB of zeros behind a header that claims a small map, and one that claims 400 MB."""
    bombs = (
        zipped(depth=npy_header("(3, 4)") + bytes(200_000_000)),
        zipped(depth=npy_header("(10000, 10000)", "<f4")),
        zipped(depth=b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31 - 1) + bytes(200_000_000)),
    )
    tracemalloc.start()
    for bomb in bombs:
        with pytest.raises(images.MediaError):
            formats.read(bomb, "bomb.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(formats, "MAX_FILE_BYTES", 100)
    with pytest.raises(images.MediaError, match="at most"):
        formats.read(bytes(101), "big.npy")


def test_a_pickle_is_never_loaded(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    for data in (npy(np.array([[Hostile()]])), npz(depth=np.array([[Hostile()]]))):
        with pytest.raises(images.MediaError):
            formats.read(data, "t.npy")
    assert not (tmp_path / "made").exists()


def test_depth_files_are_told_from_photos():
    for data, _ in READ.values():
        assert formats.is_depth(data)
    for photo in (png(np.zeros((24, 32, 3), np.uint8)), png(np.zeros((24, 32), np.uint8)), b"w"):
        assert not formats.is_depth(photo)
