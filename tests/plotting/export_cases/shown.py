"""What a chart has to show: marks and lines for the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from regcls.plotting.chart import Picture

Ends = tuple[str, Sequence[float]] | tuple[str, Sequence[float], Sequence[float]]
Table = Mapping[str, Sequence[Any]] | pd.DataFrame


@dataclass(frozen=True)
class Marks:
    """Marks that stand for the rows of a table.

    ``values`` are the columns by the titles that the marks have for them; ``x`` and ``y`` are the
    title of an axis and the ends of each mark on it, or its centre.
    """

    kind: str
    values: Table
    x: Ends | None = None
    y: Ends | None = None


@dataclass(frozen=True)
class Lines:
    """Lines through the rows of a table, or bands between two of its columns.

    ``columns`` are its columns with x, y and, for a band, the band's other edge; the lines are told
    apart by the column ``by``, which is also the title that they have for it.
    """

    kind: str
    table: pd.DataFrame
    columns: tuple[str, ...]
    axes: tuple[str, str]
    by: str | None = "model"


Shown = Marks | Lines


@dataclass(frozen=True)
class Case:
    """A chart, with what it has to show."""

    drawn: Picture
    shown: Mapping[str, Sequence[Shown]]  # by the title of the chart


def one(picture: Picture, *shown: Shown, settings: str = "Settings: made for a test.") -> Case:
    """Return the case of one chart, with settings as a page adds them."""
    drawn = picture if picture.settings else replace(picture, settings=settings)
    return Case(drawn, {"": shown})
