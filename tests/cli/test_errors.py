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
    assert "0 is the value of 95% of the targets" in chosen["reason"]
    assert chosen["imbalance_ratio"] > 10
    assert record["ranges"][0]["test"] == 2000 and len(record["ranges"]) >= 4
    requested = run_json("errors", path, "--by", "quantile", "--ranges", 4)["target_ranges"]
    assert requested["kind"] == "equal number of targets"
    assert "log scale needs targets above 0" in run("errors", path, "--by", "log").stderr


def written(tmp_path, frame: pd.DataFrame, name: str = "table.csv"):
    path = tmp_path / name
    frame.to_csv(path, index=False)
    return path


def made(rows: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    y = rng.uniform(1, 9, rows).round(2)
    return pd.DataFrame({"y_true": y, "pred": (y + rng.normal(0, 0.1, rows)).round(2)})


def mae(record: dict) -> dict[str, float]:
    return {row["model"]: row["mae"] for row in record["overall"]}


def test_intervals_are_no_models_and_their_coverage_is_reported(tmp_path):
    frame = made()
    known = np.abs(frame["pred"] - frame["y_true"]).mean()
    frame = frame.rename(columns={"pred": "pred_mean"}).assign(pred_std=0.1)
    frame["pred_lower"], frame["pred_upper"] = frame["pred_mean"] - 0.2, frame["pred_mean"] + 0.2
    path = written(tmp_path, frame)
    record = run_json("errors", path)
    assert mae(record) == pytest.approx({"pred_mean": known})
    (interval,) = record["intervals"]
    assert (interval["lower"], interval["upper"]) == ("pred_lower", "pred_upper")
    inside = np.abs(frame["pred_mean"] - frame["y_true"]) <= 0.2 + 1e-12
    assert interval["overall"]["coverage"] == pytest.approx(inside.mean(), abs=0.03)
    assert interval["overall"]["width"] == pytest.approx(0.4)
    assert [row["test"] for row in interval["ranges"]] == [r["test"] for r in record["ranges"]]
    assert (interval["level"], interval["level_source"]) == (0.95, "limits")
    given = run_json("errors", path, "--level", 80)["intervals"][0]
    assert (given["level"], given["level_source"]) == (0.8, "given")
    chosen = run_json("errors", path, "--intervals", "pred_mean=pred_std", "--level", 0.68)
    assert chosen["intervals"][0]["std"] == "pred_std"
    assert run_json("errors", path, "--intervals", "none")["intervals"] == []
    done = run("errors", path, "--csv", tmp_path / "out.csv", "--html", tmp_path / "out.html")
    assert "Coverage of the prediction intervals of pred_mean" in done.stdout
    assert "pred_lower and pred_upper are the interval of pred_mean" in done.stderr
    assert "coverage" in pd.read_csv(tmp_path / "out.csv")
    assert "Coverage over all rows" in (tmp_path / "out.html").read_text()
    for wrong in (["--level", 0], ["--level", 100], ["--intervals", "other=pred_std"]):
        one_sentence(run("errors", path, *wrong))


def test_one_row_per_model_makes_two_models(tmp_path):
    a, b = made().assign(model="a"), made().assign(model="b")
    b["pred"] += 1
    frame = pd.concat([a, b], ignore_index=True)
    record = run_json("errors", written(tmp_path, frame))
    assert list(mae(record)) == ["a", "b"] and mae(record)["b"] == pytest.approx(1, abs=0.1)
    assert record["columns"]["long"]["model"] == "model"
    shuffled = frame.assign(nr=[*range(40)] * 2).sample(frac=1, random_state=0)
    path = written(tmp_path, shuffled.drop(index=3).rename(columns={"model": "who"}))
    assert list(mae(run_json("errors", path))) == ["pred"]
    record = run_json("errors", path, "--model-column", "who", "--id-column", "nr")
    assert set(mae(record)) == {"a", "b"} and record["ranges"][0]["test"] > 0
    assert "1 of 79 rows left out: their sample does not have a row of every" in record["notes"][0]
    both = ["--model-column", "who", "--id-column", "nr", "--models", "b"]
    assert list(mae(run_json("errors", path, *both))) == ["b"]
    path = written(tmp_path, frame)
    assert list(mae(run_json("errors", path, "--model-column", "none"))) == ["pred"]
    one_sentence(run("errors", path, "--model-column", "y_true"))


def test_a_missing_mark_is_named_and_left_out_on_request(tmp_path):
    frame = made()
    frame.loc[[0, 10, 20], "pred"] = -999.0
    path = written(tmp_path, frame)
    record = run_json("errors", path)
    assert mae(record)["pred"] > 50
    assert (
        record["missing_marks"][0] | {"value": -999.0, "count": 3, "row": 1}
        == (record["missing_marks"][0])
    )
    assert "−999 occurs in 3 of 40 rows of pred" in record["cautions"][0]
    assert "--missing -999" in run("errors", path).stderr
    left = run_json("errors", path, "--missing", "-999")
    assert mae(left)["pred"] < 0.2 and left["missing_marks"] == []
    assert any("3 of 40 rows left out" in note for note in left["notes"])


def test_missing_marks_of_training_targets_are_left_out_too(tmp_path):
    path = written(tmp_path, made())
    values = [*np.linspace(1, 9, 50).round(3), -999, -999]
    train = written(tmp_path, pd.DataFrame({"y_true": values}), "train.csv")
    record = run_json("errors", path, "--training", train, "--by", "count", "--ranges", 3)
    assert "−999 occurs in 2 of 52 rows of y_true of train.csv" in record["cautions"][0]
    left = run_json(
        "errors", path, "--training", train, "--missing", -999, "--by", "count", "--ranges", 3
    )
    assert sum(row["train"] for row in left["ranges"]) == 50
    assert any("2 of 52 training targets left out" in note for note in left["notes"])


def test_an_open_question_names_the_option(tmp_path):
    path = tmp_path / "table.tsv"
    rows = "\n".join(f"{i},{i:03d}\t{i},{i + 1:03d}" for i in range(1, 30))
    path.write_text(f"y_true\tpred\n{rows}\n")
    done = run("errors", path)
    one_sentence(done)
    assert "--decimal" in done.stderr
    assert mae(run_json("errors", path, "--decimal", "comma"))["pred"] == pytest.approx(0.001)


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
