"""CARD.md: a pair's cards as a page for people."""

from __future__ import annotations

from pathlib import Path

from regcls.inference.contract import Card

# The errors that each task's table shows, with their unit ("" for the target's own).
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


def write_card_md(path: Path, reg: Card, regcls: Card, limits: str) -> None:
    """What the pair is, how well it does, and (``limits``) what it must not be used for."""
    pair = {"reg": reg, "reg+cls": regcls}
    sections = {
        "What it is": _what(reg, regcls),
        "Licence": reg.licence,
        "Errors on the test split": _metrics_table(pair),
        "Intervals": _intervals(pair),
        "How they were made": _training_list(pair),
        "Choice of settings, on the validation split": _search_table(pair),
        "Limits, and what not to do": limits,
        "Citation": reg.citation,
    }
    text = f"# The {reg.task} pair: reg and reg+cls\n"
    for title, body in sections.items():
        text += f"\n## {title}\n\n{body}\n"
    path.write_text(text, encoding="utf-8")


def _what(reg: Card, regcls: Card) -> str:
    target, size = reg.target, reg.input
    return (
        f"Two networks that estimate {target['name']} ({target['unit']}, {target['low']:g} to "
        f"{target['high']:g}) from one RGB image of "
        f"{size['height']}×{size['width']} pixels (uint8; they normalise it themselves). They are "
        "alike but for the loss and for one more linear head in reg+cls, with "
        f"{regcls.class_count} {regcls.classes['kind']} classes. Both are scored on the regression "
        "output. Weights are stored as float16 and computed with in float32."
    )


def _metrics_table(pair: dict[str, Card]) -> str:
    card = next(iter(pair.values()))
    columns = COLUMNS[card.task]
    rows = [row for name, card in pair.items() for row in _metric_rows(name, card, columns)]
    rows += [("baseline", *row[1:]) for row in _baseline_rows(card, columns)]
    unit = card.target["unit"]
    heads = [f"{TITLES[metric]} ({own or unit})" for metric, own in columns.items()]
    note = "In brackets: bootstrap intervals. Shots: ranges of the target by their training count."
    return f"{_table(('model', 'part', 'test samples', *heads), rows)}\n\n{note}"


def _metric_rows(name: str, card: Card, columns: dict[str, str]) -> list[tuple]:
    metrics = card.metrics
    rows = [_row(name, "overall", metrics["overall"], columns)]
    rows += [_row(name, shot, row, columns) for shot, row in metrics["shots"].items()]
    for shot, row in metrics.get("shots_nyud2_dir", {}).items():
        rows.append(_row(name, f"{shot}, NYUD2-DIR's lists", row, columns))
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


def _baseline_rows(card: Card, columns: dict[str, str]) -> list[tuple]:
    names = [key for key in card.metrics if key.startswith(("always_", "clock"))]
    return [_row("", name.replace("_", " "), card.metrics[name], columns) for name in names]


def _row(name: str, part: str, errors: dict, columns: dict[str, str]) -> tuple:
    count = errors.get("test", errors.get("n", ""))
    return (name, part, count, *(_figure(errors, metric) for metric in columns))


def _intervals(pair: dict[str, Card]) -> str:
    """What each card's calibration says, a row a range of the prediction."""
    rows = [
        (name, f"{low:g} to {high:g}", f"± {radius:.3g}", count)
        for name, card in pair.items()
        if card.calibration
        for low, high, radius, count in zip(
            card.calibration["edges"][:-1],
            card.calibration["edges"][1:],
            card.calibration["radius"],
            card.calibration["counts"],
            strict=True,
        )
    ]
    if not rows:
        return "Not calibrated."
    heads = ("model", "prediction", "radius", "validation samples")
    level = next(c.calibration["level"] for c in pair.values() if c.calibration)
    return (
        f"Split-conformal on the validation split: {level:.0%} of samples like these lie within "
        f"the radius. Ranges with few samples borrow from their neighbours.\n\n"
        f"{_table(heads, rows)}"
    )


def _training_list(pair: dict[str, Card]) -> str:
    shown = [
        f"- **{name}**, {key.replace('_', ' ')}: {_readable(value)}"
        for name, card in pair.items()
        for key, value in card.training.items()
        if key != "search_on_val"
    ]
    return "\n".join(shown)


def _search_table(pair: dict[str, Card]) -> str:
    """The search's rows with the error that decided: RMSE where it was measured, else MAE."""
    found = [
        (name, row) for name, card in pair.items() for row in card.training.get("search_on_val", [])
    ]
    if not found:
        return "No search was made."
    metric = "rmse" if "val_rmse" in found[0][1] else "mae"
    rows = [
        (
            name,
            row["reg_weight"],
            row["classes"] or "",
            row.get("kind", "equal-width") if row["classes"] else "",
            f"{row[f'val_{metric}']:.3f}",
        )
        for name, row in found
    ]
    heads = ("model", "loss scale or λ", "classes", "bins", f"validation {TITLES[metric]}")
    return _table(heads, rows)


def _figure(row: dict, metric: str) -> str:
    value, low, high = (row.get(f"{metric}{end}") for end in ("", "_low", "_high"))
    if value is None:
        return ""
    return f"{value:.3g}" if low is None or high is None else f"{value:.3g} [{low:.3g}, {high:.3g}]"


def _readable(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_readable(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_readable, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(heads: tuple, rows: list[tuple]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
