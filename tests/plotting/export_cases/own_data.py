"""Charts of Your table and Your predictions."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pandas as pd

from regcls.plotting import mixture
from regcls.predictions import charts as prediction_charts
from regcls.predictions.interval_columns import IntervalColumns
from regcls.predictions.report import Report
from regcls.tabular import charts as tabular_charts
from regcls.tabular.comparison import Comparison
from regcls.tabular.methods import NAMES, TREES
from regcls.tabular.results import CONSTANT, Results
from tests.helpers import small_comparison
from tests.helpers.made_tables import table
from tests.helpers.prediction_report import make_report
from tests.plotting.export_cases.shown import Case, Lines, Marks, one
from tests.plotting.export_cases.tasks import error_points
from tests.plotting.test_mixture import crossing

# Your table


@cache
def results() -> Results:
    comparison = Comparison(small_comparison.small_plan())
    comparison.run()
    assert comparison.results is not None
    return comparison.results


def ranges_of(edges: np.ndarray) -> list[str]:
    ends = [f"{float(f'{edge:.3g}'):,.10g}" for edge in edges]
    return [f"{low} to {high}" for low, high in itertools.pairwise(ends)]


def tabular_target() -> Case:
    problem, edges = results().plan.problem, results().plan.edges
    rows = np.histogram(problem.y, edges)[0]
    bars = Marks(
        "bar",
        {"y, in ranges": ranges_of(edges), "rows": rows, "share": rows / rows.sum()},
        y=("rows", 0 * rows, rows),
    )
    return one(tabular_charts.target(problem.y, edges, problem.target), bars)


def tabular_changes() -> Case:
    """The numbers of the comparisons that are drawn, out of the table of all of them."""
    picture = tabular_charts.changes(results())
    table = results().comparisons()
    table = table[table["b"] != CONSTANT]
    second = table["b"].map(NAMES).where(table["a"] != TREES, "best network")
    table = table.assign(methods=table["a"].map(NAMES) + " vs " + second)
    table = table[table["methods"].isin(set(picture.data["changes"]["comparison"]))]
    axis, cut = "change of the error", (-1, 1)
    values = {
        "methods": table["methods"],
        "metric": table["metric"].map(tabular_charts.METRICS),
        "change": table["change"],
        "interval from": table["low"],
        "interval to": table["high"],
        "verdict": table["verdict"],
    }
    place = table[["change", "low", "high"]].clip(*cut)
    return one(
        picture,
        Marks("point", values, x=(axis, place["change"])),
        Marks("rule mark", {"metric": values["metric"]}, x=(axis, place["low"], place["high"])),
    )


def tabular_per_range() -> Case:
    kinds = ("reg", "control", "reg+cls")
    table = results().report(kinds).table()
    table = table[table["test"] > 0]
    edges, y = results().plan.edges, results().plan.problem.y
    names = dict(zip(edges, ranges_of(edges), strict=False))
    axis, known = tabular_charts._ERROR_TITLE, table.dropna(subset=["mae_low"])
    values = {
        "model": table["model"].map(NAMES),
        "y, in ranges": table["low"].map(names),
        "mean absolute error": table["mae"],
        "interval from": table["mae_low"],
        "interval to": table["mae_high"],
    }
    share = np.histogram(y, edges)[0] / len(y)
    return one(
        tabular_charts.per_range(results(), kinds, "y"),
        Marks("point", values, y=(axis, table["mae"])),
        Marks(
            "rule mark",
            {"model": known["model"].map(NAMES)},
            y=(axis, known["mae_low"], known["mae_high"]),
        ),
        Marks("bar", {"share": share}, y=("share of the rows", 0 * share, share)),
    )


# Your predictions


@cache
def own_report() -> Report:
    return make_report()


def prediction_distribution() -> Case:
    counts = own_report().errors.test_counts
    edges, share = own_report().edges, counts / counts.sum()
    bars = Marks(
        "bar",
        {"targets": counts, "share": share},
        x=("target", edges[:-1], edges[1:]),
        y=("share", 0 * share, share),
    )
    return one(prediction_charts.distribution(own_report()), bars)


def prediction_errors() -> Case:
    shown = error_points(own_report().errors.table(), "mae", "mean absolute error", "")
    return one(prediction_charts.errors(own_report()), *shown)


def prediction_differences() -> Case:
    a, b = "pred_poor", "pred_good"
    table = own_report().differences(a, b)
    axis = "difference in MAE"
    values = {
        "from": table["low"],
        "to": table["high"],
        f"{a} minus {b}": table["difference"],
        "interval from": table["diff_low"],
        "interval to": table["diff_high"],
    }
    centre = (table["low"] + table["high"]) / 2
    known = table.dropna(subset=["diff_low"])
    return one(
        prediction_charts.differences(own_report(), a, b),
        Marks("point", values, ("target", centre), (axis, table["difference"])),
        Marks(
            "rule mark",
            {"target": centre[known.index]},
            y=(axis, known["diff_low"], known["diff_high"]),
        ),
    )


def reweighted() -> Case:
    """Models that change places, marked at 90%."""
    picture = mixture.reweighted(crossing(), "years", 0.9)
    axes = ("balance of the test targets", "mean absolute error (years)")
    now = pd.DataFrame(crossing().mixture.at(0.9).items(), columns=["model", "mae"])
    flips = picture.data["flips"]
    balance = pd.Series([0.9, 0.9, *flips["balance"]])
    height = pd.concat([now["mae"], flips["mae"]])
    return one(
        picture,
        Lines("line mark", picture.data["lines"], ("balance", "mae"), axes),
        Marks("point", {"MAE": height}, (axes[0], balance), (axes[1], height)),
        Marks(
            "text mark",
            {"model": now["model"], "number": [f"{error:.3g}" for error in now["mae"]]},
        ),
    )


@cache
def covered_report() -> Report:
    """A report on two models with intervals of different levels, one of them too narrow."""
    intervals = tuple(
        IntervalColumns(std=f"{model}_std", level=level, model=model)
        for model, level in (("pred_good", 0.95), ("pred_poor", 0.5))
    )
    return make_report(table().assign(pred_good_std=1.0, pred_poor_std=1.5), intervals=intervals)


def prediction_coverage() -> Case:
    report = covered_report()
    assert report.coverage is not None
    table, axis = report.coverage.table(), "coverage"
    table = table[table["test"] > 0]
    known = table.dropna(subset=["coverage_low"])
    values = {
        "model": table["model"],
        "from": table["low"],
        "to": table["high"],
        "coverage": table["coverage"],
        "interval from": table["coverage_low"],
        "interval to": table["coverage_high"],
        "nominal level": table["nominal"],
        "mean width": table["width"],
        "test targets": table["test"],
    }
    counts = report.errors.counts
    return one(
        prediction_charts.coverage(report),
        Marks("point", values, y=(axis, table["coverage"])),
        Marks(
            "rule mark",
            {"model": known["model"]},
            y=(axis, known["coverage_low"], known["coverage_high"]),
        ),
        Marks(
            "bar",
            {"test samples": counts},
            x=("target", report.edges[:-1], report.edges[1:]),
            y=("test samples", 0 * counts, counts),
        ),
    )


def prediction_density() -> Case:
    cells = own_report().density
    cells = cells[cells["model"] == "pred_good"]
    rects = Marks(
        "rect mark",
        {"rows": cells["count"]},
        x=("true", cells["true"], cells["true_end"]),
        y=("predicted", cells["predicted"], cells["predicted_end"]),
    )
    return one(prediction_charts.density(own_report(), "pred_good"), rects)


def prediction_residuals() -> Case:
    bands, axes = own_report().bands, ("target", "prediction − truth")
    points = Marks(
        "point",
        {"model": bands["model"], "10%": bands["q10"], "50%": bands["q50"], "90%": bands["q90"]},
        x=("target", bands["middle"]),
        y=(axes[1], bands["q50"]),
    )
    return one(
        prediction_charts.residuals(own_report()),
        points,
        Lines("line mark", bands, ("middle", "q50"), axes),
        Lines("area mark", bands, ("middle", "q10", "q90"), axes),
    )
