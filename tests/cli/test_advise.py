"""`regcls advise`: its JSON record, the exported models and what it refuses."""

from __future__ import annotations

import zipfile

import pytest

from regcls.cli.output import BAD_INPUT
from regcls.tabular import plan as tabular_plan
from regcls.tabular.methods import KINDS
from tests.helpers.command_line import run, run_json
from tests.helpers.small_comparison import TINY, small_table


def test_the_record_has_the_verdict_the_models_and_the_notes(tmp_path, monkeypatch):
    monkeypatch.setitem(tabular_plan.BUDGETS, "quick", TINY)
    path, zipped = tmp_path / "table.csv", tmp_path / "models.zip"
    small_table().assign(copy=small_table()["y"]).to_csv(path, index=False)
    options = ["--target", "y", "--budget", "quick", "--onnx", zipped, "--ranges", 4]
    record = run_json("advise", path, *options)
    assert record["rows"] == 120 and record["columns"] == ["a", "b", "kind"]
    assert any("“copy” is left out" in note for note in record["notes"])
    assert record["verdict"]["headline"] and len(record["models"]) == len(KINDS) + 1
    assert zipfile.is_zipfile(zipped)
    assert 2 <= len(record["ranges"]) <= 4
    assert record["target_ranges"]["reason"] and record["target_ranges"]["imbalance_ratio"] > 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "y"], "At least 50 rows"),
        (["--target", "z"], "There is no column “z”"),
        (["--target", "y", "--group", "z"], "There is no column “z”"),
    ],
)
def test_unusable_tables_and_columns_are_refused_in_one_sentence(tmp_path, options, words):
    path = tmp_path / "table.csv"
    small_table(8).to_csv(path, index=False)
    done = run("advise", path, *options)
    assert words in done.stderr
    assert done.exit_code == BAD_INPUT and "Traceback" not in done.output


def test_an_invalid_number_of_ranges_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    small_table().to_csv(path, index=False)
    done = run("advise", path, "--target", "y", "--ranges", 0)
    assert "number of target ranges must be from 1 to 50, not 0" in done.stderr
    assert done.exit_code == BAD_INPUT


def test_how_the_file_is_read_is_recorded_and_can_be_given(tmp_path, monkeypatch):
    monkeypatch.setitem(tabular_plan.BUDGETS, "quick", TINY)
    path = tmp_path / "table.csv"
    frame = small_table().round(3).drop(columns="kind")
    frame["a"] = 1
    frame.to_csv(path, index=False, sep=";", decimal=",", float_format="%.3f")
    options = ["--target", "y", "--budget", "quick", "--separator", ";", "--decimal", "comma"]
    record = run_json("advise", path, *options, "--missing", "-999")
    assert record["reading"]["decimal"] == "comma" and record["reading"]["missing"] == ["-999"]
    assert record["reading"]["summary"].startswith("Read as UTF-8, columns separated by semicolons")
    assert record["reading"]["summary"] in record["notes"]


def test_an_unclear_decimal_mark_is_an_error_that_names_the_option(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a;y\n" + "".join(f"{i + 1},234;{i + 2},345\n" for i in range(60)))
    done = run("advise", path, "--target", "y")
    assert "1,234 can be 1.234" in done.stderr and "--decimal comma" in done.stderr
    assert done.exit_code == BAD_INPUT
    done = run("advise", path, "--target", "y", "--separator", "colon")
    assert "must be comma, semicolon, tab, bar or space" in done.stderr
