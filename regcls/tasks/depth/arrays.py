"""Depth maps in NumPy's formats .npy and .npz, from untrusted files: sizes first, no pickles."""

from __future__ import annotations

import io
import zipfile
from typing import IO

import numpy as np

from regcls.io.images import MAX_PIXELS, MediaError
from regcls.io.limits import DAMAGED

NPY_MAGIC, NPZ_MAGIC = b"\x93NUMPY", b"PK\x03\x04"
NAMES = ("depth", "arr_0")  # arrays that an .npz is read from if it has several
_HEAD = 65_536  # bytes that must hold a header; a header can claim to be gigabytes long
_MAX_ARRAYS = 1_000


def check_pixels(count: float, name: str) -> None:
    """Check that a map is not too large to be read.

    Parameters
    ----------
    count : float
        Number of pixels, as a header gives it.
    name : str
        Name of the file, for the message.

    Raises
    ------
    MediaError
        If it has more than `regcls.io.images.MAX_PIXELS` pixels.
    """
    if count > MAX_PIXELS:
        raise MediaError(
            f"{name} has too many pixels; the largest number is {MAX_PIXELS / 1e6:.0f} million"
        )


def read_npy(data: bytes, name: str) -> np.ndarray:
    """Read an array from an .npy file.

    Parameters
    ----------
    data : bytes
        Content of the file.
    name : str
        Its name, for messages.

    Returns
    -------
    ndarray
        Real numbers, without axes of length 1.

    Raises
    ------
    MediaError
        If it is damaged, too large, or does not hold real numbers.
    """
    return _Array(io.BytesIO(data), name).read()


def read_npz(data: bytes, name: str) -> np.ndarray:
    """Read the depth map from an .npz file.

    Parameters
    ----------
    data : bytes
        Content of the file.
    name : str
        Its name, for messages.

    Returns
    -------
    ndarray
        The only 2D array of real numbers, or the one named as in `NAMES`.

    Raises
    ------
    MediaError
        If it is damaged, too large, or it is not clear which array is the depth map.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entry = _chosen(archive, name)
            with archive.open(entry) as stream:
                return _Array(stream, name).read()
    except MediaError:
        raise
    except Exception as error:  # a damaged archive fails in zipfile, zlib or struct
        raise MediaError(f"{name} {DAMAGED}") from error


class _Array:
    """An array in a stream: its header is read and checked, its values only on request."""

    def __init__(self, stream: IO[bytes], name: str):
        self._stream, self._name = stream, name
        try:
            head = io.BytesIO(stream.read(_HEAD))
            version = np.lib.format.read_magic(head)
            first = version == (1, 0)
            read = (
                np.lib.format.read_array_header_1_0
                if first
                else np.lib.format.read_array_header_2_0
            )
            self.shape, self._fortran, self._type = read(head)
            self._start = head.read()
            if any(side < 0 for side in self.shape):
                raise ValueError("a negative size")
        except Exception as error:  # a damaged header fails in many ways
            raise MediaError(f"{name} {DAMAGED}") from error

    @property
    def is_map(self) -> bool:
        """Whether it has real numbers in two dimensions, apart from axes of length 1."""
        return self._type.kind in "fiu" and sum(side != 1 for side in self.shape) == 2

    def read(self) -> np.ndarray:
        """Return the values; their size is checked before memory is taken."""
        if self._type.hasobject or self._type.kind not in "fiu":
            raise MediaError(f"{self._name} must hold real numbers")
        count = float(np.prod(self.shape, dtype=np.float64))
        check_pixels(count, self._name)
        size = int(count) * self._type.itemsize
        try:
            body = self._start + self._stream.read(max(size - len(self._start), 0))
        except Exception as error:  # damaged compressed data
            raise MediaError(f"{self._name} {DAMAGED}") from error
        if len(body) < size:
            raise MediaError(f"{self._name} {DAMAGED}")
        flat = np.frombuffer(body, self._type, int(count))
        return flat.reshape(self.shape, order="F" if self._fortran else "C").squeeze()


def _chosen(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Return the array with the depth map, from the headers alone."""
    entries = {e.filename.removesuffix(".npy"): e for e in archive.infolist() if _is_array(e)}
    if len(entries) > _MAX_ARRAYS:
        raise MediaError(f"{name} has {len(entries)} arrays; at most {_MAX_ARRAYS} are allowed")
    maps = [key for key, entry in entries.items() if _is_map(archive, entry, name)]
    if len(maps) == 1:
        return entries[maps[0]]
    if named := [key for key in NAMES if key in maps]:
        return entries[named[0]]
    if maps:
        raise MediaError(
            f"{name} has {len(maps)} 2D arrays ({_listed(maps)}); keep one, or name the depth map "
            f"{NAMES[0]!r}"
        )
    if entries:
        raise MediaError(f"{name} has no 2D array of real numbers, only {_listed(list(entries))}")
    raise MediaError(f"{name} has no array; expected an .npz file with the depth map")


def _is_map(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bool:
    with archive.open(entry) as stream:
        return _Array(stream, name).is_map


def _is_array(entry: zipfile.ZipInfo) -> bool:
    # bzip2 and LZMA unpack a whole block at once, past any limit; NumPy never writes them.
    packed = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    return entry.filename.endswith(".npy") and packed and not entry.flag_bits & 1


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown}, …" if len(names) > 5 else shown
