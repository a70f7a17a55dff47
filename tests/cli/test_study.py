"""`regcls study`: from the plan to the exported results, and invalid input."""

from __future__ import annotations

import pandas as pd
import pytest

from regcls import study
from regcls.cli.output import BAD_INPUT
from tests.helpers import study_store
from tests.helpers.command_line import run, run_json
from tests.helpers.study_grids import SMALL_TOML


@pytest.fixture
def toml(tmp_path):
    """The file of a small grid."""
    path = tmp_path / "tiny.toml"
    path.write_text(SMALL_TOML)
    return path


@pytest.mark.parametrize("command", ["plan", "run", "status", "show", "export"])
def test_every_command_has_help_and_json(command):
    done = run("study", command, "--help")
    assert done.exit_code == 0
    assert "--json" in done.stdout


def test_commands_from_plan_to_export(tmp_path, toml):
    store = tmp_path / "s.sqlite"
    of = ("--store", store)
    plan = run_json("study", "plan", toml, *of)
    assert (plan["models"], plan["regcls"], plan["done"]) == (24, 12, 0)
    assert plan["seconds"] > 0
    assert not store.exists()
    done = run_json("study", "run", toml, "--jobs", 1, *of)
    assert (done["done"], done["trained"], done["stopped"]) == (24, 24, False)
    status = run_json("study", "status", toml, *of)
    assert (status["done"], status["share"], status["running"]) == (24, 1, False)
    shown = run_json("study", "show", toml, *of)
    assert (shown["grid"], shown["models"], len(shown["cells"])) == ("tiny", 24, 2)
    assert shown["varied"] == ["classes"]
    assert list(shown["pooled"]) == ["control", "reg"]
    assert shown["pooled"]["reg"]["verdict"] == "too few data"
    assert [group["value"] for group in shown["pooled"]["reg"]["by"]] == [4, 32]
    for name in ("out.parquet", "out.csv"):
        assert run_json("study", "export", toml, tmp_path / name, *of)["models"] == 24
    run_json("study", "export", toml, tmp_path / "less.parquet", "--compact", *of)
    both = [pd.read_parquet(tmp_path / "out.parquet"), pd.read_csv(tmp_path / "out.csv")]
    assert both[0]["test_mse"].tolist() == pytest.approx(both[1]["test_mse"].tolist())
    assert both[0]["role"].value_counts().to_dict() == {"reg+cls": 12, "reg": 6, "control": 6}


def test_commands_print_sentences_and_a_table(tmp_path, toml):
    of = ("--store", study_store.make(study.load(str(toml)), tmp_path / "s.sqlite"))
    plan = run("study", "plan", toml, *of).stdout
    assert "24 models, 12 of them reg+cls; 24 are stored" in plan
    assert "24 of 24 models are stored, 100%." in run("study", "status", toml, *of).stdout
    shown = run("study", "show", toml, *of).stdout
    assert "tiny: 24 of 24 models" in shown
    sentence = shown.splitlines()[2]
    assert sentence.startswith("Compared with the control, the test MSE of reg+cls is")
    assert shown.index("Compared with plain reg") < shown.index("control_ratio")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plan", "papre"), "did you mean 'paper'?"),
        (("plan", "zzz"), "choose from: architecture"),
        (("run", "nowhere.toml"), "There is no file nowhere.toml."),
        (("export", "quick", "out.csv"), "study run quick"),
        (("run", "quick", "--on-lost", "cry"), "On_lost must be one of local, stop"),
    ],
)
def test_invalid_input_ends_with_a_sentence(tmp_path, arguments, message):
    done = run("study", *arguments, "--store", tmp_path / "s.sqlite")
    assert done.exit_code == BAD_INPUT
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_store_can_be_replaced(tmp_path, toml):
    store = tmp_path / "s.sqlite"
    store.write_bytes(b"torn" * 1000)
    refused = run("study", "run", toml, "--store", store)
    assert refused.exit_code == BAD_INPUT
    assert "--fresh" in refused.stderr
    done = run("study", "run", toml, "--store", store, "--jobs", 1, "--fresh")
    assert done.exit_code == 0
    assert "The damaged store is now" in done.stderr
    assert "24 of them trained now" in done.stdout
