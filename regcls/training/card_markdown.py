"""Model card of a pair as a Markdown file, CARD.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from regcls.inference.contract import Card

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
        f"head of reg+cls with {regcls.class_count} {kind} classes. The errors of both are those "
        "of the regression output. Weights are stored as float16; computation is in float32."
    )


def _metrics_table(pair: Mapping[str, Card]) -> str:
    card = next(iter(pair.values()))
    columns = COLUMNS[card.task]
    rows = [row for name, card in pair.items() for row in _metric_rows(name, card, columns)]
    rows += _baseline_rows(card, columns)
    unit = card.target["unit"]
    heads = [f"{TITLES[metric]} ({own or unit})" for metric, own in columns.items()]
    note = (
        "Brackets: 95 % bootstrap confidence intervals. Many, medium and few: ranges of the target "
        "by their number of training samples (shots)."
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
            f"{seeds[f'{metric}_mean']:.3g} ± {seeds[f'{metric}_std']:.2g}"
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


def _intervals(pair: Mapping[str, Card]) -> str:
    """Return one row per model and range of the prediction."""
    calibrations = {name: card.calibration for name, card in pair.items() if card.calibration}
    if not calibrations:
        return "Not calibrated."
    rows: list[Row] = [
        (name, f"{low:g} to {high:g}", f"± {radius:.3g}", f"{count:,}")
        for name, calibration in calibrations.items()
        for low, high, radius, count in zip(
            calibration["edges"][:-1],
            calibration["edges"][1:],
            calibration["radius"],
            calibration["counts"],
            strict=True,
        )
    ]
    card = next(iter(pair.values()))
    unit, samples = card.target["unit"], SAMPLES[card.task]
    heads = ("model", f"prediction ({unit})", "interval", f"validation {samples}")
    level = next(iter(calibrations.values()))["level"]
    return (
        f"Split conformal intervals, calibrated on the validation split: for {100 * level:g} % of "
        f"similar {samples}, the true {card.target['name']} is in the interval around the "
        f"prediction. Ranges with few {samples} also use those of their neighbours.\n\n"
        f"{_table(heads, rows)}"
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
    found = [
        (name, row) for name, card in pair.items() for row in card.training.get("search_on_val", [])
    ]
    if not found:
        return "No settings were compared."
    metric = "rmse" if "val_rmse" in found[0][1] else "mae"
    key = f"val_{metric}"
    best = {
        name: min((row[key] for one, row in found if one == name), default=None) for name in pair
    }
    rows: list[Row] = [
        (
            name,
            f"{row['reg_weight']:g}",
            row["classes"] or "",
            row.get("kind", "equal-width") if row["classes"] else "",
            f"**{row[key]:.3f}**" if row[key] == best[name] else f"{row[key]:.3f}",
        )
        for name, row in found
    ]
    unit = next(iter(pair.values())).target["unit"]
    heads = ("model", "loss scale or λ", "classes", "kind", f"validation {TITLES[metric]} ({unit})")
    note = "Errors after a short training with each setting. Bold: the selected setting."
    return f"{_table(heads, rows)}\n\n{note}"


def _figure(row: Mapping[str, Any], metric: str) -> str:
    value, low, high = (row.get(f"{metric}{end}") for end in ("", "_low", "_high"))
    if value is None:
        return ""
    return f"{value:.3g}" if low is None or high is None else f"{value:.3g} [{low:.3g}, {high:.3g}]"


def _readable(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_readable(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_readable, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(heads: Sequence[str], rows: Sequence[Row]) -> str:
    lines: list[Sequence[object]] = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
