"""Tables of an error report for reading: one cell per error with its interval, the lowest marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from regcls import formats
from regcls.predictions.report import Report
from regcls.stats.ranges import labels as range_labels

MISSING = "–"
# What Markdown reads as more than text: of brackets and colons those of links and directives, of
# underscores those around a word.
_MARKUP = re.compile(r"[\\`*<>|$~]|\](?=\()|:(?=\w)|(?<!\w)_|_(?!\w)")
_MINUS = re.compile(r"(?<![\w.\-])-(?=\.?\d)")


@dataclass(frozen=True)
class Figures:
    """A table of text for reading.

    Attributes
    ----------
    header : tuple of str
        Column names; the first column names the rows.
    rows : tuple of tuple of str
        Cells, as many per row as the header has.
    best : frozenset of (int, int)
        Cells (row, column) with the lowest error of their column.

    Examples
    --------
    >>> table = Figures(("Model", "MAE"), (("a", "1"), ("b", "2")), frozenset({(0, 1)}))
    >>> print(table.markdown())
    | Model | MAE |
    | :-- | --: |
    | a | **1** |
    | b | 2 |
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: frozenset[tuple[int, int]] = frozenset()

    def markdown(self) -> str:
        """Return the table as Markdown, with the best cells in bold."""
        lines = [self.header, (":--", *["--:"] * (len(self.header) - 1))]
        for i, row in enumerate(self.rows):
            cells = [markdown(cell) for cell in row]
            lines.append(
                tuple(f"**{c}**" if (i, j) in self.best else c for j, c in enumerate(cells))
            )
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def html(self) -> str:
        """Return the table as HTML, with the best cells in bold."""
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.header)
        body = "".join(f"<tr>{self._cells(i)}</tr>" for i in range(len(self.rows)))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _cells(self, i: int) -> str:
        first, *others = map(escape, self.rows[i])
        cells = [f"<b>{c}</b>" if (i, j) in self.best else c for j, c in enumerate(others, start=1)]
        return f'<th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in cells)


def markdown(text: str) -> str:
    r"""Return text that Markdown shows as it is, such as the name of a column.

    Examples
    --------
    >>> print(markdown("pred_a *2*"))
    pred_a \*2\*
    """
    return _MARKUP.sub(r"\\\g<0>", typeset(" ".join(text.split())))


def typeset(text: str) -> str:
    """Return text of other places, such as names of columns, with true minus signs.

    Examples
    --------
    >>> typeset("the difference is -1.5 [-2, -1]; 95% of the rows; x-1")
    'the difference is −1.5 [−2, −1]; 95% of the rows; x-1'
    """
    return _MINUS.sub(formats.MINUS, text)


def number(value: float, digits: int = 3) -> str:
    """Return a number with significant digits and a true minus sign; a dash if it is missing.

    Examples
    --------
    >>> number(-1.2345), number(float("nan")), number(12345.6)
    ('−1.23', '–', '12,346')
    """
    if not np.isfinite(value):
        return MISSING
    return formats.grouped(value) if abs(value) >= 10.0**digits else formats.number(value, digits)


def error(value: float, low: float, high: float) -> str:
    """Return a value with its interval, if there is one.

    Examples
    --------
    >>> error(1.234, 1, 2), error(1.234, float("nan"), float("nan"))
    ('1.23 [1.00, 2.00]', '1.23')
    """
    return formats.with_interval(value, low, high) if np.isfinite(value) else MISSING


def alone(value: float) -> str:
    """Return a value as `error` does where there is no interval.

    Examples
    --------
    >>> alone(6.8), alone(float("nan"))
    ('6.80', '–')
    """
    return error(value, np.nan, np.nan)


def p_value(p: float) -> str:
    """Return a p-value with two digits.

    Examples
    --------
    >>> p_value(0.0312), p_value(2e-9), p_value(float("nan"))
    ('0.031', '<0.001', '–')
    """
    return "<0.001" if p < 0.001 else number(p, 2)


def by_shot(report: Report) -> Figures:
    """Return each model's MAE over all rows, over ranges and over ranges with many to few targets.

    Parameters
    ----------
    report : Report
        An error report.

    Returns
    -------
    Figures
        One row per model. The lowest error of each column is marked where there are several models.

    Examples
    --------
    >>> from regcls.predictions.columns import Arrays
    >>> y = np.r_[np.zeros(200), np.full(50, 5.0), np.full(6, 9.0)]
    >>> found = Arrays(y, {"a": y + 1, "b": y + 2}, np.arange(len(y)))
    >>> by_shot(Report(found, np.array([-1.0, 3, 7, 10]))).rows
    (('a', '1.00', '1.00', '1.00', '1.00', '1.00'),
     ('b', '2.00', '2.00', '2.00', '2.00', '2.00'),
     ('Rows', '256', '256', '200', '50', '6'))
    """
    overall = report.overall.set_index("model")
    shots = report.shots.pivot(index="model", columns="shot", values="mae")
    names = [name for name in ("many", "medium", "few") if name in shots]
    columns = {"Overall": overall["mae"], "Balanced": overall["balanced_mae"]}
    columns |= {name.capitalize(): shots[name] for name in names}
    table = pd.DataFrame(columns).loc[list(report.models)]
    counts = report.shots.drop_duplicates("shot").set_index("shot")["test"]
    total = len(report.arrays.y)
    tested = ("Rows", *(f"{n:,}" for n in (total, total, *counts[names])))
    rows = (*((m, *map(alone, table.loc[m])) for m in report.models), tested)
    return Figures(("Model", *columns), rows, _lowest(table))


