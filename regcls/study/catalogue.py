"""What a page can show: available grids, the place of the store, and results by source."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from regcls import study
from regcls.study.processes import log_file
from regcls.study.results import SHIPPED
from regcls.study.summarise import summarise
from regcls.study.summary import Summary, shipped
from regcls.study.tuning import TunedGrid
from regcls.utils.text import closest, suggestion

STORE = "REGCLS_STUDY_STORE"  # environment variable: file of the store
GRID = "REGCLS_STUDY_GRID"  # environment variable: TOML file of one more grid
_LONGEST_LIST = 20  # names that a message lists if none is similar


def store_path() -> Path:
    """Return the file of the store.

    Returns
    -------
    Path
        The file that the environment variable `STORE` names, or "runs/study.sqlite".
    """
    return Path(os.environ.get(STORE) or "runs/study.sqlite")


def available_grids() -> dict[str, str]:
    """Return the grids that a page offers.

    A URL can only name one of these grids, so that it never makes the app read another file.

    Returns
    -------
    dict of str to str
        What `regcls.study.load` takes, by the name of the grid: the shipped grids and the one that
        the environment variable `GRID` names.
    """
    offered = {name: name for name in study.names()}
    if own := os.environ.get(GRID):
        offered[Path(own).stem] = own
    return offered


def choose(wanted: str | None, offered: Iterable[str], what: str) -> tuple[str, str]:
    """Choose the option that a URL names.

    Parameters
    ----------
    wanted : str or None
        Name in the URL.
    offered : iterable of str
        Available names, the default first.
    what : str
        What is chosen, such as "grid".

    Returns
    -------
    name : str
        The name in the URL, or else the most similar name or the default.
    message : str
        Sentence for the user if the name in the URL is not available; else empty.

    Examples
    --------
    >>> choose("quik", ["paper", "quick"], "grid")
    ('quick', "No grid is called 'quik'; did you mean 'quick'? Showing quick.")
    """
    offered = list(offered)
    if wanted is None or wanted in offered:
        return wanted or offered[0], ""
    near = closest(wanted, offered)
    instead = near or offered[0]
    hint = suggestion(wanted, offered) if near or len(offered) < _LONGEST_LIST else ""
    stop = "" if hint.endswith("?") else "."
    return instead, f"No {what} is called {wanted!r}{hint}{stop} Showing {instead}."


def stamp(grid: study.Grid, store: Path) -> tuple:
    """Return a value that changes whenever the results of a grid may have changed.

    Parameters
    ----------
    grid : Grid
        The grid.
    store : Path
        File of the store; it need not exist.

    Returns
    -------
    tuple
        Hash of the grid, and time and size of the files that may hold results.
    """
    log = store.with_name(f"{store.name}-wal")  # SQLite writes new results here first
    files = (store, log, SHIPPED / f"{grid.name}.parquet")
    return (grid.hash, str(store), *map(_file_stamp, files))


def _file_stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def read(grid: study.Grid, source: str, store: Path) -> study.Results:
    """Read the results of a grid from one source.

    Parameters
    ----------
    grid : Grid
        The grid.
    source : str
        "store" or "shipped".
    store : Path
        File of the store.

    Returns
    -------
    Results

    Raises
    ------
    StoreError
        If the store cannot be used.
    """
    return study.read(grid, store if source == "store" else None)


def trained_summary(grid: study.Grid, store: Path) -> Summary | None:
    """Summarise the results that a store has of a grid.

    Parameters
    ----------
    grid : Grid
        The grid.
    store : Path
        File of the store; it need not exist.

    Returns
    -------
    Summary or None
        None if the store has no results of this grid.

    Raises
    ------
    StoreError
        If the store cannot be used.
    """
    if not store.exists():
        return None
    results = study.read(grid, store)
    return summarise(results) if results.source == "store" and len(results.table) else None


def by_source(name: str, trained: Summary | None) -> dict[str, Summary]:
    """Return the summaries of a grid by source.

    Parameters
    ----------
    name : str
        Name of the grid.
    trained : Summary or None
        What is trained on this machine.

    Returns
    -------
    dict of str to Summary
        By source, "store" and "shipped". The one with more models comes first, or that of this
        machine if both have as many.
    """
    found = [made for made in (trained, shipped(name, SHIPPED)) if made is not None]
    found.sort(key=lambda made: -made.models)
    return {made.source: made for made in found}


def last_log_line(store: Path, grid: str) -> str:
    """Return the last line that the latest background run of a grid has logged.

    Parameters
    ----------
    store : Path
        File of the store.
    grid : str
        Name of the grid.

    Returns
    -------
    str
        The line; empty if there is no log.
    """
    try:
        lines = log_file(store, grid).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def is_tuned(grid: study.Grid) -> bool:
    """Return whether a grid tunes the settings of both sides.

    Parameters
    ----------
    grid : Grid
        The grid.

    Returns
    -------
    bool
    """
    return isinstance(grid, TunedGrid)


def export_bytes(results: study.Results, ending: str) -> bytes:
    """Return the table of trained models as the content of a file.

    Parameters
    ----------
    results : Results
        Results of a grid.
    ending : str
        ".parquet" or ".csv".

    Returns
    -------
    bytes
    """
    with tempfile.TemporaryDirectory() as folder:
        return results.export(Path(folder) / f"models{ending}").read_bytes()
