"""Model card of a pair as a Markdown file, CARD.md."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from regcls import formats
from regcls.inference import readouts
from regcls.inference.contract import Card
from regcls.training.search import REPEATED, search_noise

# The errors in each task's table, with their unit ("" for the unit of the target).
COLUMNS = {
    "age": {"mae": "", "rmse": ""},
    "progress": {"mae": "", "rmse": ""},
    "depth": {
        "rmse": "", "mae": "", "abs_rel": "ratio", "log10": "ratio",
        "delta1": "share", "delta2": "share", "delta3": "share",
    },
}  # fmt: skip
TITLES = {
    "mae": "MAE", "rmse": "RMSE", "abs_rel": "AbsRel", "log10": "log10",
    "delta1": "δ1", "delta2": "δ2", "delta3": "δ3",
}  # fmt: skip
SAMPLES = {"age": "photos", "progress": "frames", "depth": "pixels"}
BASELINES = {
    "always_the_training_mean": "training mean",
    "always_the_training_mean_map": "mean of the training maps",
    "always_50_percent": "constant 0.5",
    "clock": "clock: elapsed time / mean duration of the task",
    "clock_on_random_segments": "clock, random sub-segments",
}
# Labels of the entries of the training record, in the order in which they are listed.
TRAINING = {
    "data_set": "data set",
    "splits": "samples",
    "seed": "seed",
    "val_mae_per_seed": "validation MAE per seed",
    "val_error_per_seed": "validation error per seed",
    "epochs": "epochs",
    "loss": "loss",
    "reg_weight": "loss scale or λ",
    "optimiser": "optimiser",
    "sides": "input height in pixels",
    "batch": "batch size",
    "lr": "learning rate",
    "weight_decay": "weight decay",
    "averaging": "decay of the averaged weights",
    "frozen": "frozen blocks",
    "answers": "prediction",
    "versions": "versions",
}

READOUT_METRICS = {"mae": "MAE", "balanced_mae": "balanced MAE", "rmse": "RMSE"}

Row = tuple[object, ...]


def write_card_md(path: Path, reg: Card, regcls: Card, limits: Sequence[str]) -> None:
    """Write the model card of a pair.

    Parameters
    ----------
    path : Path
        The file.
    reg, regcls : Card
        Cards of the two models.
    limits : sequence of str
        Limitations and uses that are out of scope, one paragraph each.
    """
    pair = {"reg": reg, "reg+cls": regcls}
    sections = {
        "Model": _description(reg, regcls),
        "Licence": reg.licence,
        "Errors on the test split": _metrics_table(pair),
        "Read-outs": _readouts(pair),
        "Prediction intervals": _intervals(pair),
        "Training": _training(pair),
        "Selection of settings on the validation split": _search_table(pair),
        "Limitations and out-of-scope use": "\n".join(f"- {limit}" for limit in limits),
        "Citation": reg.citation,
    }
    text = f"# The {reg.task} pair: reg and reg+cls\n"
    for title, body in sections.items():
        text += f"\n## {title}\n\n{body}\n"
    path.write_text(text, encoding="utf-8")


def _description(reg: Card, regcls: Card) -> str:
    target, size = reg.target, reg.input
    kind = regcls.classes["kind"] if regcls.classes else ""
    return (
        f"Two networks that predict {target['name']} ({target['unit']}, {target['low']:g} to "
        f"{target['high']:g}) from an RGB image of {size['height']} × {size['width']} pixels "
        "(height × width, uint8; normalisation is part of the model). They differ in the loss and in an additional linear "
        f"head of reg+cls with {regcls.class_count} {kind} classes. Weights are stored as float16; "
        "computation is in float32."
    )


def _metrics_table(pair: Mapping[str, Card]) -> str:
    card = next(iter(pair.values()))
    columns = COLUMNS[card.task]
    rows = [row for name, card in pair.items() for row in _metric_rows(name, card, columns)]
    rows += _baseline_rows(card, columns)
    unit = card.target["unit"]
    heads = [f"{TITLES[metric]} ({own or unit})" for metric, own in columns.items()]
    note = (
        "Errors of the regression output, as trained. Brackets: 95% bootstrap confidence intervals. "
        "Many, medium and few: ranges of the target by their number of training samples (shots)."
    )
    table = _table(("model", "subset", f"test {SAMPLES[card.task]}", *heads), rows)
    return f"{table}\n\n{note}"


def _metric_rows(name: str, card: Card, columns: Mapping[str, str]) -> list[Row]:
    metrics = card.metrics
    count = sum(_count(row) or 0 for row in metrics["shots"].values())
    rows = [_row(name, "overall", {"test": count, **metrics["overall"]}, columns)]
    rows += [_row(name, shot, row, columns) for shot, row in metrics["shots"].items()]
    for shot, row in metrics.get("shots_nyud2_dir", {}).items():
        rows.append(_row(name, f"{shot} (lists of NYUD2-DIR)", row, columns))
    if "random_segments" in metrics:
        rows.append(_row(name, "random sub-segments", metrics["random_segments"], columns))
    seeds = metrics["seeds"]
    if seeds["n"] > 1:
        spread = [
            formats.plus_minus(seeds[f"{metric}_mean"], seeds[f"{metric}_std"])
            if f"{metric}_mean" in seeds
            else ""
            for metric in columns
        ]
        part = f"mean ± standard deviation of {seeds['n']} seeds"
        rows.append((name, part, "", *spread))
    return rows


def _baseline_rows(card: Card, columns: Mapping[str, str]) -> list[Row]:
    return [
        _row("baseline", label, card.metrics[name], columns)
        for name, label in BASELINES.items()
        if name in card.metrics
    ]


def _row(name: str, part: str, errors: Mapping[str, Any], columns: Mapping[str, str]) -> Row:
    count = _count(errors)
    shown = f"{count:,}" if count else ""
    return (name, part, shown, *(_figure(errors, metric) for metric in columns))


def _count(errors: Mapping[str, Any]) -> int | None:
    return errors.get("test", errors.get("n"))


def _readouts(pair: Mapping[str, Card]) -> str:
    """Return one row per model and read-out, with its test errors and validation error."""
    if not all(card.readouts for card in pair.values()):
        return "None were chosen: the prediction is the regression output."
    card = next(iter(pair.values()))
    unit = card.target["unit"]
    rows: list[Row] = []
    for name, one in pair.items():
        found = one.readouts or {}
        for readout in readouts.available(one):
            label = readouts.LABELS[readout]
            rows.append(
                (
                    name,
                    f"**{label}**" if readout == found["best"] else label,
                    _parameters(found, readout),
                    *(_figure(one.metrics["readouts"][readout], m) for m in READOUT_METRICS),
                    f"{found['val_error'][readout]:#.4g}",
                )
            )
    found = card.readouts or {}
    metric = TITLES[found["metric"]]
    heads = ["model", "read-out", "parameters"]
    heads += [f"{title} ({unit})" for title in READOUT_METRICS.values()]
    heads += [f"validation {metric} ({unit})"]
    return (
        "As trained: the regression output. Recalibrated: a monotone map of it (isotonic "
        "regression). Class head: mean or median of softmax(logits − τ · log prior) over the "
        "classes. Both heads: a weighted mean of the regression output and the class head. Test "
        "errors have 95% intervals. Parameters and the best read-out of each model (bold, what it "
        f"predicts) were chosen by the cross-fitted {metric} on {found['chosen_on']}.\n\n"
        f"{_table(heads, rows)}"
    )


def _parameters(found: Mapping[str, Any], readout: str) -> str:
    """Return the parameters of a read-out in words."""
    if readout not in ("class", "mixed"):
        return ""
    head = found[readout]
    weight = f", weight of the regression output {head['weight']:g}" if readout == "mixed" else ""
    return f"τ = {head['tau']:g}, {head['statistic']}{weight}"


def _intervals(pair: Mapping[str, Card]) -> str:
    """Return one row per model and range of the prediction, for each model's best read-out."""
    calibrations = {
        name: card.calibration[readouts.best(card)]
        for name, card in pair.items()
        if card.calibration
    }
    if not calibrations:
        return "Not calibrated."
    first = next(iter(calibrations.values()))
    card = next(iter(pair.values()))
    unit, units = card.target["unit"], first.get("units", SAMPLES[card.task])
    rows = [row for name, one in calibrations.items() for row in _interval_rows(name, one)]
    heads = ("model", f"prediction ({unit})", "interval", f"calibration {units}")
    text = (
        f"Split conformal intervals of what each model predicts, calibrated on validation {units}: "
        f"for {100 * first['level']:g}% of samples of new {units}, the true {card.target['name']} "
        f"is in the interval around the prediction. Ranges with too few {units} have no interval. "
        f"{_chosen_by(card)}\n\n{_table(heads, rows)}"
    )
    shares = [
        f"{name} {100 * share:.1f}%"
        for name, one in calibrations.items()
        if (share := one.get("test_coverage", {}).get("covered")) is not None
    ]
    if not shares:
        return text
    return (
        f"{text}\n\nShare of the test {SAMPLES[card.task]} in their interval: {', '.join(shares)}."
    )


