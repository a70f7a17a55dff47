"""Charts of Home, Lab and Theory, whose data are made."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from regcls.lab import charts as lab_charts
from regcls.lab import data as lab_data
from regcls.lab import replay, replay_chart
from regcls.lab.run import Lab
from regcls.lab.settings import MODELS, LabSettings
from regcls.plotting.chart import Picture
from regcls.plotting.style import FUNCTION
from regcls.synthetic import data as synthetic_data
from regcls.theory import charts as theory_charts
from regcls.theory import terms
from tests.plotting.export_cases.shown import Case, Lines, Marks, Shown, one

# Lab


@cache
def lab() -> Lab:
    run = Lab(LabSettings(samples=900, epochs=3, repeats=3, batch=64, classes=8))
    run.advance(run.total_steps)
    return run


def of_lab(picture: Picture, *shown: Shown) -> Case:
    return one(picture, *shown, settings=lab_charts.settings_text(lab().settings, lab().epoch))


def lab_predictions() -> Case:
    run, axes = lab(), ("input x", "target y")
    bands, curve = run.prediction_bands(21), lab_data.function_curve(lab().settings)
    targets = run.data.target_density(None)
    picture = lab_charts.predictions(
        bands, curve, targets, run.data.input_density(None), run.data.limits, 3
    )
    return of_lab(
        picture,
        Lines("line mark", bands, ("x", "median"), axes),
        Lines("line mark", curve.assign(model="true function"), ("x", "y"), axes),
        Lines("area mark", bands, ("x", "high", "low"), axes),
        Marks("rect mark", {"of training targets": targets["share"]}),
    )


def lab_function() -> Case:
    curve = lab_data.function_curve(lab().settings)
    line = Lines("line mark", curve, ("x", "y"), ("input x", "target y"), None)
    return of_lab(lab_charts.function(curve), line)


def lab_history() -> Case:
    """The lines are the medians of the table that the page offers for download."""
    errors = lab().history.groupby(["model", "epoch"], sort=False)["test_mse"]
    median = errors.median().reset_index(name="median")
    axes = ("epoch", "test MSE (y², log scale)")
    return of_lab(
        lab_charts.history(lab().history_bands(), 3, 3),
        Lines("line mark", median, ("epoch", "median"), axes),
        Lines("area mark", lab().history_bands(), ("epoch", "high", "low"), axes),
    )


def lab_class_map() -> Case:
    run = lab()
    curve, cells = lab_data.function_curve(run.settings), run.class_probabilities(10, 6)
    rects = Marks(
        "rect mark",
        {"from": cells["low"], "to": cells["high"], "probability": cells["probability"]},
        x=("input x", cells["left"], cells["right"]),
        y=("target y", cells["low"], cells["high"]),
    )
    line = Lines("line mark", curve, ("x", "y"), ("input x", "target y"), None)
    return of_lab(lab_charts.class_map(cells, curve, run.data.limits), rects, line)


# Theory


def of_theory(picture: Picture, *shown: Shown) -> Case:
    text = theory_charts.settings_text(1, 0, 0.1, "ideal", 0.1)
    return one(picture, *shown, settings=text)


def theory_case() -> terms.Case:
    return terms.ideal_case(synthetic_data.FUNCTIONS[0], 0, 0.1, 0.1)


def over_targets(table: pd.DataFrame, series: str, values: str, title: str) -> list[Shown]:
    middle = (table["low"] + table["high"]) / 2
    lines = pd.DataFrame({"x": middle, "y": table[values], "series": table[series]})
    train = table[["low", "high", "train"]].drop_duplicates()
    share = "share of the training targets"
    bars = Marks(
        "bar",
        {share: train["train"]},
        x=("target y", train["low"], train["high"]),
        y=(share, 0 * train["train"], train["train"]),
    )
    return [Lines("line mark", lines, ("x", "y"), ("target y", title), "series"), bars]


def theory_per_range() -> Case:
    table = terms.per_range(theory_case(), {"regression": terms.regression(theory_case())})
    names = {term: label for term, (label, *_) in theory_charts.TERMS.items()}
    long = table.melt(["low", "high", "train"], list(names), "term", "nats")
    long["term"] = long["term"].map(names)
    shown = over_targets(long, "term", "nats", "mean loss (nats)")
    return of_theory(theory_charts.per_range(table, "Regression"), *shown)


def theory_by_bins() -> Case:
    case = theory_case()
    kinds = {}
    for kind in theory_charts.KINDS:
        edges, priors = terms.class_priors(case, kind, 16)
        kinds[kind] = terms.classification(case, edges, priors)
    table = terms.per_range(case, kinds)
    shown = over_targets(table, "model", "gap", "gap (nats)")
    return of_theory(theory_charts.by_bins(table), *shown)


def theory_over_imbalance() -> Case:
    table = terms.by_imbalance(synthetic_data.FUNCTIONS[0], 0, 0.1)
    x, y = "half width s of the peak (log scale)", "mean gap (nats)"
    points = Marks(
        "point",
        {"targets": table["group"], "s": table["width"], "mean gap (nats)": table["gap"]},
        x=(x, table["width"]),
        y=(y, table["gap"]),
    )
    lines = Lines("line mark", table, ("width", "gap"), (x, y), "group")
    chosen = Marks("rule mark", {"at": [0.1]}, x=(x, [0.1], [0.1]))
    return of_theory(theory_charts.over_imbalance(table, 0.1), points, lines, chosen)


# Home


def home_replay() -> Case:
    """The lines are the predictions of the last frame, the bars the shares of the targets."""
    shown, axes = replay.load("severe"), ("input x", "target y")
    x, edges = np.linspace(-1, 1, replay.POINTS), np.linspace(*shown.limits, replay.RANGES + 1)
    predicted = pd.concat(
        pd.DataFrame({"x": x, "y": y, "model": model})
        for model, y in zip(MODELS, shown.predictions()[-1], strict=True)
    )
    curve = pd.DataFrame({"x": x, "y": shown.settings.target_function(x), "model": FUNCTION})
    return one(
        replay_chart.last_frame(shown),
        Lines("line mark", curve, ("x", "y"), axes),
        Lines("line mark", predicted, ("x", "y"), axes),
        Marks(
            "rect mark",
            {"from": edges[:-1], "to": edges[1:], "share of training targets": shown.targets},
            y=("target y", edges[:-1], edges[1:]),
        ),
    )
