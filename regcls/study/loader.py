"""Read grids from TOML files."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from regcls.study.grid import Grid
from regcls.study.spec import PAPER, VERSION, GridError, Protocol
from regcls.study.tuning import TUNED, Search, TunedGrid
from regcls.utils.text import suggestion

GRIDS = Path(__file__).parent / "grids"
_REQUIRED = ("budget", "lr", "weight", "weight_decay", "classes", "functions")  # of a search


def names() -> list[str]:
    """Return the names of the shipped grids, the paper's first.

    Returns
    -------
    list of str

    Examples
    --------
    >>> names()[0]
    'paper'
    """
    found = sorted(path.stem for path in GRIDS.glob("*.toml"))
    return sorted(found, key=lambda name: (name != PAPER, name))


def load(name: str) -> Grid:
    """Load a shipped grid by name, or any grid from a TOML file.

    Parameters
    ----------
    name : str
        Name of a shipped grid, or a path that ends in ".toml".

    Returns
    -------
    Grid

    Raises
    ------
    GridError
        If the grid does not exist or its description is invalid.

    Examples
    --------
    >>> grid = load("paper")
    >>> len(grid.cells), len(grid.models())
    (60, 4200)
    """
    path = Path(name) if name.endswith(".toml") else GRIDS / f"{name}.toml"
    if path.suffix != ".toml" or not path.is_file():
        if name.endswith(".toml"):
            raise GridError(f"there is no file {name}")
        raise GridError(f"no grid is called {name!r}{suggestion(name, names())}")
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GridError(f"{path.name} is not a TOML file: {error}") from error
    return from_dict(path.stem, described)


def from_dict(name: str, described: dict[str, Any]) -> Grid:
    """Create a grid from the keys of its description.

    Parameters
    ----------
    name : str
        Name of the grid.
    described : dict
        Keys as in a TOML file: ``version``, attributes of `Grid`, fields of `Protocol` and, for a
        grid that tunes its settings, a table ``search``.

    Returns
    -------
    Grid
        A `TunedGrid` if there is a table ``search``.

    Raises
    ------
    GridError
        If a key is unknown or a value is invalid.
    """
    values = dict(described)
    version = values.pop("version", None)
    if version != VERSION:
        raise GridError(f"the grid {name} must have version = {VERSION}, not {version!r}")
    shared = {f.name for f in fields(Protocol)}
    known = {f.name for f in fields(Grid)} - {"name", "protocol"} | shared | {"search"}
    for key in values:
        if key not in known:
            raise GridError(f"the grid {name} has an unknown key {key!r}{suggestion(key, known)}")
    protocol = Protocol(**{key: values.pop(key) for key in shared & set(values)})
    values = {key: _frozen(value) for key, value in values.items()}
    if "search" in values:
        return _tuned_grid(name, protocol, values)
    return Grid(name=name, protocol=protocol, **values)


def _frozen(value: Any) -> Any:
    """Replace lists, also nested ones, by tuples."""
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _tuned_grid(name: str, protocol: Protocol, values: dict[str, Any]) -> TunedGrid:
    search = values.pop("search")
    if not isinstance(search, dict):
        raise GridError(f"search must be a table, [search], not {search!r}")
    known = {f.name for f in fields(Search)}
    for key in search:
        if key not in known:
            raise GridError(f"the search has an unknown key {key!r}{suggestion(key, known)}")
    for key in TUNED:
        if key in values:
            raise GridError(f"{key} is tuned by the search: set it in [search] only")
    missing = [key for key in _REQUIRED if key not in search]
    if missing:
        raise GridError(f"the search lacks {', '.join(missing)}")
    return TunedGrid(name=name, protocol=protocol, search=Search(**search), **values)
