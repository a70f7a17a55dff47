"""Summary of a grid's results: what a page shows when it opens, and shipped beside the results.

A summary is made from results by `regcls.study.summarise`. This module only reads and writes it, and
needs neither pandas nor SciPy, so that a page opens at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

SHIPPED = Path(__file__).parent / "results"
DIGITS = 6  # significant digits of the numbers in a file

T = TypeVar("T")


@dataclass(frozen=True)
class Ratio:
    """Ratio of the test MSE of reg+cls, or another role, to that of a second role.

    Attributes
    ----------
    ratio, low, high : float
        Geometric mean over functions, and its interval; NaN if there are none.
    p : float
        P-value after Holm's correction over the family.
    verdict : str
        One of `regcls.stats.verdicts.VERDICTS`, or "no result yet".
    """

    ratio: float
    low: float
    high: float
    p: float
    verdict: str

    @property
    def label(self) -> str:
        """Ratio with its interval, such as "0.948 [0.913, 0.985]"."""
        text = f"{self.ratio:.3f}"
        return text if math.isnan(self.low) else f"{text} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Group(Ratio):
    """Ratio pooled over the settings of a grid that have one value in common.

    Attributes
    ----------
    setting, value : str
        Name of the setting and its value, as shown on a page.
    cells : int
        Number of settings that count.
    """

    setting: str
    value: str
    cells: int


@dataclass(frozen=True)
class CellRatio(Ratio):
    """Ratio of one setting.

    Attributes
    ----------
    wins : float
        Share of runs with a lower error of reg+cls; ties count half.
    """

    wins: float


@dataclass(frozen=True)
class Comparison(Ratio):
    """Ratio pooled over all settings of a grid.

    Attributes
    ----------
    against : str
        "reg", "control", or "tuned" in a grid that tunes both sides.
    name : str
        Name of the model that reg+cls is compared with, such as "the control".
    p_equal : float
        P-value of two one-sided tests of a difference of at least 5%; NaN if there is none.
    cells, settings : int
        Number of settings that count, and of planned settings.
    functions, searches : int
        Numbers of independent units.
    verdicts : dict of str to int
        Number of settings by verdict, Holm-corrected over all settings.
    sentence : str
        Ratio, interval, verdict and equivalence in words.
    basis : tuple of str
        What the ratio is estimated from and for, as sentences.
    groups : tuple of Group
        Ratios by the values of each setting that varies; one family for Holm's correction.
    """

    against: str
    name: str
    p_equal: float
    cells: int
    settings: int
    functions: int
    searches: int
    verdicts: dict[str, int]
    sentence: str
    basis: tuple[str, ...]
    groups: tuple[Group, ...]

    def count(self, verdict: str) -> int:
        """Return the number of settings with a verdict."""
        return self.verdicts.get(verdict, 0)

    @property
    def counted(self) -> int:
        """Number of settings with results."""
        return sum(self.verdicts.values())


@dataclass(frozen=True)
class MeanError:
    """Mean test MSE of one role in one setting.

    Attributes
    ----------
    mean, low, high : float
        Mean over runs and its 95% interval over functions; NaN for fewer than three functions.
    runs : int
        Number of runs.
    """

    mean: float
    low: float
    high: float
    runs: int


@dataclass(frozen=True)
class CellSummary:
    """Results of one setting of a grid.

    Attributes
    ----------
    cell : str
        Name of the setting in an address.
    label, row, sampling, x : str
        The setting in words, and its place in the layout.
    runs : int
        Number of runs of reg+cls.
    errors : dict of str to MeanError
        Mean test MSE by role, without roles that diverged.
    published : dict of str to float
        Published mean test MSE by role, where the setting is the paper's.
    against : dict of str to CellRatio
        Ratios by what reg+cls is compared with, as in `Summary.comparisons`.
    train : tuple of float
        Share of the training targets in each of equal target ranges; empty without results.
    ranges : dict of str to tuple of float
        Mean test MSE in these ranges by role; NaN in ranges without test samples.
    lab : dict of str to str
        Address of the first run in the Lab; empty if it cannot be opened there.
    """

    cell: str
    label: str
    row: str
    sampling: str
    x: str
    runs: int
    errors: dict[str, MeanError]
    published: dict[str, float]
    against: dict[str, CellRatio]
    train: tuple[float, ...]
    ranges: dict[str, tuple[float, ...]]
    lab: dict[str, str]


@dataclass(frozen=True)
class Summary:
    """Results of a grid as plain values.

    Attributes
    ----------
    grid, title, hash : str
        Name of the grid, what it compares, and hash of its settings.
    source : str
        "store" or "shipped".
    tuned : bool
        Whether the grid tunes both sides.
    models, planned : int
        Number of trained and of planned models.
    x_title : str
        Title of the x-axis of the layout.
    headline : str
        The main result in one sentence; empty without results.
    points : tuple of str
        What the results show, one Markdown sentence each.
    comparisons : dict of str to Comparison
        Pooled ratios, by "reg", "control" or "tuned".
    scale : Comparison or None
        The control compared with plain reg: what the loss scale alone does.
    published : tuple of str
        Comparison with published results, as Markdown sentences.
    settings : str
        What all settings share, as a sentence for files.
    cells : tuple of CellSummary
        All settings, in the order of the grid.
    """

    grid: str
    title: str
    hash: str
    source: str
    tuned: bool
    models: int
    planned: int
    x_title: str
    headline: str
    points: tuple[str, ...]
    comparisons: dict[str, Comparison]
    scale: Comparison | None
    published: tuple[str, ...]
    settings: str
    cells: tuple[CellSummary, ...]

    def places(self) -> tuple[list[str], list[str], list[str]]:
        """Return the values along x, the rows and the samplings of the layout, in order."""
        x, rows, samplings = (
            list(dict.fromkeys(getattr(cell, name) for cell in self.cells))
            for name in ("x", "row", "sampling")
        )
        return x, rows, samplings

    def cell(self, name: str) -> CellSummary | None:
        """Return the setting with this name in an address."""
        return next((cell for cell in self.cells if cell.cell == name), None)

    def record(self) -> dict[str, Any]:
        """Return the summary as values for JSON: rounded, and None instead of NaN."""
        return _plain(asdict(self))


def shipped(name: str, folder: Path = SHIPPED) -> Summary | None:
    """Read the summary of the results of a grid that ship with regcls.

    Parameters
    ----------
    name : str
        Name of the grid.
    folder : Path
        Folder of the shipped results.

    Returns
    -------
    Summary or None
        None if no results of this grid ship with regcls.

    Examples
    --------
    >>> paper = shipped("paper")
    >>> list(paper.comparisons), paper.comparisons["control"].settings
    (['control', 'reg'], 60)
    """
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    return from_record(json.loads(path.read_text(encoding="utf-8"))["summary"])


def from_record(record: Mapping[str, Any]) -> Summary:
    """Return the summary that `Summary.record` has described.

    Parameters
    ----------
    record : mapping
        Values from JSON.

    Returns
    -------
    Summary
    """
    scale = record["scale"]
    lists = {name: tuple(record[name]) for name in ("points", "published")}
    compared = {key: _comparison(value) for key, value in record["comparisons"].items()}
    values = {
        **record,
        **lists,
        "comparisons": compared,
        "scale": _comparison(scale) if scale else None,
        "cells": tuple(map(_cell, record["cells"])),
    }
    return Summary(**values)


def _comparison(record: Mapping[str, Any]) -> Comparison:
    groups = tuple(_made(Group, group) for group in record["groups"])
    return _made(Comparison, {**record, "basis": tuple(record["basis"]), "groups": groups})


def _cell(record: Mapping[str, Any]) -> CellSummary:
    values = {
        **record,
        "errors": {role: _made(MeanError, error) for role, error in record["errors"].items()},
        "against": {key: _made(CellRatio, ratio) for key, ratio in record["against"].items()},
        "train": _numbers(record["train"]),
        "ranges": {role: _numbers(errors) for role, errors in record["ranges"].items()},
    }
    return CellSummary(**values)


def _made(kind: type[T], record: Mapping[str, Any]) -> T:
    """Return a dataclass from its values, with NaN for numbers that a file does not have."""
    return kind(**{name: math.nan if value is None else value for name, value in record.items()})


def _numbers(values: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(math.nan if value is None else value for value in values)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
