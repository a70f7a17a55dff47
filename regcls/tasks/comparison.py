"""The two models of a pair side by side: errors with intervals, read-outs, classes, input and size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from regcls.formats import with_interval
from regcls.inference import readouts
from regcls.stats.errors import ErrorReport
from regcls.tasks.pairs import Pair

if TYPE_CHECKING:
    import pandas as pd

MEASURES = {"mae": "MAE", "balanced_mae": "Balanced MAE", "rmse": "RMSE"}
DIFFERENCE = "difference"


def table(pair: Pair, report: ErrorReport, unit: str) -> pd.DataFrame:
    """Return the models of a pair side by side.

    Parameters
    ----------
    pair : Pair
        The pair.
    report : ErrorReport
        Its test errors, with each model's best read-out on validation data.
    unit : str
        Unit of the errors.

    Returns
    -------
    DataFrame
        One row per measure or property; columns: what it is, both models, and their difference
        (reg+cls minus reg) where that is known. All cells are text.
    """
    import pandas as pd

    rows = [*_errors(report, unit), *_properties(pair)]
    return pd.DataFrame(rows, columns=["", *pair.cards, DIFFERENCE])


def _errors(report: ErrorReport, unit: str) -> list[list[str]]:
    overall = report.overall().set_index("model")
    reg, regcls = report.names[:2]
    found = {
        "mae": report.overall_difference(regcls, reg),
        "balanced_mae": report.balanced_difference(regcls, reg),
    }
    rows = []
    for metric, title in MEASURES.items():
        ends = [metric, f"{metric}_low", f"{metric}_high"]
        cells = [with_interval(*overall.loc[model, ends]) for model in (reg, regcls)]
        rows.append([f"{title} ({unit})", *cells, _difference(found.get(metric))])
    table = report.table()
    for name, inside in _rare_and_frequent(report).items():
        of_ranges = table[table["low"].isin(report.edges[:-1][inside])]
        means = [_weighted(of_ranges[of_ranges["model"] == model]) for model in (reg, regcls)]
        if np.isfinite(means).all():
            rows.append([f"MAE, {name} ({unit})", *(f"{mean:.3g}" for mean in means), ""])
    return rows


def _rare_and_frequent(report: ErrorReport) -> Mapping[str, np.ndarray]:
    """Return which ranges have more and which fewer training samples than the median range."""
    counts = np.asarray(report.counts)
    median = np.median(counts)
    return {"frequent targets": counts >= median, "rare targets": counts < median}


def _weighted(table: pd.DataFrame) -> float:
    """Return the MAE over the samples of some ranges."""
    tested = table[table["test"] > 0]
    if tested.empty:
        return float("nan")
    return float(np.average(tested["mae"], weights=tested["test"]))


def _difference(found: Mapping[str, float] | None) -> str:
    if found is None:
        return ""
    return with_interval(found["difference"], found["low"], found["high"])


def _properties(pair: Pair) -> list[list[str]]:
    cards = pair.cards.values()
    sessions = (pair.reg, pair.regcls)
    sizes = [f"{s.path.stat().st_size / 1e6:.1f} MB" if s.path else "" for s in sessions]
    times = [
        "" if np.isnan(s.seconds_per_image) else f"{1000 * s.seconds_per_image:.0f} ms"
        for s in sessions
    ]
    rows = [
        ["Predicts by", *(readouts.LABELS[readouts.best(card)] for card in cards), ""],
        ["Other read-outs", *(_others(card) for card in cards), ""],
        ["Classes", *(_classes(card) for card in cards), ""],
        ["Input (pixels)", *(f"{c.input['height']} × {c.input['width']}" for c in cards), ""],
        ["File", *sizes, ""],
    ]
    if all(times):
        rows.append(["Time per image, last run", *times, ""])
    return rows


def _others(card: readouts.Card) -> str:
    return ", ".join(readouts.LABELS[name] for name in readouts.in_order(card)[1:]) or "none"


def _classes(card: readouts.Card) -> str:
    return f"{card.class_count}, {card.classes['kind']}" if card.classes else "none"
