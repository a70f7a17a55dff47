"""Collections of tables: a folder or zip with an index, or single files with their targets."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from regcls.exceptions import UserError
from regcls.io.limits import DAMAGED, check_size
from regcls.io.reading import AUTOMATIC, Reading
from regcls.io.table_limits import MAX_BYTES
from regcls.io.tables import Table, read_table

INDEX = "index.csv"
NEEDED = ("name", "file", "target")
MOST_TABLES = 1000
RELATED = 0.5  # share of common columns from which tables with as many rows are one family


class CollectionError(UserError):
    """A collection cannot be read; the message names the table and what to do."""


@dataclass(frozen=True)
class Entry:
    """One table of a collection.

    Attributes
    ----------
    name : str
        Its name, unique in the collection.
    target : str
        Column to predict.
    path : Path
        The file, or the zip that has it.
    member : str
        Its name in the zip; empty for a file.
    family : str
        Tables of one family are not independent of each other; empty to find out by their columns.
    domain, source : str
        Field, and where the table is from; may be empty.
    group : str or None
        Column of rows that belong together.
    leave_out : tuple of str or None
        Columns to leave out; None for those that certainly leak the target.
    """

    name: str
    target: str
    path: Path
    member: str = ""
    family: str = ""
    domain: str = ""
    source: str = ""
    group: str | None = None
    leave_out: tuple[str, ...] | None = None

    def read(self) -> Table:
        """Read the table.

        Returns
        -------
        Table
            The table, without questions.

        Raises
        ------
        UserError
            If it cannot be read, or does not decide how.
        """
        name = self.member or self.path.name
        if self.member:
            with _opened(self.path) as archive:
                data = _member(archive, self.member)
        else:
            data = _file(self.path)
        table = read_table(data, name, AUTOMATIC)
        if table.questions:  # an index says nothing of decimal marks; English is its language
            table = read_table(data, name, Reading(decimal="point"))
        return table


def collect(sources: Sequence[str | Path]) -> list[Entry]:
    """Return the tables of several sources.

    Parameters
    ----------
    sources : sequence of str or Path
        Folders or zips with an ``index.csv`` (columns name, file, target; optional family, domain,
        source, group, leave_out), or table files as "FILE=TARGET".

    Returns
    -------
    list of Entry
        In the order of the sources.

    Raises
    ------
    CollectionError
        If a source or its index cannot be used, or two tables have the same name.
    """
    found = [entry for source in sources for entry in _entries(str(source))]
    if not found:
        raise CollectionError("there are no tables; name a folder, a zip or FILE=TARGET")
    if len(found) > MOST_TABLES:
        raise CollectionError(
            f"there are {len(found):,} tables; at most {MOST_TABLES:,} are compared"
        )
    names = [entry.name for entry in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise CollectionError(f"several tables are named “{twice[0]}”; give each its own name")
    return found


def families(columns: Sequence[tuple[Entry, Iterable[str], int]]) -> dict[str, str]:
    """Return the family of each table.

    Tables are related if the index says so, or if they have as many rows and at least half of their
    columns in common, such as several targets measured on the same samples.

    Parameters
    ----------
    columns : sequence of (Entry, iterable of str, int)
        Tables with the names of their input columns and their numbers of rows.

    Returns
    -------
    dict of str to str
        Family by name of the table: the index's, or the name of its first table.

    Examples
    --------
    >>> a, b = (Entry(name, "y", Path(name)) for name in "ab")
    >>> families([(a, ("x", "z"), 9), (b, ("x", "z"), 9)])
    {'a': 'a', 'b': 'a'}
    """
    found: dict[str, str] = {}
    seen: list[tuple[str, set[str], int]] = []
    for entry, names, rows in columns:
        own = set(names)
        like = (
            family
            for family, other, count in seen
            if count == rows and len(own & other) >= RELATED * max(len(own | other), 1)
        )
        found[entry.name] = entry.family or next(like, entry.name)
        if not entry.family:
            seen.append((found[entry.name], own, rows))
    return found


def _entries(source: str) -> list[Entry]:
    path = Path(source)
    if path.is_dir():
        index = path / INDEX
        if not index.is_file():
            raise CollectionError(f"the folder {path} has no {INDEX}")
        return [_entry(row, _inside(path, row["file"])) for row in _index(_file(index))]
    if path.is_file() and zipfile.is_zipfile(path):
        with _opened(path) as archive:
            folder = _folder(archive, path.name)
            rows = _index(_member(archive, f"{folder}{INDEX}"))
            return [_entry(row, path, f"{folder}{row['file']}") for row in rows]
    file, given, target = source.rpartition("=")
    if given and Path(file).is_file():
        return [Entry(name=Path(file).stem, target=target, path=Path(file))]
    if path.is_file():
        raise CollectionError(f"{path.name} is one table: name its target, as {path.name}=TARGET")
    raise CollectionError(f"there is no file or folder {file if given else path}")


def _index(data: bytes) -> list[dict[str, str]]:
    """Return the rows of an index, in which nothing that is needed is empty."""
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        rows = [{k: (v or "").strip() for k, v in row.items() if k} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise CollectionError(f"{INDEX} is not a CSV file in UTF-8") from error
    lacking = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if lacking:
        raise CollectionError(
            f"{INDEX} lacks the column “{lacking[0]}”; it needs {', '.join(NEEDED)}"
        )
    for number, row in enumerate(rows, 1):
        if empty := [name for name in NEEDED if not row[name]]:
            raise CollectionError(f"row {number} of {INDEX} has no “{empty[0]}”")
    return rows


def _entry(row: dict[str, str], path: Path, member: str = "") -> Entry:
    left_out = row.get("leave_out", "")
    return Entry(
        row["name"],
        row["target"],
        path,
        member,
        family=row.get("family", ""),
        domain=row.get("domain", ""),
        source=row.get("source", ""),
        group=row.get("group") or None,
        leave_out=tuple(part.strip() for part in left_out.split(";")) if left_out else None,
    )


def _inside(folder: Path, file: str) -> Path:
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise CollectionError(f"{INDEX} names a file outside its folder: {file}")
    if not path.is_file():
        raise CollectionError(f"{INDEX} names {file}, and there is no such file in {folder}")
    return path


def _file(path: Path) -> bytes:
    if not path.is_file():
        raise CollectionError(f"there is no file {path}")
    check_size(path.stat().st_size, MAX_BYTES, path.name, CollectionError)
    return path.read_bytes()


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise CollectionError(f"{path.name} {DAMAGED}") from error


def _folder(archive: zipfile.ZipFile, name: str) -> str:
    """Return the folder of a zip's index, "" for its top level."""
    found = [n for n in archive.namelist() if PurePosixPath(n).name == INDEX]
    if not found:
        raise CollectionError(f"{name} has no {INDEX}")
    return min(found, key=len).removesuffix(INDEX)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError as error:
        raise CollectionError(f"{INDEX} names {name}, and the zip has no such file") from error
    check_size(info.file_size, MAX_BYTES, name, CollectionError)
    try:
        with archive.open(info) as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise CollectionError(f"{name} {DAMAGED}") from error
    check_size(len(data), MAX_BYTES, name, CollectionError)
    return data
