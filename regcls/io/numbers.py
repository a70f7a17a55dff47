"""Numbers from text columns: decimal style, thousands, percent."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from regcls.io.tables import TableError

_POINT = re.compile(r"[+-]?(\d{1,3}([, '\u00a0\u202f]\d{3})+|\d+)?(\.\d*)?([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?(\d{1,3}([. '\u00a0\u202f]\d{3})+|\d+)?(,\d*)?([eE][+-]?\d+)?")
_MOSTLY = 0.5  # of a column's texts that must be numbers for it to hold numbers


def as_numbers(column: pd.Series) -> tuple[np.ndarray, str]:
    """A column as float64 (N,), NaN where there is no number, and a note or "".

    Texts may have thousands separators, decimal commas and percent signs. Raises ``TableError`` for
    dates and for words.
    """
    name = column.name
    if pd.api.types.is_datetime64_any_dtype(column) or isinstance(column.dtype, pd.PeriodDtype):
        raise TableError(f"The column {name} holds dates, not numbers.")
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan), ""
    text = column.astype("string").str.strip()
    known = text.notna() & ~text.isin(["", "NA", "N/A", "NaN", "nan", "null", "None", "-", "?"])
    texts = text[known]
    if texts.empty:
        raise TableError(f"The column {name} is empty.")
    percent = texts.str.endswith("%")
    bare = texts.str.rstrip("%").str.strip()
    style, pattern = _style(bare)
    fits = bare.str.fullmatch(pattern.pattern) & bare.str.contains(r"\d")
    if fits.mean() < _MOSTLY:
        raise TableError(_no_numbers(name, bare[~fits]))
    cleaned = bare[fits].str.replace(r"[ '\u00a0\u202f]", "", regex=True)
    separators = (
        str.maketrans({",": ""}) if style == "point" else str.maketrans({".": "", ",": "."})
    )
    values = np.full(len(column), np.nan)
    places = np.flatnonzero(known)[fits.to_numpy()]
    values[places] = cleaned.str.translate(separators).to_numpy(np.float64)
    if percent.all():
        values /= 100
    return values, _read_as(name, style, bare, int((~fits).sum()), bool(percent.all()))


def finite(values: np.ndarray, name: str) -> tuple[np.ndarray, str]:
    """Which values (N,) are finite numbers, and a note on those that are not, or ""."""
    good = np.isfinite(values)
    missing, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    parts = [f"{missing:,} without a number"] * bool(missing)
    parts += [f"{infinite:,} infinite"] * bool(infinite)
    if not parts:
        return good, ""
    return good, f"Left out for the column {name}: {' and '.join(parts)} of {len(values):,} rows."


def _style(texts: pd.Series) -> tuple[str, re.Pattern]:
    """ "point" or "comma": what stands before a number's decimals, whichever fits more texts.

    "1,234" fits both: it is read as more than a thousand unless another value tells otherwise.
    """
    fits = {
        "point": texts.str.fullmatch(_POINT.pattern).sum(),
        "comma": texts.str.fullmatch(_COMMA.pattern).sum(),
    }
    style = "comma" if fits["comma"] > fits["point"] else "point"
    return style, {"point": _POINT, "comma": _COMMA}[style]


def _no_numbers(name: object, words: pd.Series) -> str:
    dates = pd.to_datetime(words.head(50), errors="coerce", format="mixed", dayfirst=True)
    if dates.notna().mean() > _MOSTLY:
        return f"The column {name} holds dates, not numbers."
    example = str(words.iloc[0])[:30]
    return f"The column {name} holds words, such as {example!r}, not numbers."


def _read_as(name: object, style: str, texts: pd.Series, left: int, percent: bool) -> str:
    said = []
    if style == "comma" and texts.str.contains(",").any():
        said.append("its commas were read as decimal points")
    elif texts.str.contains(",").any():
        said.append("its commas were read as thousands separators")
    if percent:
        said.append("its percents were read as shares")
    if left:
        said.append(f"{left:,} texts that are no numbers count as missing")
    return f"The column {name}: {', '.join(said)}." if said else ""
