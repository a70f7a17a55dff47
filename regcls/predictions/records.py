"""Error report for a file of predictions, with plain values as the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regcls.io.tables import MAX_BYTES, TableError, read_table, safe_csv
from regcls.predictions import columns as prediction_columns
from regcls.predictions import ranges as prediction_ranges
from regcls.predictions.columns import Columns
from regcls.predictions.report import Report
from regcls.stats.verdicts import MARGIN


def report_file(
    file: Path,
    *,
    target: str | None = None,
    models: str | None = None,
    training: str | None = None,
    category: str | None = None,
    group: str | None = None,
    by: str = "automatic",
    ranges: float = prediction_ranges.RANGES,
    edges: str | None = None,
    sheet: str | None = None,
    margin: float | None = None,
    html: Path | None = None,
    csv: Path | None = None,
) -> dict[str, Any]:
    """Return the error report for a file of predictions.

    Parameters
    ----------
    file : Path
        CSV, Parquet or Excel file with true targets and predictions.
    target : str, optional
        Column of the true target; detected by default.
    models : str, optional
        Columns of predictions, separated by commas; detected by default.
    training : str, optional
        Training targets: a column, or a file of their own.
    category, group : str, optional
        Columns of categories, and of rows that belong together.
    by : str
        Kind of ranges; see `regcls.predictions.ranges.target_ranges`.
    ranges : float
        Number of ranges (with ``by="automatic"``, the maximum), or their width.
    edges : str, optional
        Edges of the ranges, separated by commas; replaces ``by`` and ``ranges``.
    sheet : str, optional
        Sheet of an Excel file; by default, the first.
    margin : float, optional
        Share of the lower of two errors below which their difference does not matter.
    html, csv : Path, optional
        Files to write the whole report and the errors per range to.

    Returns
    -------
    dict
        See `record`.

    Raises
    ------
    TableError
        If the file cannot be read, or a column or a range is invalid.
    """
    frame = _read(file, sheet)
    detected = None if target and models else prediction_columns.detect(frame)
    if target is None:
        target = detected.target if detected else ""
    if models:
        chosen = tuple(name.strip() for name in models.split(","))
    else:
        chosen = tuple(name for name in (detected.models if detected else ()) if name != target)
    column, train = _training(frame, training, target)
    found = prediction_columns.arrays(
        frame, Columns(target, chosen, column, category, group), train
    )
    kind = ("edges", 0.0, edges) if edges else (by, ranges, "")
    margin = MARGIN if margin is None else margin
    if not 0 <= margin < 1:
        raise TableError(f"the margin must be from 0 to below 1, not {margin:g}")
    report = Report(found, prediction_ranges.target_ranges(found, *kind), margin)
    if html is not None:
        from regcls.predictions.html import write

        html.write_text(write(report, file.name), encoding="utf-8")
    if csv is not None:
        csv.write_text(safe_csv(report.errors.table()), encoding="utf-8")
    return record(report)


def record(report: Report) -> dict[str, Any]:
    """Return a report as plain values.

    Parameters
    ----------
    report : Report
        An error report.

    Returns
    -------
    dict
        The record of `ErrorReport.to_dict`, with ``target_ranges`` (``kind``, ``reason``,
        ``imbalance_ratio`` and more, see `TargetRanges.to_dict`), ``mixture`` (errors from natural
        to balanced targets), ``verdict``, ``imbalance``, ``shots``, ``segments``, ``worst``,
        ``cautions`` and ``notes``.
    """
    return report.errors.to_dict() | {
        "target_ranges": report.ranges.to_dict(),
        "mixture": report.errors.mixture.to_dict(),
        "verdict": report.verdict,
        "imbalance": report.imbalance,
        "shots": report.shots.to_dict("records"),
        "segments": report.segments.to_dict("records"),
        "worst": report.worst.to_dict("records"),
        "cautions": list(report.cautions),
        "notes": list(report.arrays.notes),
    }


def _read(file: Path, sheet: str | None = None) -> pd.DataFrame:
    if not file.is_file():
        raise TableError(f"there is no file {file}")
    if file.stat().st_size > MAX_BYTES:
        raise TableError(f"{file.name} is larger than {MAX_BYTES / 1e6:.0f} MB")
    return read_table(file.read_bytes(), file.name, sheet).frame


def _training(
    frame: pd.DataFrame, training: str | None, target: str
) -> tuple[str | None, np.ndarray | None]:
    """Name of the column of training targets, or the targets of a file."""
    if training is None or training in frame:
        return training, None
    path = Path(training)
    if not path.is_file():
        raise TableError(f"{training} is neither a column of the table nor a file")
    return None, prediction_columns.training_targets(_read(path), path.name, target)
