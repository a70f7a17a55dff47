"""`regcls bench` from a collection to its results, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from regcls.cli.app import app
from regcls.tabular import plan
from regcls.tabular.plan import Budget
from tests.helpers.small_comparison import small_table


def regcls(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["bench", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


@pytest.fixture(scope="module")
def collection(tmp_path_factory) -> Path:
    """Seven tables, of which one has two related targets and one cannot be predicted."""
    folder = tmp_path_factory.mktemp("tables")
    rows = ["name,file,target,domain"]
    for i in range(7):
        table = small_table(60 + i)
        table["z"] = table["y"] + np.random.default_rng(i).normal(size=len(table))
        table.to_csv(folder / f"t{i}.csv", index=False)
        rows.append(f"t{i},t{i}.csv,y,demo")
    rows += ["t0z,t0.csv,z,demo", "names,t0.csv,kind,demo"]
    (folder / "index.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def exported(collection, tmp_path_factory) -> Path:
    store, out = collection / "bench.sqlite", tmp_path_factory.mktemp("out") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(plan.BUDGETS, "quick", Budget(repeats=1, settings=1, steps=5))
        options = (collection, "--store", store, "--budget", "quick")
        planned = json.loads(regcls("plan", *options, "--json"))
        assert (planned["folds"], planned["done"], len(planned["tables"])) == (40, 0, 8)
        assert planned["skipped"][0]["table"] == "names"
        assert "t0z" in regcls("plan", *options)
        ran = json.loads(regcls("run", *options, "--jobs", 1, "--json"))
        assert (ran["done"], ran["trained"], ran["stopped"]) == (40, 40, False)
        assert "40 of 40 folds are stored, 0 of them trained now" in regcls("run", *options)
        record = json.loads(regcls("export", out, *options, "--json"))
        assert record["tables"] == 8 and 0 < record["megabytes"] < 1
    return out


def test_results_are_shown_in_words_and_as_json(exported):
    record = json.loads(regcls("show", exported, "--json"))
    assert (record["a"], record["b"], record["metric"]) == ("reg+cls", "control", "balanced_mae")
    assert len(record["tables"]) == 8
    pooled = record["pooled"]
    assert pooled["families"] == 7  # the two targets of one table are one
    assert pooled["low"] < pooled["ratio"] < pooled["high"]
    assert pooled["lower"] + pooled["equal"] + pooled["higher"] == pytest.approx(1)
    text = regcls("show", exported, "--method", "trees", "--against", "reg", "--metric", "mae")
    assert text.startswith("Over 8 tables (7 families), the MAE of boosted trees is ")
    assert "Bayesian signed-rank test" in text and "On the next table" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--method", "magic"), "“magic” is not one of reg, control"),
        (("--metric", "speed"), "“speed” is not one of balanced_mae"),
        (("--method", "reg", "--against", "reg"), "cannot be compared with itself"),
    ],
)
def test_unknown_names_are_refused(exported, arguments, message):
    assert message in regcls("show", exported, *arguments, code=2)


def test_missing_results_and_sources_are_refused(tmp_path):
    assert "no results of a bench" in regcls("show", tmp_path, code=2)
    missing = tmp_path / "nothing.zip"
    assert "there is no file or folder" in regcls("run", missing, code=2).lower()
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    store = tmp_path / "b.sqlite"
    assert regcls("plan", f"{tmp_path / 't.csv'}=y", "--store", tmp_path / "p.sqlite").startswith(
        "t is left out: “y” is 2 in every row"
    )
    assert "run the bench first" in regcls(
        "export", tmp_path / "out", f"{tmp_path / 't.csv'}=y", "--store", store, code=2
    )
