"""Data sets as a zip file or a folder, with an index of their files."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from regcls.exceptions import UserError

SPLITS = ("train", "val", "test")

Reader = Callable[[str], bytes]  # from the name of a file in the source to its content


def open_source(source: Path, what: str) -> tuple[Reader, list[str]]:
    """Open a zip file or a folder.

    Parameters
    ----------
    source : Path
        The zip file or folder.
    what : str
        What it should contain, for the message.

    Returns
    -------
    read : callable
        Returns the content of a file by its name.
    names : list of str
        Sorted names of all files.

    Raises
    ------
    UserError
        If the source is neither.
    """
    if source.is_dir():
        names = [str(p.relative_to(source)) for p in source.rglob("*") if p.is_file()]
        return (lambda name: (source / name).read_bytes()), sorted(names)
    if source.is_file() and zipfile.is_zipfile(source):
        archive = zipfile.ZipFile(source)
        return archive.read, sorted(archive.namelist())
    raise UserError(f"{source} is neither a folder nor a zip file of {what}")


def check_columns(index: pd.DataFrame, *columns: str) -> None:
    """Check that an index has all columns.

    Parameters
    ----------
    index : DataFrame
        The index.
    *columns : str
        Names of the columns.

    Raises
    ------
    UserError
        If a column is missing.
    """
    missing = [name for name in columns if name not in index]
    if missing:
        raise UserError(f"the index lacks the column {missing[0]!r}; it needs {', '.join(columns)}")
