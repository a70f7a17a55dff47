"""Options of all commands that read a table: encoding, separator, decimal mark and more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from regcls.io.reading import Reading

_PANEL = "How the file is read (detected by default)"
_CHARACTERS = {",": "comma", ";": "semicolon", "\t": "tab", "\\t": "tab", "|": "bar", " ": "space"}

Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of a text file, such as gbk.", rich_help_panel=_PANEL),
]
Separator = Annotated[
    str | None,
    typer.Option(help="comma, semicolon, tab, bar or space.", rich_help_panel=_PANEL),
]
Decimal = Annotated[
    str | None,
    typer.Option(help="Decimal mark of the numbers: point or comma.", rich_help_panel=_PANEL),
]
SkipLines = Annotated[
    int | None,
    typer.Option(help="Number of lines above the column names.", rich_help_panel=_PANEL),
]
Sheet = Annotated[
    str | None,
    typer.Option(help="Sheet of an Excel file.", rich_help_panel=_PANEL),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(
        help="Cell that marks a missing value, such as -999; can be repeated.",
        rich_help_panel=_PANEL,
    ),
]


def make_reading(
    encoding: str | None,
    separator: str | None,
    decimal: str | None,
    skip_lines: int | None,
    sheet: str | None,
    missing: list[str] | None,
) -> Reading:
    """Return the settings of a reading from the options of a command.

    Parameters
    ----------
    encoding, separator, decimal, skip_lines, sheet, missing
        Values of the options; a separator may also be the character itself.

    Returns
    -------
    Reading
        The settings; what was not given is detected.

    Raises
    ------
    TableError
        If a value is not valid.
    """
    from regcls.io.reading import Reading

    return Reading(
        encoding,
        _CHARACTERS.get(separator, separator) if separator else None,
        {".": "point", ",": "comma"}.get(decimal, decimal) if decimal else None,
        skip_lines,
        sheet,
        tuple(missing) if missing else None,
    )
