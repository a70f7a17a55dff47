"""Charts of the error per range and of the pages Age, Depth, Progress and Models."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from regcls.inference import cards
from regcls.inference import charts as inference_charts
from regcls.plotting import errors as plotting_errors
from regcls.stats.errors import ErrorReport
from regcls.tasks.depth import charts as depth_charts
from regcls.tasks.depth import predict as depth_predict
from regcls.tasks.progress import charts as progress_charts
from tests.helpers import fake_pair, progress_curves
from tests.plotting.export_cases.shown import Case, Lines, Marks, Shown, one

# Errors per range


@cache
def report() -> ErrorReport:
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 0.7, 300)  # no test sample in the last ranges
    predictions = {m: y + rng.normal(0, 0.1, 300) for m in ("reg", "reg+cls")}
    edges = np.linspace(0, 1, 11)
    return ErrorReport.from_predictions(
        y, predictions, edges, y_train=rng.uniform(0, 1, 500), resamples=50
    )


def error_points(table: pd.DataFrame, metric: str, title: str, unit: str) -> list[Shown]:
    """Return the points, the intervals and the histogram of a table of errors per range."""
    filled = table[table["test"] > 0]
    known = filled.dropna(subset=[f"{metric}_low"])
    axis = f"{title} ({unit})" if unit else title
    values = {
        "model": filled["model"],
        "from": filled["low"],
        "to": filled["high"],
        title: filled[metric],
        "interval from": filled[f"{metric}_low"],
        "interval to": filled[f"{metric}_high"],
        "test samples": filled["test"],
    }
    ends = known[f"{metric}_low"], known[f"{metric}_high"]
    return [
        Marks("point", values, y=(axis, filled[metric])),
        Marks("rule mark", {"model": known["model"]}, y=(axis, *ends)),
    ]


def errors_per_range() -> Case:
    table = report().table()
    ranges = table[table["model"] == "reg"]
    counts = Marks(
        "bar",
        {"training samples": ranges["train"]},
        x=("age (years)", ranges["low"], ranges["high"]),
        y=("training samples", 0 * ranges["train"], ranges["train"]),
    )
    line = Marks("rule mark", {"at": [0.2]}, x=("age (years)", [0.2], [0.2]))
    picture = plotting_errors.errors_per_range(report(), "years", "age", mark=0.2)
    shown = error_points(table, "mae", "mean absolute error", "years")
    return one(picture, *shown, counts, line)


def own_errors() -> Case:
    """Diamonds for the visitor's own data, on the same axes."""
    rng = np.random.default_rng(1)
    y = rng.uniform(0, 1, 60)
    own = ErrorReport.from_predictions(
        y, {m: y + rng.normal(0, 0.2, 60) for m in ("reg", "reg+cls")}, report().edges, resamples=50
    )
    tables = [r.table() for r in (report(), own)]
    both = pd.concat([t[t["test"] > 0] for t in tables])
    title = "bias (mean of prediction − truth)"
    picture = plotting_errors.errors_per_range(report(), "years", "age", "bias", extra=own)
    points = Marks(
        "point", {"model": both["model"], title: both["bias"]}, y=(f"{title} (years)", both["bias"])
    )
    return one(picture, points)


def probabilities() -> Case:
    edges, share = np.linspace(0, 120, 5), np.array([0.1, 0.2, 0.4, 0.3])
    bars = Marks(
        "bar",
        {"from": edges[:-1], "to": edges[1:], "probability of the class": share},
        x=("age (years)", edges[:-1], edges[1:]),
        y=("probability of the class", 0 * share, share),
    )
    line = Marks("rule mark", {"at": [50]}, x=("age (years)", [50], [50]))
    return one(plotting_errors.probabilities(edges, share, "years", "age", 50), bars, line)


# Models and tasks


def inference_training() -> Case:
    reg, regcls = fake_pair.card("reg"), fake_pair.card("reg+cls")
    table, edges = cards.histogram(reg), fake_pair.EDGES
    bars = Marks(
        "bar",
        {"training samples": table["train"]},
        x=("age (years)", table["low"], table["high"]),
        y=("training samples", 0 * table["train"], table["train"]),
    )
    lines = Marks("rule mark", {"at": edges}, x=("age (years)", edges, edges))
    return one(inference_charts.training(reg, regcls), bars, lines)


def depth_shares() -> Case:
    rng = np.random.default_rng(0)
    maps = {m: rng.uniform(0.5, 9.5, (24, 32)).astype(np.float32) for m in ("reg", "reg+cls")}
    pixels = np.zeros((48, 64, 3), np.uint8)
    photo = depth_predict.PhotoDepth("room.png", pixels, maps, 300.0, (), dict.fromkeys(maps, 1.0))
    card = replace(
        fake_pair.card(),
        task="depth",
        target={"name": "depth", "unit": "metres", "low": 0.0, "high": 10.0},
        training_histogram={"edges": list(range(11)), "counts": [1, 9, 8, 7, 6, 5, 4, 3, 2, 1]},
    )
    table = depth_predict.pixel_shares(photo, card)
    ranges = [f"{low:g}–{high:g}" for low, high in zip(table["low"], table["high"], strict=True)]
    bars = Marks(
        "bar",
        {"model": table["model"], "depth (m)": ranges, "share": table["share"]},
        y=("share of the pixels", 0 * table["share"], table["share"]),
    )
    return one(depth_charts.shares(photo, card), bars)


def progress_over_time() -> Case:
    curve = progress_curves.made([0, 30, 20, 60, 100], [0, 25, 50, 80, 90])
    picture = progress_charts.over_time(curve, whole=True, smooth=True, moment=2.0)
    table = pd.concat(
        pd.DataFrame({"model": m, "seconds": curve.seconds, "percent": p})
        for m, p in {**curve.progress, progress_charts.TRUTH: curve.truth}.items()
    )
    lines = Lines("line mark", table, ("seconds", "percent"), ("time (s)", "progress (%)"))
    line = Marks("rule mark", {"time (s)": [2]}, x=("time (s)", [2], [2]))
    return one(picture, lines, line)
