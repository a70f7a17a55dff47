"""Tables made for tests, as data frames and as files."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd


def table(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Imbalanced targets and predictions: ``good`` with error 1, ``poor`` with error 3, biased low."""
    rng = np.random.default_rng(seed)
    y = rng.exponential(10, n)
    frame = pd.DataFrame({"id": np.arange(n), "age": y})
    frame["pred_good"] = y + rng.normal(0, 1, n)
    frame["pred_poor"] = y + rng.normal(0, 3, n) - 0.3 * np.maximum(y - 20, 0)
    frame["site"] = rng.choice(["north", "south"], n)
    return frame


def parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out)
    return out.getvalue()


def excel(**sheets: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    with pd.ExcelWriter(out, engine="openpyxl") as writer:
        for name, frame in sheets.items():
            frame.to_excel(writer, sheet_name=name, index=False)
    return out.getvalue()


def excel_rows(rows: Iterable[Sequence[object]]) -> bytes:
    """An Excel file with these rows of cells; an empty row is ``()``."""
    from openpyxl import Workbook

    book, out = Workbook(), io.BytesIO()
    for number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row, start=1):
            book.active.cell(number, column, cell)
    book.save(out)
    return out.getvalue()
