"""`regcls errors`: the report on a file, and invalid tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.helpers.command_line import one_sentence, run, run_json


@pytest.fixture
def predictions(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text("y_true,reg,reg+cls\n0,1,0\n4,5,4.5\n10,7,9\n")
    return path


def test_errors_of_a_file(predictions):
    record = run_json("errors", predictions, "--edges", "0,5,10")
    mae = {(r["model"], r["low"]): r["mae"] for r in record["ranges"]}
    assert mae == pytest.approx(
        {("reg", 0): 1, ("reg", 5): 3, ("reg+cls", 0): 0.25, ("reg+cls", 5): 1}
    )
    assert record["difference"]["a"] == "reg+cls"
    assert record["difference"]["difference"] == pytest.approx(0.5 - 5 / 3)


def test_training_targets_are_counted(predictions, tmp_path):
    train = tmp_path / "train.csv"
    train.write_text("y\n1\n2\n9\n")
    record = run_json("errors", predictions, "--edges", "0,5,10", "--training", train)
    assert [r["train"] for r in record["ranges"][:2]] == [2, 1]


def test_errors_as_a_table(predictions):
    done = run("errors", predictions, "--by", "count", "--ranges", 2)
    assert done.exit_code == 0
    assert "reg+cls" in done.stdout
    assert "Imbalance ratio 2 (targets per unit" in done.stdout
    assert "Equal width, as requested." in done.stdout
    assert done.stdout.startswith("Too few rows to compare the MAE of reg+cls and reg")


def test_ranges_are_chosen_by_the_shape_of_the_targets(tmp_path):
    rng = np.random.default_rng(0)
    y = np.concatenate((np.zeros(2000), rng.lognormal(0, 1.5, 100)))
    path = tmp_path / "zero_inflated.csv"
    pd.DataFrame({"y_true": y, "pred": y + rng.normal(0, 0.1, len(y))}).to_csv(path, index=False)
    record = run_json("errors", path)
    chosen = record["target_ranges"]
    assert chosen["kind"] == "equal width on a log scale" and not chosen["single_rare_range"]
    assert "0 is the value of 95 % of the targets" in chosen["reason"]
    assert chosen["imbalance_ratio"] > 10
    assert record["ranges"][0]["test"] == 2000 and len(record["ranges"]) >= 4
    requested = run_json("errors", path, "--by", "quantile", "--ranges", 4)["target_ranges"]
    assert requested["kind"] == "equal number of targets"
    assert "log scale needs targets above 0" in run("errors", path, "--by", "log").stderr


TABLES = {
    "empty": b"",
    "words only": b"a,b\nx,y\n",
    "words": b"y_true,reg\n1,two\n",
    "no predictions": b"y_true\n1\n2\n",
    "no rows": b"y_true,reg\n",
    "NaN": b"y_true,reg\n1,\n,3\n",
    "constant": b"y_true,reg\n1,2\n1,3\n",
    "a picture": b"\x89PNG\r\n\x1a\n\xff\xfe\x00",
}


@pytest.mark.parametrize("content", TABLES.values(), ids=TABLES.keys())
def test_invalid_tables_get_one_sentence(content, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    one_sentence(run("errors", path))
