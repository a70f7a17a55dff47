"""`regcls lab`: one comparison as JSON, as text and as CSV, and settings by name."""

from __future__ import annotations

import numpy as np

from tests.helpers.command_line import run, run_json

SMALL = ("--repeats", "6", "--epochs", "1", "--set", "samples=3000")


def test_lab_trains_one_comparison(tmp_path):
    curves = tmp_path / "curves.csv"
    record = run_json("lab", *SMALL, "--sampling", "mild", "--csv", curves)
    assert set(record["test_mse"]) == {"reg", "control", "reg+cls"}
    assert np.isfinite(list(record["test_mse"].values())).all()
    assert record["settings"]["sampling"] == "mild"
    assert [v["b"] for v in record["verdicts"]] == ["reg", "control"]
    assert len(curves.read_text().splitlines()) == 1 + 2 * 3 * 6  # epochs 0 and 1, 3 models, 6 runs


def test_lab_as_text():
    done = run("lab", *SMALL)
    assert done.exit_code == 0, done.stderr
    assert "median ratio of test errors" in done.stdout


def test_presets_and_scenarios_set_their_settings():
    from regcls.lab import settings
    from regcls.lab.settings import PRESETS, settings_from_text

    assert settings_from_text("Mild imbalance", {}) == PRESETS["Mild imbalance"][0]
    assert settings_from_text(None, {"scenario": "noisy"}) == settings.for_scenario("noisy")
    assert settings_from_text(None, {"hidden": "4-4", "lr": "0.5"}).hidden == (4, 4)