def by_shot_caption(report: Report) -> str:
    """Return what the columns of `by_shot` are, in sentences."""
    bold = " Lowest of each column in bold." if len(report.models) > 1 else ""
    return (
        "Mean absolute error: overall, balanced (mean over the target ranges), and in the ranges with "
        f"many, medium and few targets ({report.shot_names[1]}).{bold}"
    )


def _lowest(table: pd.DataFrame) -> frozenset[tuple[int, int]]:
    """Mark the lowest value of each column, and those that read the same; none for a single row."""
    if len(table) < 2:
        return frozenset()
    found = set()
    for j, name in enumerate(table, start=1):
        values = table[name].to_numpy()
        if np.isfinite(values).any():
            least = alone(np.nanmin(values))
            found |= {(i, j) for i, value in enumerate(values) if alone(value) == least}
    return frozenset(found)


def overall(report: Report) -> Figures:
    """Return all errors over all rows, one row per model."""
    names = {"mae": "MAE", "rmse": "RMSE", "bias": "Bias", "balanced_mae": "Balanced MAE"}
    names |= {"gm": "GM", "sera": "SERA"}
    return _errors(report.overall, {"model": "Model"}, names)


def shots(report: Report) -> Figures:
    """Return the errors over the ranges with many, medium and few targets."""
    named = {"model": "Model", "shot": "Ranges", "test": "Rows"}
    return _errors(report.shots, named, {"mae": "MAE", "rmse": "RMSE"})


def ranges(report: Report) -> Figures:
    """Return the errors per target range, one row per model and range with rows."""
    table = report.errors.table()
    table["range"] = table["low"].map(_labels(report))
    named = {"range": "Range", "model": "Model", "train": "Training", "test": "Rows"}
    shown = table[table["test"] > 0].sort_values("low", kind="stable")
    return _errors(shown, named, {"mae": "MAE", "rmse": "RMSE", "bias": "Bias"})


def differences(report: Report, a: str, b: str) -> Figures:
    """Return the difference in MAE between two models per target range, with its verdict."""
    table = report.differences(a, b)
    rows = [
        (
            name,
            f"{test:,}",
            error(*ends),
            p_value(p),
            verdict,
        )
        for name, test, ends, p, verdict in zip(
            table["low"].map(_labels(report)),
            table["test"],
            table[["difference", "diff_low", "diff_high"]].to_numpy(float),
            table["p"],
            table["verdict"],
            strict=True,
        )
    ]
    return Figures(("Range", "Rows", "Difference", "p (corrected)", a), tuple(rows))


def segments(report: Report) -> Figures:
    """Return the errors of the most frequent segments."""
    named = {"segment": "Segment", "model": "Model", "test": "Rows"}
    return _errors(report.segments, named, {"mae": "MAE", "rmse": "RMSE", "bias": "Bias"})


def worst(report: Report) -> Figures:
    """Return the rows with the largest errors."""
    table = report.worst
    columns = [
        [f"{v:,}" if name == "row" else _cell(v) for v in table[name]] for name in table.columns
    ]
    return Figures(
        tuple(name if name in report.models else str(name).capitalize() for name in table.columns),
        tuple(zip(*columns, strict=True)),
    )


def coverage(report: Report) -> Figures:
    """Return the coverage of the prediction intervals over all rows and over all ranges."""
    if report.coverage is None:
        return Figures((), ())
    rows = [
        (
            row["model"],
            percent(row["nominal"]),
            f"{int(row['test']):,}",
            _shares(row["coverage"], row["coverage_low"], row["coverage_high"]),
            _shares(row["balanced_coverage"], row["balanced_low"], row["balanced_high"]),
            alone(row["width"]),
        )
        for row in report.coverage.overall().to_dict("records")
    ]
    header = ("Model", "Nominal", "Rows", "Coverage", "Mean over ranges", "Mean width")
    return Figures(header, tuple(rows))


def percent(share: float) -> str:
    """Return a share in per cent.

    Examples
    --------
    >>> percent(0.95), percent(float("nan"))
    ('95%', '–')
    """
    return formats.percent(share, 1, short=True) if np.isfinite(share) else MISSING


def _shares(value: float, low: float, high: float) -> str:
    ends = "" if np.isnan(low) else f" [{percent(low)}, {percent(high)}]"
    return f"{percent(value)}{ends}"


def _errors(table: pd.DataFrame, named: dict[str, str], metrics: dict[str, str]) -> Figures:
    """Return columns of names and counts, and one column per metric that has a value."""
    named = {key: name for key, name in named.items() if table[key].notna().any()}
    metrics = {key: name for key, name in metrics.items() if table[key].notna().any()}
    rows = tuple(
        (
            *(_cell(row[key]) for key in named),
            *(error(row[key], row[f"{key}_low"], row[f"{key}_high"]) for key in metrics),
        )
        for row in table.to_dict("records")
    )
    return Figures((*named.values(), *metrics.values()), rows)


def _cell(value: object) -> str:
    if isinstance(value, int | np.integer):
        return formats.grouped(int(value))
    return number(float(value), 4) if isinstance(value, float | np.floating) else str(value)


def _labels(report: Report) -> dict[float, str]:
    """Name of the range that begins at each edge."""
    edges: Sequence[float] = report.edges[:-1].tolist()
    return dict(zip(edges, range_labels(report.edges, 3), strict=True))
