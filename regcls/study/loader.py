"""Grids from TOML files."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from regcls.study.grid import Grid
from regcls.study.spec import PAPER, VERSION, GridError, Protocol
from regcls.study.tuning import _TUNED, Search, TunedGrid
from regcls.utils.text import nearest

GRIDS = Path(__file__).parent / "grids"


def names() -> list[str]:
    """The grids that ship, the paper's first."""
    found = sorted(path.stem for path in GRIDS.glob("*.toml"))
    return sorted(found, key=lambda name: (name != PAPER, name))


def load(name: str) -> Grid:
    """A grid that ships, by name, or any ``.toml`` file, by path. Raises ``GridError``."""
    path = Path(name) if name.endswith(".toml") else GRIDS / f"{name}.toml"
    if path.suffix != ".toml" or not path.is_file():
        if name.endswith(".toml"):
            raise GridError(f"there is no file {name}")
        raise GridError(f"no grid is called {name!r}{nearest(name, names())}")
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GridError(f"{path.name} is not a TOML file: {error}") from error
    return from_dict(path.stem, described)


def from_dict(name: str, described: dict[str, Any]) -> Grid:
    """A grid from its keys. Raises ``GridError`` with the nearest valid key for an unknown one."""
    values = dict(described)
    version = values.pop("version", None)
    if version != VERSION:
        raise GridError(f"the grid {name} must say version = {VERSION}, not {version!r}")
    shared = {f.name for f in fields(Protocol)}
    known = {f.name for f in fields(Grid)} - {"name", "protocol"} | shared | {"search"}
    for key in values:
        if key not in known:
            raise GridError(f"the grid {name} has an unknown key {key!r}{nearest(key, known)}")
    protocol = Protocol(**{key: values.pop(key) for key in shared & set(values)})
    values = {key: _frozen(value) for key, value in values.items()}
    if "search" not in values:
        return Grid(name=name, protocol=protocol, **values)
    pass

    return tuned_grid(name, protocol, values)


def _frozen(value):
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def tuned_grid(name: str, protocol: Protocol, values: dict) -> TunedGrid:
    """From the keys of a description with a table ``search``. Raises ``GridError``."""
    search = dict(values.pop("search"))
    known = {f.name for f in fields(Search)}
    for key in search:
        if key not in known:
            raise GridError(f"the search has an unknown key {key!r}{nearest(key, known)}")
    for key in _TUNED:
        if key in values:
            raise GridError(f"{key} is searched for: set it in [search] only")
    try:
        made = Search(**search)
    except TypeError as error:
        missing = [f.name for f in fields(Search)[:6] if f.name not in search]
        raise GridError(f"the search lacks {', '.join(missing)}") from error
    return TunedGrid(name=name, protocol=protocol, search=made, **values)
