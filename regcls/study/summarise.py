"""Make the summary of a grid's results, and write those of the shipped results.

``python -m regcls.study.summarise`` writes the summaries of all shipped results anew.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from regcls.exceptions import UserError
from regcls.study import findings, layout
from regcls.study.loader import load
from regcls.study.pooled import Effect, Pooled
from regcls.study.ratios import NO_RESULT
from regcls.study.results import SHIPPED, Results, read_shipped
from regcls.study.summary import CellRatio, CellSummary, Comparison, Group, MeanError, Summary
from regcls.study.tuning import TunedGrid

_CELL_PREFIX = {"reg": "", "tuned": "", "control": "control_"}  # of the columns in Results.cells


def summarise(results: Results) -> Summary:
    """Return the summary of a grid's results.

    Parameters
    ----------
    results : Results
        Results of the grid.

    Returns
    -------
    Summary
    """
    grid, known = results.grid, results.known
    tuned = isinstance(grid, TunedGrid)
    compared = {}
    for other, found in results.pooled.items():
        against = "tuned" if tuned else other
        states = layout.comparison_table(results, other)["state"]
        compared[against] = _comparison(found, against, states)
    scale = None if tuned or "control" not in compared else _loss_scale(results)
    return Summary(
        grid=grid.name,
        title=grid.title,
        hash=grid.hash,
        source=results.source,
        tuned=tuned,
        models=len(results.table),
        planned=len(grid.models(known)) + len(grid.placeholders(known)),
        x_title=layout.grid_layout(grid).title,
        headline=findings.headline(compared),
        points=tuple(findings.points(compared, scale, _easier(results))),
        comparisons=compared,
        scale=scale,
        published=tuple(findings.published(results)),
        settings=layout.settings_text(grid),
        cells=tuple(_cells(results, list(compared))),
    )


def _loss_scale(results: Results) -> Comparison:
    """Compare the control with plain reg, once per row and sampling of the layout."""
    effects = findings.scale_effects(results)
    states = [effect.verdict for effect in effects.values()]
    return _comparison(results.pool("control", "reg"), "reg", states)


def _comparison(found: Pooled, against: str, states: Iterable[str]) -> Comparison:
    effect = found.overall
    verdicts: dict[str, int] = {}
    for state in states:
        if state != NO_RESULT:
            verdicts[state] = verdicts.get(state, 0) + 1
    groups = [
        Group(**_ratio(part), setting=name, value=value, cells=part.cells)
        for (name, value), part in layout.named_groups(found).items()
    ]
    return Comparison(
        **_ratio(effect),
        against=against,
        name=found.roles[1],
        p_equal=found.p_equal,
        cells=effect.cells,
        settings=effect.settings,
        functions=effect.functions,
        searches=effect.searches,
        verdicts=verdicts,
        sentence=found.sentence,
        basis=tuple(found.basis),
        groups=tuple(groups),
    )


def _ratio(effect: Effect) -> dict[str, Any]:
    return {name: getattr(effect, name) for name in ("ratio", "low", "high", "p", "verdict")}


def _easier(results: Results) -> tuple[int, int]:
    """Return in how many searches the median setting is better with reg+cls, and their number."""
    if not isinstance(results.grid, TunedGrid):
        return 0, 0
    pairs = [
        (row["regcls_search"], row["reg_search"])
        for row in results.cells.to_dict("records")
        if len(row["reg_search"]) == len(row["regcls_search"]) == 3
    ]
    return sum(regcls[1] < reg[1] for regcls, reg in pairs), len(pairs)


def _cells(results: Results, compared: Iterable[str]) -> list[CellSummary]:
    errors, published = layout.mean_errors(results), layout.published_means(results)
    by_cell: dict[str, dict[str, MeanError]] = {}
    for row in errors.to_dict("records"):
        mean, low, high = (float(row[name]) for name in ("mean", "low", "high"))
        error = MeanError(mean, low, high, int(row["runs"]))
        by_cell.setdefault(row["cell"], {})[row["model"]] = error
    figures: dict[str, dict[str, float]] = {}
    for row in published.to_dict("records"):
        figures.setdefault(row["cell"], {})[row["model"]] = float(row["mean"])
    found = []
    table = layout.cell_table(results).to_dict("records")
    for row, cell in zip(table, results.grid.cells, strict=True):
        train, ranges = _ranges(results, cell)
        found.append(
            CellSummary(
                **{name: str(row[name]) for name in ("cell", "label", "row", "sampling", "x")},
                runs=int(row["runs"]),
                errors=by_cell.get(row["cell"], {}),
                published=figures.get(row["cell"], {}),
                against={key: _cell_ratio(row, _CELL_PREFIX[key]) for key in compared},
                train=train,
                ranges=ranges,
                lab=_lab(results, cell),
            )
        )
    return found


def _cell_ratio(row: Mapping[Any, Any], prefix: str) -> CellRatio:
    names = ("ratio", "ratio_low", "ratio_high", "p_holm", "wins")
    ratio, low, high, p, wins = (float(row[prefix + name]) for name in names)
    return CellRatio(ratio, low, high, p, str(row[f"{prefix}verdict"]), wins)


def _ranges(results: Results, cell: Any) -> tuple[tuple[float, ...], dict[str, tuple[float, ...]]]:
    table = results.ranges(cell)
    by_role = {str(role): rows for role, rows in table.groupby("role", sort=False)}
    train = tuple(map(float, next(iter(by_role.values()))["train"])) if by_role else ()
    return train, {role: tuple(map(float, rows["mse"])) for role, rows in by_role.items()}


def _lab(results: Results, cell: Any) -> dict[str, str]:
    try:
        return results.lab_settings(cell, results.grid.runs[0]).to_query()
    except UserError:
        return {}


# Shipped summaries


def write(path: Path) -> Path:
    """Write the summary of exported results beside them.

    Parameters
    ----------
    path : Path
        File of the results of a shipped grid, such as "results/paper.parquet".

    Returns
    -------
    Path
        The file of the summary, which has the ending ".json".

    Raises
    ------
    UserError
        If the results cannot be read, or belong to no shipped grid.
    """
    results = read_shipped(load(path.stem), path)
    record = {"results": digest(path), "summary": summarise(results).record()}
    out = path.with_suffix(".json")
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    out.write_text(text + "\n", encoding="utf-8")
    return out


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(folder: Path = SHIPPED) -> None:
    """Write the summaries of all results in a folder."""
    for path in sorted(folder.glob("*.parquet")):
        print(write(path), file=sys.stderr)


if __name__ == "__main__":
    main()
