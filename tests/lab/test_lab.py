"""The live comparison: settings in a URL, slices of training, reports and exports."""

import io
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from regcls.lab import cost
from regcls.lab import settings as lab_settings
from regcls.lab.run import Lab
from regcls.lab.settings import CHOICES, MODELS, PRESETS, LabSettings
from regcls.nn.spec import ACTIVATIONS

SMALL = LabSettings(samples=3000, epochs=3, repeats=2, batch=128, classes=8)


@pytest.fixture(scope="module")
def trained():
    made = Lab(SMALL)
    made.advance(made.total_steps)
    return made


def test_defaults_need_no_query():
    assert LabSettings().to_query() == {}
    assert LabSettings.from_query({}) == (LabSettings(), [])


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_survives_the_address(name):
    settings = PRESETS[name][0]
    assert LabSettings.from_query(settings.to_query()) == (settings, [])


def test_every_setting_survives_the_address():
    settings = LabSettings(
        function=0, A=0.123456789, C=11, scenario="noisy", sampling="own", imbalance=0.07,
        noise=0.25, samples=9000, hidden=(4, 5, 6), activation="gelu", reg_loss="huber",
        class_loss="soft", weight=3.5, loss_scale=2.0, weight_decay=0.0, optimiser="sgd",
        lr=0.00321, batch=64, bins="quantile", classes=12, seed=7, repeats=3, epochs=5,
    )  # fmt: skip
    assert LabSettings.from_query(settings.to_query()) == (settings, [])


def test_scenario_brings_its_defaults():
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
def test_bad_address_gives_a_sentence_and_the_default(query, word):
    settings, messages = LabSettings.from_query(query)
    assert settings == LabSettings()
    assert len(messages) == 1
    assert word in messages[0]


def test_good_part_of_an_address_is_kept():
    settings, messages = LabSettings.from_query({"repeats": "3", "lr": "fast"})
    assert settings == LabSettings(repeats=3)
    assert len(messages) == 1


@pytest.mark.parametrize(
    ("name", "value"), [(name, v) for name, values in CHOICES.items() for v in values]
)
def test_every_choice_trains(name, value):
    run = Lab(LabSettings(**{"samples": 900, "repeats": 2, "batch": 64, "epochs": 1, name: value}))
    run.advance_epoch()
    assert np.isfinite(run.history["test_mse"]).all()


def test_too_few_samples_for_a_batch():
    with pytest.raises(ValueError, match="samples must be at least 1,536"):
        LabSettings(samples=900, batch=512)
    with pytest.raises(ValueError, match="samples must be at least 3,072"):
        LabSettings(samples=900, classes=1024)


def test_settings_and_estimates_do_not_import_torch():
    code = (
        "import sys; from regcls.lab import cost, settings; cost.estimate(settings.LabSettings());"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_estimates_warn_of_what_is_slow_or_large():
    assert cost.estimate(SMALL).warning is None
    slow = cost.estimate(LabSettings(classes=1024, repeats=50, epochs=1000))
    assert "minutes" in slow.warning
    huge = cost.estimate(
        LabSettings(samples=300_000, repeats=50, batch=4096, classes=1024, hidden=(256, 256))
    )
    assert not huge.fits
    assert "memory" in huge.warning


def test_slices_of_time_do_not_change_the_outcome(trained):
    sliced = Lab(SMALL)
    for steps in (1, 5, 2):
        sliced.advance(steps)
    while not sliced.done:
        sliced.advance_epoch()
    assert sliced.step == trained.step
    np.testing.assert_array_equal(sliced.test_mse, trained.test_mse)


def test_history_has_each_epoch_model_and_run(trained):
    history = trained.history
    assert len(history) == 4 * 3 * 2
    last = history[(history.epoch == 3) & (history.model == "control")].sort_values("run")
    np.testing.assert_array_equal(last.test_mse, trained.test_mse[1])
    assert trained.done
    assert trained.epoch == 3


def test_training_stops_at_the_last_epoch(trained):
    before = trained.step
    trained.advance(100)
    assert trained.step == before == trained.total_steps


def test_reg_with_the_scale_of_reg_cls_is_the_control():
    same = Lab(replace(SMALL, loss_scale=SMALL.weight))
    same.advance_epoch()
    np.testing.assert_array_equal(same.test_mse[0], same.test_mse[1])


def test_errors_match_the_predictions(trained):
    table = trained.errors(run=0).table()
    control = table[(table.model == "control") & (table.test > 0)]
    absolute = np.abs(trained.predict(trained.data.test_x) - trained.data.test_y)[1, 0]
    assert np.average(control.mae, weights=control.test) == pytest.approx(absolute.mean())
    assert control.test.sum() == trained.data.test_y.shape[1]


def test_errors_from_the_peak_gather_the_training_data(trained):
    report = trained.errors(around_peak=True)
    middle = report.edges.searchsorted(0)
    near = report.train_counts[middle - 2 : middle + 2].sum()
    # In the severe sampling BACKGROUND = 8.5 % cover the whole range.
    assert near / report.train_counts.sum() > 0.85


def test_verdicts_in_words_and_numbers(trained):
    against_reg, against_control = trained.verdicts()
    assert (against_reg.other, against_control.other) == ("reg", "control")
    assert "too few to compare" in against_reg.words
    difference = trained.test_mse[2] - trained.test_mse[1]
    assert f"{difference.mean():+.3f}" in against_control.numbers


def test_class_probabilities_sum_to_one_along_x(trained):
    frame = trained.class_probabilities(columns=7, rows=12)
    total = frame.groupby("left")["probability"].sum()
    assert len(total) == 7
    # Bins span the training targets, which may reach a little less far than the function.
    np.testing.assert_allclose(total, 1, atol=0.02)


def test_equalized_bins_may_differ_from_run_to_run():
    made = Lab(replace(SMALL, bins="equalized", classes=64))
    made.advance_epoch()
    assert made.classes.keep.shape[1] == made.classes.edges.shape[1] - 1
    assert np.isfinite(made.test_mse).all()


def test_saved_run_goes_on_exactly(trained):
    half = Lab(SMALL)
    half.advance(11)
    file = io.BytesIO()
    half.save(file)
    file.seek(0)
    resumed = Lab.load(file)
    resumed.advance(resumed.total_steps)
    np.testing.assert_array_equal(resumed.test_mse, trained.test_mse)
    np.testing.assert_array_equal(resumed.history.test_mse, trained.history.test_mse)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("model", MODELS)
def test_onnx_answers_as_the_network_does(model, activation):
    made = Lab(replace(SMALL, activation=activation))
    made.advance(20)
    data = made.export_onnx(model, run=1)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    x = np.linspace(-1, 1, 50)
    outputs = session.run(None, {"x": x.astype(np.float32)[:, None]})
    expected = made.predict(x)[MODELS.index(model), 1]
    np.testing.assert_allclose(outputs[0], expected, atol=1e-4)
    assert len(outputs) == (2 if model == "reg+cls" else 1)
    if model == "reg+cls":
        assert outputs[1].shape == (50, SMALL.classes)
    keys = [p.key for p in onnx.load_model_from_string(data).metadata_props]
    assert keys == ["regcls_lab"]


def test_export_refuses_what_is_not_there(trained):
    with pytest.raises(ValueError, match="model must be one of"):
        trained.export_onnx("best")
    with pytest.raises(ValueError, match="run must be from 0 to 1"):
        trained.export_onnx("reg", run=2)
