"""What the commands do, as functions from plain values to JSON-able records.

Heavy libraries are imported inside the functions, so that `--help` answers at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regcls.lab.run import LabSettings
    from regcls.stats.errors import ErrorReport


def lab_settings(preset: str | None, values: dict[str, str]) -> LabSettings:
    """Settings from a preset's name and ``values`` as text. Raises ``ValueError``."""
    from regcls.lab import run as lab_run

    if preset is not None and preset not in lab_run.PRESETS:
        raise ValueError(f"no preset is called {preset!r}; there are: {', '.join(lab_run.PRESETS)}")
    settings = lab_run.PRESETS[preset][0] if preset else lab_run.LabSettings()
    scenario = values.get("scenario")
    if preset is None and scenario in lab_run.SCENARIO_DEFAULTS:
        settings = lab_run.for_scenario(scenario)
    known = [f.name for f in fields(settings)]
    converted = {}
    for name, text in values.items():
        if name not in known:
            raise ValueError(f"no setting is called {name!r}; there are: {', '.join(known)}")
        converted[name] = _converted(name, getattr(settings, name), text)
    return replace(settings, **converted)


def _converted(name: str, default: object, text: str) -> object:
    from regcls.lab.run import parse_hidden

    if isinstance(default, tuple):
        return parse_hidden(text)
    try:
        return type(default)(text)
    except ValueError as error:
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise ValueError(f"{name} must be {kind}, not {text!r}") from error


def run_lab(
    settings: LabSettings, csv: Path | None, report: Callable[[int, int], None]
) -> dict[str, Any]:
    """Train one comparison to its end; ``report(epoch, epochs)`` after each epoch.

    ``csv``: where to write the test error of each run at each epoch, or None.
    """
    from regcls.lab import run as lab_run

    estimate = lab_run.estimate(settings)
    if not estimate.fits:
        raise ValueError(estimate.warning)
    trained = lab_run.Lab(settings)
    while not trained.done:
        trained.advance_epoch()
        report(trained.epoch, settings.epochs)
    if csv is not None:
        trained.history.to_csv(csv, index=False)
    median = trained.history_bands()
    last = median[median["epoch"] == median["epoch"].max()].set_index("model")["median"]
    return {
        "settings": asdict(settings),
        "test_mse": last.to_dict(),
        "verdicts": [
            {"a": "reg+cls", "b": v.other, "words": v.words, **asdict(v.paired)}
            for v in trained.verdicts()
        ],
        "errors": trained.errors().table().to_dict("records"),
    }


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


def list_models(root: Path | None) -> list[dict[str, Any]]:
    """One record a model file below ``root`` (the shipped models by default)."""
    from regcls.inference import contract, session

    root = session.MODELS if root is None else root
    if not root.is_dir():
        raise ValueError(f"there is no folder {root}")
    return [model_record(path, contract.read(path)) for path in sorted(root.rglob("*.onnx"))]


def check_model(path: Path) -> dict[str, Any]:
    """A file's record, if it keeps the contract and runs, tried in a process of its own. Raises
    ``ContractError`` naming what is wrong."""
    from regcls.inference import contract
    from regcls.inference.custom import inspect

    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    card = contract.check(path)
    found = inspect.examine(path.read_bytes(), path.name)
    if found.problem:
        raise contract.ContractError(found.problem)
    outputs = {name: asdict(output) for name, output in found.tried.outputs.items()}
    milliseconds = round(1000 * found.tried.seconds_per_image, 2)
    return model_record(path, card) | {"outputs": outputs, "milliseconds": milliseconds}


def model_record(path: Path, card) -> dict[str, Any]:
    overall = card.metrics.get("overall", {})
    return {
        "file": str(path),
        "task": card.task,
        "variant": card.variant,
        "unit": card.target["unit"],
        "classes": card.class_count,
        "megabytes": round(path.stat().st_size / 1e6, 2),
        "mae": overall.get("mae"),
        "licence": card.licence,
    }


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
