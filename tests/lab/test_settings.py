"""Settings of the Lab: URL parameters, presets, scenario defaults, limits."""

from __future__ import annotations

import subprocess
import sys

import pytest

from regcls.exceptions import UserError
from regcls.lab import settings as lab_settings
from regcls.lab.settings import PRESETS, LabSettings


def test_defaults_need_no_parameters():
    assert LabSettings().to_query() == {}
    assert LabSettings.from_query({}) == (LabSettings(), [])


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_the_url(name):
    settings = PRESETS[name][0]
    assert LabSettings.from_query(settings.to_query()) == (settings, [])


def test_settings_survive_the_url():
    settings = LabSettings(
        function=0,
        A=0.123456789,
        C=11,
        scenario="noisy",
        sampling="own",
        imbalance=0.07,
        noise=0.25,
        samples=9000,
        hidden=(4, 5, 6),
        activation="gelu",
        reg_loss="huber",
        class_loss="soft",
        weight=3.5,
        loss_scale=2.0,
        weight_decay=0.0,
        optimiser="sgd",
        lr=0.00321,
        batch=64,
        bins="quantile",
        classes=12,
        seed=7,
        repeats=3,
        epochs=5,
    )
    assert LabSettings.from_query(settings.to_query()) == (settings, [])


def test_scenario_sets_its_defaults():
    settings, messages = LabSettings.from_query({"scenario": "ood"})
    assert (settings.weight, settings.lr, messages) == (10000.0, 1e-4, [])
    assert lab_settings.for_scenario("ood").to_query() == {"scenario": "ood"}


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"repeats": "a lot"}, "repeats"),
        ({"repeats": "51"}, "repeats"),
        ({"lr": "nan"}, "lr"),
        ({"lr": "inf"}, "lr"),
        ({"sampling": "extreme"}, "sampling"),
        ({"hidden": "6-x"}, "hidden"),
        ({"hidden": "6-100000"}, "hidden"),
        ({"colour": "red"}, "colour"),
        ({"samples": "900", "batch": "4096"}, "combined"),
    ],
)
def test_invalid_parameter_gives_a_message_and_the_default(query, word):
    settings, messages = LabSettings.from_query(query)
    assert settings == LabSettings()
    assert len(messages) == 1
    assert word in messages[0]


def test_valid_parameters_are_kept():
    settings, messages = LabSettings.from_query({"repeats": "3", "lr": "fast"})
    assert settings == LabSettings(repeats=3)
    assert len(messages) == 1


def test_too_few_samples_for_a_batch_or_the_classes():
    with pytest.raises(UserError, match="samples must be at least 1,536"):
        LabSettings(samples=900, batch=512)
    with pytest.raises(UserError, match="samples must be at least 3,072"):
        LabSettings(samples=900, classes=1024)


def test_settings_and_estimates_do_not_import_torch():
    code = (
        "import sys; from regcls.lab import cost, settings; cost.estimate(settings.LabSettings());"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
