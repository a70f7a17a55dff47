"""What all commands share: one sentence for bad input, JSON or a table out, a line of progress."""

from __future__ import annotations

import functools
import json
import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from regcls.stats.errors import ErrorReport

BAD_INPUT = 2  # exit code; 0 is success

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")]


def plainly(command: Callable) -> Callable:
    """Bad input ends with one sentence on stderr and exit code 2, never with a traceback."""

    @functools.wraps(command)
    def wrapped(*args, **kwargs):
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


def sentence(error: Exception) -> str:
    """The error's message as one line that starts and ends as a sentence does."""
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        text = " ".join(str(error).split()) or type(error).__name__
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def show_json(value: Any) -> None:
    print(json.dumps(plain(value), allow_nan=False))


def show_table(records: list[dict], columns: list[str] | None = None) -> None:
    import pandas as pd

    table = pd.DataFrame(records, columns=columns)
    print(table.to_string(index=False, float_format=lambda v: f"{v:.4g}", na_rep="–"))


def show_report(report, as_json: bool) -> None:
    record = report_record(report)
    if as_json:
        return show_json(record)
    show_table(record["ranges"], ["model", "low", "high", "train", "test", "mae", "rmse", "bias"])
    print()
    show_table(record["overall"], ["model", "mae", "mae_low", "mae_high", "rmse", "balanced_mae"])
    if "difference" in record:
        d = record["difference"]
        print(
            f"\n{d['a']} minus {d['b']}, MAE: {d['difference']:.4g} "
            f"[{d['low']:.4g}, {d['high']:.4g}] ({report.level:.0%} interval; negative: {d['a']} is better)"
        )


def progress(text: str) -> None:
    """One line that is written over; only where a person watches."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def report_record(report: ErrorReport) -> dict[str, Any]:
    """An error report as plain lists: overall, ranges, and the first two models' difference."""
    record: dict[str, Any] = {
        "overall": report.overall().to_dict("records"),
        "ranges": report.table().to_dict("records"),
    }
    if len(report.names) > 1:
        a, b = report.names[1], report.names[0]
        record["difference"] = {"a": a, "b": b, **report.overall_difference(a, b)}
    return record


def plain(value: Any) -> Any:
    """``value`` with numbers JSON knows: numpy's become Python's, NaN and infinities None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