def _interval_rows(name: str, calibration: Mapping[str, Any]) -> list[Row]:
    edges = calibration["edges"]
    return [
        (
            name,
            f"{low:g} to {high:g}",
            "none" if radius is None or math.isinf(radius) else f"± {formats.rounded(radius)}",
            f"{count:,}",
        )
        for low, high, radius, count in zip(
            edges[:-1], edges[1:], calibration["radius"], calibration["counts"], strict=True
        )
    ]


def _chosen_by(card: Card) -> str:
    """Return what the calibration samples chose, if anything."""
    if card.training.get("settings_chosen_on") == "half":
        return "These samples chose neither settings of the training nor read-outs."
    read_outs = ", but no read-out" if card.readouts else ""
    return (
        f"These samples were among those that chose the settings of the training{read_outs}, so the "
        "intervals can be slightly too narrow."
    )


def _training(pair: Mapping[str, Card]) -> str:
    """List what the training of both models shares, then tabulate what differs."""
    facts = {name: _training_facts(card) for name, card in pair.items()}
    labels = list(dict.fromkeys(label for of_one in facts.values() for label in of_one))
    shared = [label for label in labels if len({f.get(label) for f in facts.values()}) == 1]
    parts = ["\n".join(f"- {label}: {facts['reg'][label]}" for label in shared)]
    if rows := [
        (label, *(of_one.get(label, "") for of_one in facts.values()))
        for label in labels
        if label not in shared
    ]:
        parts.append(_table(("setting", *facts), rows))
    return "\n\n".join(part for part in parts if part)


