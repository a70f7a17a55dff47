"""Read zip archives from untrusted files: within limits, and photos with a table of ages."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import NamedTuple

from regcls.io.images import MAX_BYTES, MediaError
from regcls.io.limits import check_size

MAX_ZIP_BYTES = 100_000_000  # as stored
MAX_ZIP_UNPACKED = 200_000_000  # over all files, counted while reading, since headers can be wrong
MAX_ZIP_RATIO = 100  # unpacked to packed size of a file over a megabyte; photos stay near 1
MAX_ZIP_FILES = 2_000
MAX_TABLE_BYTES = 1_000_000
AGE_LIMITS = (0.0, 120.0)  # years
UNSAFE_PATH = "its path leads out of the zip"


class LabelledPhoto(NamedTuple):
    """One row of a labelled zip.

    Attributes
    ----------
    name : str
        The photo's path in the zip.
    data : bytes or None
        The photo; None if it cannot be read.
    age : float or None
        The true age in years, if it is known.
    problem : str or None
        What is wrong with the row, as a sentence.
    """

    name: str
    data: bytes | None
    age: float | None
    problem: str | None


def read_age(text: str) -> float:
    """Parse an age.

    Parameters
    ----------
    text : str
        A cell of a table.

    Returns
    -------
    float
        The age in years.

    Raises
    ------
    MediaError
        If it is not a number or out of range.

    Examples
    --------
    >>> read_age(" 31 ")
    31.0
    """
    text = text.strip()
    try:
        age = float(text)
    except ValueError as error:
        raise MediaError(f"the age {text[:20]!r} is not a number") from error
    low, high = AGE_LIMITS
    if not math.isfinite(age) or not low <= age <= high:
        raise MediaError(f"the age {text[:20]} is not between {low:.0f} and {high:.0f} years")
    return age


def read_labelled_zip(data: bytes) -> list[LabelledPhoto]:
    """Read a zip with one CSV (columns ``file`` and ``age``) and the photos that it lists.

    Nothing is written to disk. A row with a problem does not affect the others: an invalid age
    leaves the photo without an age, a missing photo leaves the row without data.

    Parameters
    ----------
    data : bytes
        The zip file.

    Returns
    -------
    list of LabelledPhoto
        One entry per row of the CSV, then one per photo that is not listed.

    Raises
    ------
    MediaError
        If the archive as a whole cannot be used.
    """
    with opened(data) as archive:
        return list(_labelled(archive))


@contextmanager
def opened(data: bytes) -> Iterator[Archive]:
    """Open a zip file in memory.

    Parameters
    ----------
    data : bytes
        The zip file.

    Yields
    ------
    Archive
        Its entries.

    Raises
    ------
    MediaError
        If it is too large, not a zip file, or has too many entries.
    """
    check_size(len(data), MAX_ZIP_BYTES, "the zip", MediaError)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise MediaError("this is not a zip file, or it is damaged") from error
    with archive:
        yield Archive(archive)


def leads_outside(path: str) -> bool:
    """Return whether a path in an archive is absolute, has a drive, or climbs with "..".

    Parameters
    ----------
    path : str
        The path.

    Returns
    -------
    bool
        Whether it must not be used.

    Examples
    --------
    >>> leads_outside("../evil.png"), leads_outside("set/a.png")
    (True, False)
    """
    parts = PurePosixPath(path.replace("\\", "/"))
    return parts.is_absolute() or ".." in parts.parts or ":" in path


class Archive:
    """Read entries of a zip within the limits, which count over all entries.

    Attributes
    ----------
    entries : dict of str to ZipInfo
        Files by path, without folders and hidden files.
    """

    def __init__(self, archive: zipfile.ZipFile):
        self._archive = archive
        self._read = 0
        entries = [e for e in archive.infolist() if not e.is_dir() and not _is_hidden(e.filename)]
        if len(entries) > MAX_ZIP_FILES:
            raise MediaError(
                f"the zip has {len(entries)} files; at most {MAX_ZIP_FILES} are allowed"
            )
        self.entries = {e.filename: e for e in entries}

    def read(self, name: str, limit: int, ratio: float = MAX_ZIP_RATIO) -> bytes:
        """Return the content of one entry.

        Parameters
        ----------
        name : str
            Its path.
        limit : int
            Largest number of bytes.
        ratio : float
            Largest ratio of unpacked to packed size of an entry over a megabyte.

        Returns
        -------
        bytes
            The content.

        Raises
        ------
        MediaError
            If the entry cannot be used; `BombError` if reading has to stop.
        """
        entry = self.entries[name]
        if leads_outside(name):
            raise MediaError(UNSAFE_PATH)
        if entry.flag_bits & 1:
            raise MediaError("the file is encrypted")
        # bzip2 and LZMA unpack a whole block at once, past any limit; photos never need them.
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise MediaError("its compression method is not supported; use deflate")
        try:
            with self._archive.open(entry) as stream:
                data = stream.read(limit + 1)
        except Exception as error:  # damaged entries fail in zipfile, zlib or struct
            raise MediaError("the file is damaged") from error
        self._read += len(data)
        bomb = len(data) > 1_000_000 and len(data) > ratio * max(entry.compress_size, 1)
        if bomb or self._read > MAX_ZIP_UNPACKED:
            raise BombError("the zip unpacks to far more than its size")
        if len(data) > limit:
            raise MediaError(f"the file has more than {limit / 1e6:.0f} MB")
        return data


class BombError(MediaError):
    """Stops reading the archive; any other ``MediaError`` affects its row only."""


def _is_hidden(path: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in path.split("/"))


def _labelled(archive: Archive) -> Iterator[LabelledPhoto]:
    table = _table_name(archive)
    folder = table.rpartition("/")[0]
    listed = set()
    for file, age in _rows(archive.read(table, MAX_TABLE_BYTES), table):
        inside = next((p for p in (f"{folder}/{file}", file) if p in archive.entries), None)
        listed.add(inside)
        yield _read_row(archive, file, inside, age)
    for name in archive.entries:
        if name not in listed and name != table:
            reason = (
                UNSAFE_PATH if leads_outside(name) else f"{table} does not list it; it is ignored"
            )
            yield LabelledPhoto(name, None, None, MediaError(reason).sentence)


def _read_row(archive: Archive, file: str, inside: str | None, age: str) -> LabelledPhoto:
    data = None
    try:
        if leads_outside(file):
            raise MediaError(UNSAFE_PATH)
        if inside is None:
            raise MediaError("the file is not in the zip")
        data = archive.read(inside, MAX_BYTES)
        return LabelledPhoto(file, data, read_age(age) if age.strip() else None, None)
    except BombError:
        raise
    except MediaError as error:
        without_age = " The photo is used without an age." if data is not None else ""
        return LabelledPhoto(file, data, None, error.sentence + without_age)


def _table_name(archive: Archive) -> str:
    tables = [n for n in archive.entries if n.lower().endswith(".csv") and not leads_outside(n)]
    if not tables:
        raise MediaError("the zip has no CSV file; add one with the columns file and age")
    if len(tables) > 1:
        raise MediaError(f"the zip has {len(tables)} CSV files; it must have exactly one")
    return tables[0]


def _rows(data: bytes, table: str) -> Iterator[tuple[str, str]]:
    """Yield file and age of each row as text; the delimiter is a comma, semicolon or tab."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        columns = {(c or "").strip().lower(): c for c in reader.fieldnames or ()}
        missing = [c for c in ("file", "age") if c not in columns]
        if missing:
            raise MediaError(f"{table} lacks the column {missing[0]!r}; it needs file and age")
        for number, row in enumerate(reader):
            if number >= MAX_ZIP_FILES:
                raise MediaError(f"{table} has more than {MAX_ZIP_FILES} rows")
            if file := (row[columns["file"]] or "").strip():
                yield file, row[columns["age"]] or ""
    except csv.Error as error:
        raise MediaError(f"{table} cannot be read as CSV") from error
