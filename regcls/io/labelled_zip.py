"""Zip archives of photos with a table of ages, read safely."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from regcls.io.images import MAX_BYTES, MediaError

MAX_ZIP_BYTES = 100_000_000  # as stored
MAX_ZIP_UNPACKED = 200_000_000  # over all files, counted while reading: headers can lie
MAX_ZIP_RATIO = 100  # unpacked to packed, once a file is over a megabyte; photos stay near 1
MAX_ZIP_FILES = 2_000
MAX_TABLE_BYTES = 1_000_000
AGE_LIMITS = (0.0, 120.0)  # years


class LabelledPhoto(NamedTuple):
    """One row of a labelled zip. ``problem`` is a sentence; ``data`` or ``age`` is then None."""

    name: str
    data: bytes | None
    age: float | None
    problem: str | None


def read_age(text: str) -> float:
    """A true age in years from a table's cell. Raises ``MediaError`` saying what is wrong."""
    try:
        age = float(text.strip())
    except ValueError as error:
        raise MediaError(f"the age {text.strip()[:20]!r} is not a number.") from error
    low, high = AGE_LIMITS
    if not math.isfinite(age) or not low <= age <= high:
        raise MediaError(f"the age {text.strip()[:20]} is not between {low:.0f} and {high:.0f}.")
    return age


def read_labelled_zip(data: bytes) -> list[LabelledPhoto]:
    """Photos with true ages: a zip with one CSV (columns file and age) and the photos it names.

    One entry a row of the CSV, then one for each photo that no row names; nothing is written to
    disk. A row with a problem says so and the others work: a bad age leaves the photo without an
    age, a photo that is missing or refused leaves the row without data. Raises ``MediaError``
    when the archive as a whole cannot be used.
    """
    if len(data) > MAX_ZIP_BYTES:
        raise MediaError(
            f"the zip has {len(data) / 1e6:.0f} MB; at most {MAX_ZIP_BYTES / 1e6:.0f} MB are read."
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise MediaError("this is not a zip file, or it is damaged.") from error
    with archive:
        return list(_labelled(_Archive(archive)))


class _Archive:
    """Reads entries of a zip within the caps, keeping count over all of them."""

    def __init__(self, archive: zipfile.ZipFile):
        self._archive = archive
        self._read = 0
        entries = [e for e in archive.infolist() if not e.is_dir() and not _is_clutter(e.filename)]
        if len(entries) > MAX_ZIP_FILES:
            raise MediaError(f"the zip has {len(entries)} files; at most {MAX_ZIP_FILES} are read.")
        self.entries = {e.filename: e for e in entries}

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of one entry. Raises ``MediaError``, also when the whole is over its cap."""
        entry = self.entries[name]
        if climbs(name):
            raise MediaError("its path leads out of the zip, so it was refused.")
        if entry.flag_bits & 1:
            raise MediaError("it is encrypted.")
        # bzip2 and LZMA unpack a whole block at once, past any cap; photos never need them.
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise MediaError("it is packed in a way that is not read here (only deflate is).")
        try:
            with self._archive.open(entry) as stream:
                data = stream.read(limit + 1)
        except Exception as error:  # damaged entries fail in zipfile, zlib or struct
            raise MediaError("it is damaged.") from error
        self._read += len(data)
        bomb = len(data) > 1_000_000 and len(data) > MAX_ZIP_RATIO * max(entry.compress_size, 1)
        if bomb or self._read > MAX_ZIP_UNPACKED:
            raise _Bomb("the zip unpacks to far more than its size, so it was refused.")
        if len(data) > limit:
            raise MediaError(f"it has more than {limit / 1e6:.0f} MB.")
        return data


class _Bomb(MediaError):
    """Ends the reading of the archive, where another ``MediaError`` ends only its row."""


def climbs(path: str) -> bool:
    """Whether a path in an archive leads out of it: absolute, with a drive, or with "..".."""
    parts = PurePosixPath(path.replace("\\", "/"))
    return parts.is_absolute() or ".." in parts.parts or ":" in path


def _is_clutter(path: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in path.split("/"))


def _labelled(archive: _Archive) -> Iterator[LabelledPhoto]:
    table = _table_name(archive)
    folder = table.rpartition("/")[0]
    named = set()
    for file, age in _rows(archive.read(table, MAX_TABLE_BYTES), table):
        inside = next((p for p in (f"{folder}/{file}", file) if p in archive.entries), None)
        named.add(inside)
        yield _one_row(archive, file, inside, age)
    for name in archive.entries:
        if name not in named and name != table:
            reason = (
                "its path leads out of the zip, so it was refused."
                if climbs(name)
                else f"{table} does not name it, so it was left out."
            )
            yield LabelledPhoto(name, None, None, reason)


def _one_row(archive: _Archive, file: str, inside: str | None, age: str) -> LabelledPhoto:
    if climbs(file):
        return LabelledPhoto(file, None, None, "its path leads out of the zip, so it was refused.")
    if inside is None:
        return LabelledPhoto(file, None, None, "it is not in the zip.")
    try:
        data = archive.read(inside, MAX_BYTES)
    except _Bomb:
        raise
    except MediaError as error:
        return LabelledPhoto(file, None, None, str(error))
    if not age.strip():
        return LabelledPhoto(file, data, None, None)
    try:
        return LabelledPhoto(file, data, read_age(age), None)
    except MediaError as error:
        return LabelledPhoto(file, data, None, f"{error} The photo is used without an age.")


def _table_name(archive: _Archive) -> str:
    tables = [n for n in archive.entries if n.lower().endswith(".csv") and not climbs(n)]
    if not tables:
        raise MediaError("the zip has no CSV; it needs one with the columns file and age.")
    if len(tables) > 1:
        raise MediaError(f"the zip has {len(tables)} CSV files; it must have one.")
    return tables[0]


def _rows(data: bytes, table: str) -> Iterator[tuple[str, str]]:
    """(file, age) as text, a row each; comma, semicolon or tab between columns."""
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
            raise MediaError(f"{table} lacks the column {missing[0]!r}; it needs file and age.")
        for number, row in enumerate(reader):
            if number >= MAX_ZIP_FILES:
                raise MediaError(f"{table} has more than {MAX_ZIP_FILES} rows.")
            if file := (row[columns["file"]] or "").strip():
                yield file, row[columns["age"]] or ""
    except csv.Error as error:
        raise MediaError(f"{table} is not a CSV that can be read.") from error
