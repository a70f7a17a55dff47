"""Read numbers from table columns: decimal points or commas, thousands separators, percent."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from regcls.io.tables import TableError

_POINT = re.compile(r"[+-]?(\d{1,3}([, '\u00a0\u202f]\d{3})+|\d+)?(\.\d*)?([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?(\d{1,3}([. '\u00a0\u202f]\d{3})+|\d+)?(,\d*)?([eE][+-]?\d+)?")
_MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "None", "-", "?"]
_MIN_SHARE = 0.5  # of a text column's values that must be numbers


def as_numbers(column: pd.Series) -> tuple[np.ndarray, str]:
    """Convert a column to numbers.

    Text may have thousands separators, decimal commas and percent signs.

    Parameters
    ----------
    column : Series, length N
        Of any type; its name is used in messages.

    Returns
    -------
    values : ndarray of float64, shape (N,)
        NaN where there is no number.
    note : str
        How the text was interpreted, as a sentence, or "".

    Raises
    ------
    TableError
        If the column is empty or contains dates or words.

    Examples
    --------
    >>> as_numbers(pd.Series(["1,5", "1.234,25"], name="y"))
    (array([   1.5 , 1234.25]), 'Column y: commas were read as decimal points.')
    """
    name = column.name
    if pd.api.types.is_datetime64_any_dtype(column) or isinstance(column.dtype, pd.PeriodDtype):
        raise TableError(f"column {name} contains dates, not numbers")
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan), ""
    text = column.astype("string").str.strip()
    known = text.notna() & ~text.isin(_MISSING)
    texts = text[known]
    if texts.empty:
        raise TableError(f"column {name} is empty")
    percent = texts.str.endswith("%")
    bare = texts.str.rstrip("%").str.strip()
    style, pattern = _style(bare)
    fits = bare.str.fullmatch(pattern.pattern) & bare.str.contains(r"\d")
    if fits.mean() < _MIN_SHARE:
        raise TableError(_not_numbers(name, bare[~fits]))
    cleaned = bare[fits].str.replace(r"[ '\u00a0\u202f]", "", regex=True)
    separators = (
        str.maketrans({",": ""}) if style == "point" else str.maketrans({".": "", ",": "."})
    )
    values = np.full(len(column), np.nan)
    places = np.flatnonzero(known)[fits.to_numpy()]
    values[places] = cleaned.str.translate(separators).to_numpy(np.float64)
    if percent.all():
        values /= 100
    return values, _note(name, style, bare, int((~fits).sum()), bool(percent.all()))


def finite(values: np.ndarray, name: str) -> tuple[np.ndarray, str]:
    """Find the finite values of a column.

    Parameters
    ----------
    values : ndarray, shape (N,)
        The column.
    name : str
        Its name in the note.

    Returns
    -------
    mask : ndarray of bool, shape (N,)
        Whether each value is finite.
    note : str
        How many are missing or infinite, as a sentence, or "".

    Examples
    --------
    >>> finite(np.array([1.0, np.nan]), "y")[1]
    'Column y: 1 of 2 rows left out (1 missing).'
    """
    mask = np.isfinite(values)
    missing, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    parts = [f"{missing:,} missing"] * bool(missing)
    parts += [f"{infinite:,} infinite"] * bool(infinite)
    if not parts:
        return mask, ""
    count = f"{missing + infinite:,} of {len(values):,} rows"
    return mask, f"Column {name}: {count} left out ({', '.join(parts)})."


def _style(texts: pd.Series) -> tuple[str, re.Pattern[str]]:
    """Decimal style, "point" or "comma", that fits more texts, and its pattern.

    "1,234" fits both: it is read as 1234 unless other values show that the comma is decimal.
    """
    fits = {
        "point": texts.str.fullmatch(_POINT.pattern).sum(),
        "comma": texts.str.fullmatch(_COMMA.pattern).sum(),
    }
    style = "comma" if fits["comma"] > fits["point"] else "point"
    return style, {"point": _POINT, "comma": _COMMA}[style]


def _not_numbers(name: object, words: pd.Series) -> str:
    dates = pd.to_datetime(words.head(50), errors="coerce", format="mixed", dayfirst=True)
    if dates.notna().mean() > _MIN_SHARE:
        return f"column {name} contains dates, not numbers"
    example = str(words.iloc[0])[:30]
    return f"column {name} contains words such as {example!r}, not numbers"


def _note(name: object, style: str, texts: pd.Series, unread: int, percent: bool) -> str:
    parts = []
    if texts.str.contains(",").any():
        role = "decimal points" if style == "comma" else "thousands separators"
        parts.append(f"commas were read as {role}")
    if percent:
        parts.append("percentages were divided by 100")
    if unread:
        parts.append(f"{unread:,} values that are not numbers count as missing")
    return f"Column {name}: {', '.join(parts)}." if parts else ""