def _training_facts(card: Card) -> dict[str, str]:
    """Return the entries of the training record in words, by label."""
    entries = {**card.training.get("recipe", {}), **card.training}
    metric = TITLES[next(iter(COLUMNS[card.task]))]  # that of the selection
    return {
        label.replace("error", metric): _in_words(key, entries[key])
        for key, label in TRAINING.items()
        if key in entries
    }


def _in_words(key: str, value: Any) -> str:
    if key == "sides":
        runs = ((side, len(list(epochs))) for side, epochs in groupby(value))
        return ", ".join(f"{side} ({epochs} epoch{'s' * (epochs > 1)})" for side, epochs in runs)
    if key.endswith("_per_seed"):
        return ", ".join(f"seed {seed}: {_readable(error)}" for seed, error in value.items())
    return _readable(value)


def _search_table(pair: Mapping[str, Card]) -> str:
    """Return the settings with the error of the selection: RMSE if it was measured, else MAE."""
    found = {name: card.training.get("search_on_val", []) for name, card in pair.items()}
    rows = [(name, row) for name, of_one in found.items() for row in of_one]
    if not rows:
        return "No settings were compared."
    metric = "rmse" if "val_rmse" in rows[0][1] else "mae"
    key = f"val_{metric}"
    best = {name: _best_setting(of_one, key) for name, of_one in found.items()}
    unit = next(iter(pair.values())).target["unit"]
    heads = (
        "model", "loss scale or λ", "classes", "kind", "learning rate", "weight decay", "seed",
        f"validation {TITLES[metric]} ({unit})",
    )  # fmt: skip
    lines = [_search_row(name, row, key, best[name]) for name, row in rows]
    return f"{_table(heads, lines)}\n\n{_search_note([row for _, row in rows], key, unit)}"


def _best_setting(rows: Sequence[Mapping[str, Any]], key: str) -> tuple[object, ...] | None:
    """Return the selected setting: the lowest mean error of those tried most often."""
    errors: dict[tuple[object, ...], list[float]] = {}
    for row in rows:
        errors.setdefault(_identity(row), []).append(row[key])
    most = max(map(len, errors.values()), default=0)
    means = {setting: sum(found) / most for setting, found in errors.items() if len(found) == most}
    return min(means, key=means.__getitem__) if means else None


def _identity(row: Mapping[str, Any]) -> tuple[object, ...]:
    names = ("reg_weight", "classes", "kind", "lr", "weight_decay")
    return tuple(row.get(name) for name in names)


def _search_row(
    name: str, row: Mapping[str, Any], key: str, best: tuple[object, ...] | None
) -> Row:
    error = f"{row[key]:.3f}"
    rates = (f"{row[rate]:g}" if row.get(rate) else "" for rate in ("lr", "weight_decay"))
    return (
        name,
        f"{row['reg_weight']:g}",
        row["classes"] or "",
        row.get("kind", "equal-width") if row["classes"] else "",
        *rates,
        row.get("seed", 0),
        f"**{error}**" if _identity(row) == best else error,
    )


def _search_note(rows: Sequence[Mapping[str, Any]], key: str, unit: str) -> str:
    """Return what the search did and what it could tell."""
    text = "Errors after a short training with each setting. Bold: the selected setting."
    if not any(row.get("lr") for row in rows):
        return (
            f"{text} Learning rate and weight decay were not searched. With AdamW, the scale of a "
            "single loss does almost nothing, so the rows of reg differ by chance."
        )
    noise = search_noise(rows, key)
    assert noise is not None  # the best settings are always trained twice
    return (
        f"{text} The best {REPEATED} settings of each model were trained with a second seed, and the "
        f"lowest mean was selected. The error of one setting varies by a standard deviation of "
        f"{noise:.2g} {unit} over seeds: smaller differences between settings can be chance."
    )


def _figure(row: Mapping[str, Any], metric: str) -> str:
    value, low, high = (row.get(f"{metric}{end}") for end in ("", "_low", "_high"))
    if value is None:
        return ""
    if low is None or high is None:
        return formats.rounded(value)
    return formats.with_interval(value, low, high)


def _readable(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_readable(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_readable, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(heads: Sequence[str], rows: Sequence[Row]) -> str:
    lines: list[Sequence[object]] = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
