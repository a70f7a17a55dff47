"""Summaries: what ships equals the shipped results, and reading one needs no heavy library."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import pytest

from regcls import study
from regcls.exceptions import UserError
from regcls.study import layout, records, summarise, summary
from regcls.study.results import SHIPPED, read_shipped
from tests.helpers import study_store
from tests.helpers.study_grids import small

NAMES = sorted(path.stem for path in SHIPPED.glob("*.parquet"))
RENEW = "run python -m regcls.study.summarise"


def same(a: Any, b: Any) -> bool:
    """Return whether two records are equal, up to rounding of their numbers."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-9)
    return bool(a == b)


def test_all_shipped_results_have_a_summary_and_no_other_grid_has():
    assert NAMES
    assert sorted(path.stem for path in SHIPPED.glob("*.json")) == NAMES
    assert summary.shipped("quick") is None


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_summary_is_that_of_the_shipped_results(name):
    path = SHIPPED / f"{name}.parquet"
    stored = json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8"))
    assert stored["results"] == summarise.digest(path), f"{path.name} has changed: {RENEW}"
    made = summarise.summarise(read_shipped(study.load(name), path))
    assert same(stored["summary"], made.record()), RENEW
    shipped = summary.shipped(name)
    assert shipped is not None
    assert shipped.record() == stored["summary"]  # nothing is lost in reading
    assert shipped.hash == study.load(name).hash
    assert len(shipped.cells) == len(study.load(name).cells)


def test_reading_a_summary_needs_neither_pandas_nor_scipy():
    code = (
        "import sys; from regcls.study import summary; assert summary.shipped('paper').comparisons;"
        "print(*[m for m in ('pandas', 'scipy', 'altair', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_summary_has_the_numbers_of_the_results(tmp_path):
    grid = study.load("quick")
    results = study.read(grid, study_store.make(grid, tmp_path / "s.sqlite"))
    made = summarise.summarise(results)
    assert (made.source, made.models, made.planned) == ("store", len(results.table), 160)
    assert list(made.comparisons) == ["control", "reg"]
    for against, compared in made.comparisons.items():
        effect = results.pooled[against].overall
        assert (compared.ratio, compared.low, compared.high) == (
            effect.ratio,
            effect.low,
            effect.high,
        )
        table = layout.comparison_table(results, against)
        assert [cell.against[against].ratio for cell in made.cells] == table["ratio"].tolist()
        assert [cell.against[against].verdict for cell in made.cells] == table["state"].tolist()
        assert compared.verdicts == table["state"].value_counts().to_dict()
        assert len(compared.groups) == len(results.pooled[against].groups) == 4
    assert made.scale is not None
    assert made.scale.ratio == results.pool("control", "reg").overall.ratio
    for row in layout.mean_errors(results).to_dict("records"):
        found = made.cell(row["cell"]).errors[row["model"]]
        assert (found.mean, found.low, found.high) == (row["mean"], row["low"], row["high"])
    last = made.cell("severe_64")
    assert sum(last.train) == pytest.approx(1)
    ranges = results.ranges(grid.cells[-1]).query("role == 'reg+cls'")["mse"]
    assert list(last.ranges["reg+cls"]) == ranges.tolist()
    assert last.lab == results.lab_settings(grid.cells[-1], grid.runs[0]).to_query()
    assert same(summary.from_record(made.record()).record(), made.record())


def test_a_summary_without_results_is_empty(tmp_path):
    made = summarise.summarise(study.read(small(), tmp_path / "none.sqlite"))
    assert (made.models, made.headline, made.points) == (0, "", ())
    assert all(not cell.errors and not cell.train for cell in made.cells)
    json.dumps(made.record(), allow_nan=False)


def test_a_tuned_grid_has_one_comparison(tmp_path):
    grid = study.load("fair")
    only = lambda m: m.scenario == "clean" and m.sampling == "severe"
    results = study.read(grid, study_store.make(grid, tmp_path / "s.sqlite", only=only))
    made = summarise.summarise(results)
    assert (made.tuned, list(made.comparisons), made.scale) == (True, ["tuned"], None)
    assert made.comparisons["tuned"].counted == 6
    assert {"control"} & {role for cell in made.cells for role in cell.errors} == set()


def test_results_that_are_exported_to_ship_get_their_summary(tmp_path, monkeypatch):
    grid = study.load("quick")
    store = study_store.make(grid, tmp_path / "s.sqlite")
    monkeypatch.setattr("regcls.study.results.SHIPPED", tmp_path)
    records.export("quick", store, tmp_path / "quick.parquet", compact=True)
    stored = json.loads((tmp_path / "quick.json").read_text(encoding="utf-8"))
    assert stored["results"] == summarise.digest(tmp_path / "quick.parquet")
    assert summary.from_record(stored["summary"]).source == "shipped"
    (tmp_path / "elsewhere").mkdir()
    records.export("quick", store, tmp_path / "elsewhere" / "quick.parquet")
    assert not (tmp_path / "elsewhere" / "quick.json").exists()


def test_results_that_cannot_be_read_are_reported(tmp_path):
    (tmp_path / "quick.parquet").write_bytes(b"torn")
    with pytest.raises(UserError, match=r"quick.parquet has no results that can be read"):
        summarise.write(tmp_path / "quick.parquet")
