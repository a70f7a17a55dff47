"""Read a Parquet file as columns: text as Arrow arrays, anything else as Series."""

from __future__ import annotations

from typing import Any

import pandas as pd

from regcls.io.limits import DAMAGED
from regcls.io.reading import TableError
from regcls.io.table_limits import check_columns, check_rows, check_unpacked


def read(data: bytes, name: str) -> tuple[list[tuple[str, Any]], list[str]]:
    """Read a Parquet file.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name in messages.

    Returns
    -------
    list of (str, Array or Series)
        Names and columns: text as Arrow arrays, lists of one number as numbers.
    list of str
        Sentences on columns that were left out or converted.

    Raises
    ------
    TableError
        If the file is damaged or too large.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(data))
        meta = file.metadata
        check_unpacked(
            sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups)), name
        )
        check_rows(meta.num_rows, name)
        check_columns(len(file.schema_arrow), name)
        table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{name} {DAMAGED}") from error
    columns: list[tuple[str, Any]] = []
    single: list[str] = []
    nested: list[str] = []
    for label, column in zip(table.column_names, table.columns, strict=True):
        flat = _flat(column)
        if flat is None:
            nested.append(f"{label} (row 1: {_first(column)})")
            continue
        if flat is not column:
            single.append(label)
        columns.append((label, _converted(flat)))
    notes = []
    if nested:
        notes.append(f"Columns that contain lists were left out: {', '.join(nested[:5])}.")
    if single:
        notes.append(f"Lists of one number were read as numbers in: {', '.join(single[:5])}.")
    return columns, notes


def _flat(column: Any) -> Any:
    """Column without lists around single values; None if a list has several, or there are maps."""
    import pyarrow as pa
    import pyarrow.compute as pc

    while True:
        kind = column.type
        if pa.types.is_struct(kind) or pa.types.is_map(kind) or pa.types.is_union(kind):
            return None
        if not _is_list(kind):
            return column
        lengths = pc.list_value_length(column)
        if not pc.all(pc.equal(lengths, 1)).as_py():
            return None
        column = pa.chunked_array([_elements(chunk) for chunk in column.chunks], kind.value_type)


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)


def _elements(chunk: Any) -> Any:
    """First element of each list, null where the list is missing."""
    import pyarrow.compute as pc

    return pc.list_element(chunk, 0)


def _first(column: Any) -> str:
    return str(column[0].as_py())[:40] if len(column) else "empty"


def _converted(column: Any) -> Any:
    """Text as one Arrow array; numbers of fixed precision as floats; anything else as Series."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if types.is_string(kind) or types.is_large_string(kind):
        text = column.cast(pa.string()).combine_chunks()
        return text if isinstance(text, pa.Array) else pa.concat_arrays(text.chunks)
    if types.is_decimal(kind):
        column = column.cast(pa.float64())
    found = pa.table({"0": column}).to_pandas(ignore_metadata=True, split_blocks=True)["0"]
    return found if isinstance(found, pd.Series) else pd.Series(found)
