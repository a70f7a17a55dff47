"""Largest tables that are read, and the checks against these limits."""

from __future__ import annotations

from regcls.io.reading import TableError

MAX_BYTES = 500_000_000  # as stored
MAX_UNPACKED = 2_000_000_000  # of a Parquet or Excel file
MAX_ROWS = 2_000_000
MAX_COLUMNS = 5_000


def check_rows(count: int, name: str) -> None:
    """Raise a `TableError` if a file, named in the message, has too many rows."""
    if count > MAX_ROWS:
        raise TableError(f"{name} has {count:,} rows; at most {MAX_ROWS:,} are allowed")


def check_columns(count: int, name: str) -> None:
    """Raise a `TableError` if a file, named in the message, has too many columns."""
    if count > MAX_COLUMNS:
        raise TableError(f"{name} has {count:,} columns; at most {MAX_COLUMNS:,} are allowed")


def check_unpacked(size: int, name: str, limit: int = MAX_UNPACKED) -> None:
    """Raise a `TableError` if the contents of a compressed file are too large, in bytes."""
    limit = min(limit, MAX_UNPACKED)
    if size > limit:
        raise TableError(
            f"{name} unpacks to {size / 1e6:,.0f} MB; at most {limit / 1e6:,.0f} MB are allowed"
        )
