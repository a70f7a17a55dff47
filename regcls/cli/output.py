"""What all commands share: errors on one line, JSON or tables as output, a line of progress."""

from __future__ import annotations

import functools
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regcls.exceptions import sentence

if TYPE_CHECKING:
    from regcls.stats.errors import ErrorReport

BAD_INPUT = 2  # exit code; 0 is success

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def report_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command print an error as one sentence on stderr and exit with code 2.

    Parameters
    ----------
    command : callable
        The function of a typer command.

    Returns
    -------
    callable
        The command, with the same signature.
    """

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            return command(*args, **kwargs)
        except ModuleNotFoundError as error:
            say(f"The library {error.name} is missing: pip install -r requirements-training.txt.")
        except (ValueError, OSError) as error:
            say(sentence(error))
        except KeyboardInterrupt:
            say("Stopped.")
        raise typer.Exit(BAD_INPUT)

    return wrapped


def say(text: str) -> None:
    """Print one line on stderr."""
    print(text, file=sys.stderr, flush=True)


def show_progress(text: str) -> None:
    """Overwrite the line of progress on stderr, if that is a terminal; an empty text clears it."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def show_json(value: Any) -> None:
    """Print a value as JSON on stdout; see `plain`."""
    print(json.dumps(plain(value), allow_nan=False))


def show_table(records: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> None:
    """Print records as a table on stdout, one row per record.

    Parameters
    ----------
    records : sequence of mappings
        Values by column name.
    columns : sequence of str, optional
        The columns to print, in this order; by default, all.
    """
    import pandas as pd

    table = pd.DataFrame(records, columns=None if columns is None else list(columns))
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4g}", na_rep="–"))


def show_errors(record: Mapping[str, Any], columns: Sequence[str] = ()) -> None:
    """Print the errors per target range and overall.

    Parameters
    ----------
    record : mapping
        A record of `regcls.stats.errors.ErrorReport.to_dict`.
    columns : sequence of str, optional
        Columns of the errors per range.
    """
    ranges = columns or ("model", "low", "high", "train", "test", "mae", "rmse", "bias")
    show_table(record["ranges"], ranges)
    print()
    show_table(record["overall"], ["model", "mae", "mae_low", "mae_high", "rmse", "balanced_mae"])


def show_report(report: ErrorReport, as_json: bool) -> None:
    """Print an error report and the verdict on its first two models.

    Parameters
    ----------
    report : ErrorReport
        The errors of one or more models.
    as_json : bool
        Print JSON instead of tables.
    """
    from regcls.stats.metrics import heavy_text
    from regcls.stats.verdicts import worded

    record = report.to_dict()
    if as_json:
        return show_json(record)
    show_errors(record)
    if heavy := [name for name in report.names if report.heavy_tailed(name)]:
        say(heavy_text(heavy))
    if "difference" in record:
        found = record["difference"]
        text = worded(found, found["a"], found["b"], unit="units", margin=report.margin)
        print(f"\n{text}.\n{report.mixture.sentence}")


def plain(value: Any) -> Any:
    """Return a value with only the types that JSON has.

    Parameters
    ----------
    value : object
        Dictionaries, lists and tuples of numbers, strings, None and NumPy arrays or scalars.

    Returns
    -------
    object
        NumPy values become Python's; NaN and infinities become None.

    Examples
    --------
    >>> plain({"mae": float("nan"), "counts": (1, 2)})
    {'mae': None, 'counts': [1, 2]}
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
