"""Error report for a file of predictions, with plain values as the result."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd

from regcls.io.reading import AUTOMATIC, Reading, TableError
from regcls.io.tables import read_file, safe_csv
from regcls.predictions import columns as prediction_columns
from regcls.predictions import detection, interval_columns
from regcls.predictions import ranges as prediction_ranges
from regcls.predictions.columns import Columns, Training
from regcls.predictions.detection import Proposal
from regcls.predictions.interval_columns import IntervalColumns
from regcls.predictions.long_format import LongFormat, is_model_column
from regcls.predictions.report import Report
from regcls.stats.verdicts import MARGIN

NONE = "none"  # for no model column, and for no intervals


def report_file(
    file: Path,
    *,
    target: str | None = None,
    models: str | None = None,
    model_column: str | None = None,
    id_column: str | None = None,
    intervals: str | None = None,
    level: float | None = None,
    training: str | None = None,
    category: str | None = None,
    group: str | None = None,
    by: str = "automatic",
    ranges: float = prediction_ranges.RANGES,
    edges: str | None = None,
    reading: Reading = AUTOMATIC,
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
        Columns of predictions, separated by commas; detected by default. With one row per sample
        and model, the column of predictions, or the names of models.
    model_column : str, optional
        Column of model names in a table with one row per sample and model; detected by default,
        "none" if there is one row per sample.
    id_column : str, optional
        Columns that identify a sample in such a table, separated by commas.
    intervals : str, optional
        Prediction intervals, such as "a=a_low:a_high,b=b_std" for the models a and b; detected by
        default, "none" to leave them out.
    level : float, optional
        Nominal level of the intervals; by default that of the columns' names, else 0.95.
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
    reading : Reading
        How the file is read, and which cells are missing.
    margin : float, optional
        Share of the lower of two errors below which their difference does not matter.
    html, csv : Path, optional
        Files to write the whole report and the errors per range to.

    Returns
    -------
    dict
        See `record`; ``notes`` include those about the file, and ``reading`` describes how it was read.

    Raises
    ------
    TableError
        If the file cannot be read or has an open question, or a column or a range is invalid.
    """
    table = read_file(file, reading)
    proposal = _proposal(table.frame, target, models, model_column, id_column)
    columns = _chosen(proposal, target, models, category, group)
    columns = replace(columns, intervals=_intervals(proposal, columns, intervals, level))
    columns, train = _training(proposal.frame, columns, training, reading)
    found = prediction_columns.arrays(proposal.frame, columns, train, rows=proposal.rows)
    found = replace(found, notes=(*table.notes, *proposal.notes, *found.notes))
    kind = ("edges", 0.0, edges) if edges else (by, ranges, "")
    margin = MARGIN if margin is None else margin
    if not 0 <= margin < 1:
        raise TableError(f"the margin must be from 0 to below 1, not {margin:g}")
    report = Report(found, prediction_ranges.target_ranges(found, *kind), margin)
    if html is not None:
        from regcls.predictions.html import write

        html.write_text(write(report, file.name), encoding="utf-8")
    if csv is not None:
        csv.write_text(safe_csv(report.table), encoding="utf-8")
    return record(report) | {"reading": table.record}


def record(report: Report) -> dict[str, Any]:
    """Return a report as plain values.

    Parameters
    ----------
    report : Report
        An error report.

    Returns
    -------
    dict
        The record of `ErrorReport.to_dict`, with ``columns`` (roles and their ``summary``),
        ``intervals`` (coverage of the prediction intervals, one record per model), ``target_ranges``
        (``kind``, ``reason``, ``imbalance_ratio`` and more, see `TargetRanges.to_dict`), ``mixture``
        (errors from natural to balanced targets), ``verdict``, ``coverage_verdict``,
        ``imbalance``, ``shots``, ``segments``, ``worst``, ``cautions``, ``missing_marks`` (numbers
        that probably stand for missing values) and ``notes``.
    """
    arrays, coverage = report.arrays, report.coverage
    return report.errors.to_dict() | {
        "columns": arrays.columns.to_dict() if arrays.columns else None,
        "intervals": coverage.to_dict() if coverage else [],
        "target_ranges": report.ranges.to_dict(),
        "mixture": report.errors.mixture.to_dict(),
        "verdict": report.verdict,
        "coverage_verdict": " ".join(coverage.sentences(report.unit)) if coverage else "",
        "imbalance": report.imbalance,
        "shots": report.shots.to_dict("records"),
        "segments": report.segments.to_dict("records"),
        "worst": report.worst.to_dict("records"),
        "cautions": list(report.cautions),
        "missing_marks": [asdict(mark) for mark in arrays.marks],
        "notes": list(arrays.notes),
    }


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _proposal(
    frame: pd.DataFrame,
    target: str | None,
    models: str | None,
    model_column: str | None,
    id_column: str | None,
) -> Proposal:
    """Table with one row per sample; what is not given is detected."""
    wanted = _names(models)
    long: LongFormat | None = None
    if model_column is None and id_column is None:
        # Several columns of predictions are one per model, whatever else there is.
        if len([name for name in wanted if name in frame]) < 2:
            long = detection.detect_long(frame)
        if long is not None and target and target != long.target:
            long = replace(long, target=target)
    elif model_column != NONE:
        column = model_column or next(filter(is_model_column, frame.columns), None)
        if column is None:
            raise TableError("no column is named like one of model names; choose the model column")
        prediction = wanted[0] if len(wanted) == 1 and wanted[0] in frame else ""
        ids = _names(id_column)
        long = detection.long_columns(frame, column, target or "", prediction, ids)
    if long is None and target and wanted:
        return Proposal(frame, Columns(target, wanted))
    proposal = detection.propose(frame, long)
    # Notes on the models that are proposed do not matter where others are given.
    return replace(proposal, notes=()) if wanted and long is None else proposal


def _chosen(
    proposal: Proposal,
    target: str | None,
    models: str | None,
    category: str | None,
    group: str | None,
) -> Columns:
    found, wanted = proposal.columns, _names(models)
    target = target or found.target
    if found.long is not None and wanted == (found.long.prediction,):
        wanted = ()
    chosen = wanted or tuple(name for name in found.models if name != target)
    return Columns(target, chosen, None, category, group, long=found.long)


def _intervals(
    proposal: Proposal, columns: Columns, given: str | None, level: float | None
) -> tuple[IntervalColumns, ...]:
    if given == NONE:
        return ()
    if given is None:
        made = proposal.intervals(columns.target, columns.models)
        found = [made[model][0] for model in columns.models if made.get(model)]
    else:
        found = [interval_columns.parse(text, columns.models) for text in _names(given)]
    if level is None:
        return tuple(found)
    share = interval_columns.parse_level(level)
    return tuple(replace(one, level=share, source="given") for one in found)


def _training(
    frame: pd.DataFrame, columns: Columns, training: str | None, reading: Reading
) -> tuple[Columns, Training | None]:
    """Roles with the column of training targets, or the targets of a file."""
    if training is None or training in frame:
        return replace(columns, train=training), None
    path = Path(training)
    if not path.is_file():
        raise TableError(f"{training} is neither a column of the table nor a file")
    # The file may be of another kind: only the missing marks are taken to be the same.
    table = read_file(path, Reading(missing=reading.missing))
    return columns, detection.training_targets(table.frame, path.name, columns.target)
