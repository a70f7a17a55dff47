"""What a page asks about studies: the grids on offer, the store's place, whose results to show."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from regcls import study
from regcls.study.results import SHIPPED
from regcls.study.tuning import TunedGrid
from regcls.utils.text import nearest

STORE = "REGCLS_STUDY_STORE"  # environment variable: another store than the commands' own
GRID = "REGCLS_STUDY_GRID"  # environment variable: a TOML file, listed with the shipped grids
FAIR = "fair"  # the grid that tunes reg and reg+cls alike


def store_path() -> Path:
    """Where results are kept."""
    return Path(os.environ.get(STORE) or "runs/study.sqlite")


def catalogue() -> dict[str, str]:
    """What ``study.load`` takes, by the name of each grid on offer. Files that a link names are
    never read: only the shipped grids and the one of the environment are."""
    offered = {name: name for name in study.names()}
    if own := os.environ.get(GRID):
        offered[Path(own).stem] = own
    return offered


def choose(wanted: str | None, offered: Iterable[str], what: str) -> tuple[str, str]:
    """The name that a link asks for, or the first on offer, and a sentence if it asked in vain."""
    offered = list(offered)
    if wanted is None or wanted in offered:
        return wanted or offered[0], ""
    near = difflib.get_close_matches(wanted, offered, 1, 0.5)
    instead = near[0] if near else offered[0]
    hint = nearest(wanted, offered) if len(offered) < 20 or near else ""
    ends = "" if hint.endswith("?") else "."
    return instead, f"No {what} is called {wanted!r}{hint}{ends} Here is {instead}."


def stamp(grid: study.Grid, store: Path) -> tuple:
    """Changes whenever the results of a grid may have changed."""
    companion = store.with_name(f"{store.name}-wal")  # what is new waits there for a while
    files = (store, companion, SHIPPED / f"{grid.name}.parquet")
    return (grid.hash, str(store), *map(_stamp, files))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def read(grid: study.Grid, store: Path | None) -> dict[str, study.Results]:
    """The results there are, "store" and "shipped", each with its cells compared; the shipped ones
    first unless the store has as many. Raises ``StoreError`` if the store is no good."""
    found = [study.read(grid, store), study.read(grid, None)]
    found = {r.source: r for r in reversed(found) if not r.table.empty}
    for results in found.values():
        _ = results.cells  # takes a second in a large grid
    return dict(sorted(found.items(), key=lambda item: (-len(item[1].table), item[0] != "store")))


def last_words(store: Path) -> str:
    """The last line that the last run in the background said; empty if none ever was."""
    try:
        lines = store.with_name(f"{store.name}.log").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def is_fair(grid: study.Grid) -> bool:
    """Whether both sides of the grid are tuned."""
    return isinstance(grid, TunedGrid)


def exported(results: study.Results, ending: str) -> bytes:
    """All trained models as a ".parquet" or ".csv" file."""
    with tempfile.TemporaryDirectory() as folder:
        return results.export(Path(folder) / f"models{ending}").read_bytes()
