"""The commands as a person runs them: outcome, JSON, help, and one sentence for bad input."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from regcls.cli.output import BAD_INPUT
from tests.helpers.command_line import one_sentence, run, run_json

COMMANDS = (
    ("lab",), ("errors",), ("predict",), ("evaluate",), ("train",), ("export",),
    ("models", "list"), ("models", "check"),
)  # fmt: skip
SMALL_LAB = ("--repeats", "6", "--epochs", "1", "--set", "samples=3000")


@pytest.fixture
def predictions(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text("y_true,reg,reg+cls\n0,1,0\n4,5,4.5\n10,7,9\n")
    return path


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_and_json_everywhere(command):
    done = run(*command, "--help")
    assert done.exit_code == 0
    assert "--json" in done.stdout


def test_help_is_light():
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom regcls.cli.app import app\n"
        "assert CliRunner().invoke(app, ['lab', '--help']).exit_code == 0\n"
        "print(sorted({'torch', 'pandas', 'onnxruntime', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_errors_of_a_file(predictions):
    record = run_json("errors", predictions, "--edges", "0,5,10")
    mae = {(r["model"], r["low"]): r["mae"] for r in record["ranges"]}
    assert mae == pytest.approx(
        {("reg", 0): 1, ("reg", 5): 3, ("reg+cls", 0): 0.25, ("reg+cls", 5): 1}
    )
    assert record["difference"]["a"] == "reg+cls"
    assert record["difference"]["difference"] == pytest.approx(0.5 - 5 / 3)


def test_errors_counts_the_training_targets(predictions, tmp_path):
    train = tmp_path / "train.csv"
    train.write_text("y\n1\n2\n9\n")
    record = run_json("errors", predictions, "--edges", "0,5,10", "--training", train)
    assert [r["train"] for r in record["ranges"][:2]] == [2, 1]


def test_errors_as_a_table(predictions):
    done = run("errors", predictions, "--ranges", 2)
    assert done.exit_code == 0
    assert "reg+cls has a lower MAE than reg" in done.stdout


def test_lab_trains_one_comparison(tmp_path):
    curves = tmp_path / "curves.csv"
    record = run_json("lab", *SMALL_LAB, "--sampling", "mild", "--csv", curves)
    assert set(record["test_mse"]) == {"reg", "control", "reg+cls"}
    assert np.isfinite(list(record["test_mse"].values())).all()
    assert record["settings"]["sampling"] == "mild"
    assert [v["b"] for v in record["verdicts"]] == ["reg", "control"]
    assert len(curves.read_text().splitlines()) == 1 + 2 * 3 * 6  # epochs 0 and 1, 3 models, 6 runs


def test_lab_in_words():
    done = run("lab", *SMALL_LAB)
    assert done.exit_code == 0, done.stderr
    assert "median ratio of test errors" in done.stdout


def test_lab_presets_and_scenarios_give_their_settings():
    from regcls.lab import settings
    from regcls.lab.settings import PRESETS, settings_from_text

    assert settings_from_text("Mild imbalance", {}) == PRESETS["Mild imbalance"][0]
    assert settings_from_text(None, {"scenario": "noisy"}) == settings.for_scenario("noisy")
    assert settings_from_text(None, {"hidden": "4-4", "lr": "0.5"}).hidden == (4, 4)


def test_models_list_and_check(tmp_path):
    from tests.helpers.fake_pair import make_pair

    make_pair(tmp_path)
    listed = run_json("models", "list", "--root", tmp_path)["models"]
    assert {m["variant"] for m in listed} == {"reg", "reg+cls"}
    for model in listed:
        checked = run_json("models", "check", model["file"])
        assert checked["variant"] == model["variant"] and checked["milliseconds"] > 0
        assert checked["outputs"]["value"]["shape"] == [2] and checked["outputs"]["value"]["finite"]


BAD = {
    "no such file": ("errors", "absent.csv"),
    "not a setting": ("lab", "--set", "colour=blue"),
    "not NAME=VALUE": ("lab", "--set", "colour"),
    "not a preset": ("lab", "--preset", "Everything"),
    "not a number": ("lab", "--set", "lr=fast"),
    "out of range": ("lab", "--repeats", "0"),
    "too much memory": ("lab", "--classes", "1024", "--repeats", "50", "--set", "batch=4096"),
    "no photo": ("predict", "age", "absent.jpg"),
    "no folder": ("models", "list", "--root", "absent"),
    "no model": ("models", "check", "absent.onnx"),
    "no faces": ("train", "age", "--data", "absent.zip"),
    "no runs": ("export", "age", "--data", "absent.zip"),
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD.keys())
def test_bad_input_gets_one_sentence(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one_sentence(run(*arguments))


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
def test_bad_tables_get_one_sentence(content, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    one_sentence(run("errors", path))


def test_an_unknown_task_is_refused():
    done = run("evaluate", "weather")
    assert done.exit_code == BAD_INPUT
    assert "age" in done.stderr
