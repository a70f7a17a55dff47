"""How a table file is read: the settings of a reading, and the error for unusable tables."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from regcls.exceptions import UserError

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " "}
DECIMALS = {"point": ".", "comma": ","}


class TableError(UserError):
    """A table that cannot be used. Errors about a file start with its name."""


@dataclass(frozen=True)
class Reading:
    """How a table file is read; what is None is detected.

    Attributes
    ----------
    encoding : str, optional
        Encoding of a text file, such as "utf-8" or "gbk".
    separator : {"comma", "semicolon", "tab", "bar", "space"}, optional
        What separates the columns of a text file.
    decimal : {"point", "comma"}, optional
        Decimal mark of all numbers that are given as text.
    skip : int, optional
        Number of lines above the column names.
    sheet : str, optional
        Sheet of an Excel file.
    missing : tuple of str, optional
        Cells that mark a missing value, in addition to the usual marks such as "NA"; a number
        such as "-999" also matches "-999.0".

    Raises
    ------
    TableError
        If a value is not one of those above.

    Examples
    --------
    >>> Reading(separator="semicolon", decimal="comma").skip is None
    True
    """

    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None
    skip: int | None = None
    sheet: str | None = None
    missing: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        _check("separator", self.separator, tuple(SEPARATORS))
        _check("decimal mark", self.decimal, tuple(DECIMALS))
        if self.skip is not None and self.skip < 0:
            raise TableError(f"the number of lines to skip must be at least 0, not {self.skip}")
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError as error:
                raise TableError(
                    f"the encoding {self.encoding!r} is unknown; use a name such as utf-8, "
                    "windows-1252 or gbk"
                ) from error


def _check(name: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise TableError(
            f"the {name} must be {', '.join(known[:-1])} or {known[-1]}, not {value!r}"
        )


AUTOMATIC = Reading()  # everything is detected
