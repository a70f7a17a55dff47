"""Lab run: slices of training, tables, verdicts, saving and ONNX export."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from regcls.formats import fixed
from regcls.lab.run import Lab
from regcls.lab.settings import CHOICES, MODELS, LabSettings
from regcls.nn.spec import ACTIVATIONS

SMALL = LabSettings(samples=3000, epochs=3, repeats=2, batch=128, classes=8)


@pytest.fixture(scope="module")
def trained():
    made = Lab(SMALL)
    made.advance(made.total_steps)
    return made


@pytest.mark.parametrize(
    ("name", "value"), [(name, v) for name, values in CHOICES.items() for v in values]
)
def test_every_choice_trains(name, value):
    run = Lab(LabSettings(**{"samples": 900, "repeats": 2, "batch": 64, "epochs": 1, name: value}))
    run.advance_epoch()
    assert np.isfinite(run.history["test_mse"]).all()


def test_slicing_does_not_change_the_outcome(trained):
    sliced = Lab(SMALL)
    for steps in (1, 5, 2):
        sliced.advance(steps)
    while not sliced.done:
        sliced.advance_epoch()
    assert sliced.step == trained.step
    np.testing.assert_array_equal(sliced.test_mse, trained.test_mse)


def test_history_has_one_row_per_epoch_model_and_run(trained):
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


def test_reg_with_loss_scale_lambda_equals_the_control():
    same = Lab(replace(SMALL, loss_scale=SMALL.weight))
    same.advance_epoch()
    np.testing.assert_array_equal(same.test_mse[0], same.test_mse[1])


def test_errors_match_the_predictions(trained):
    table = trained.errors(run=0).table()
    control = table[(table.model == "control") & (table.test > 0)]
    absolute = np.abs(trained.predict(trained.data.test_x) - trained.data.test_y)[1, 0]
    assert np.average(control.mae, weights=control.test) == pytest.approx(absolute.mean())
    assert control.test.sum() == trained.data.test_y.shape[1]


def test_targets_from_the_peak_concentrate_the_training_data(trained):
    report = trained.errors(around_peak=True)
    middle = report.edges.searchsorted(0)
    near = report.train_counts[middle - 2 : middle + 2].sum()
    # In the severe sampling, 9.4% of the points (BACKGROUND) cover the whole range.
    assert near / report.train_counts.sum() > 0.85


def test_verdicts_compare_with_reg_and_control(trained):
    against_reg, against_control = trained.verdicts()
    assert (against_reg.other, against_control.other) == ("reg", "control")
    assert "Too few runs to compare" in against_reg.words
    difference = trained.test_mse[2] - trained.test_mse[1]
    assert fixed(difference.mean(), 3, signed=True) in against_control.numbers
    assert against_control.differences == tuple(difference)


def test_verdicts_are_provisional_until_the_run_is_done(trained):
    half = Lab(replace(SMALL, repeats=6))
    half.advance_epoch()
    assert all("so far" in verdict.words for verdict in half.verdicts())
    assert not any("so far" in verdict.words for verdict in trained.verdicts())


def test_a_diverged_run_is_noticed(trained):
    assert not trained.diverged
    wild = Lab(replace(SMALL, optimiser="sgd", lr=1.0, weight=1e6))
    wild.advance_epoch()
    assert wild.diverged


def test_history_of_one_run(trained):
    table = trained.history_bands(run=1)
    history = trained.history[trained.history["run"] == 2]
    for model, curve in table.groupby("model"):
        expected = history[history["model"] == model]["test_mse"]
        np.testing.assert_array_equal(curve["median"], expected)
        np.testing.assert_array_equal(curve["low"], curve["high"])


def test_class_probabilities_sum_to_one_along_x(trained):
    frame = trained.class_probabilities(columns=7, rows=12)
    total = frame.groupby("left")["probability"].sum()
    assert len(total) == 7
    # Bins span the training targets, whose range may be slightly smaller than the function's.
    np.testing.assert_allclose(total, 1, atol=0.02)


def test_equalized_bins_may_differ_between_runs():
    made = Lab(replace(SMALL, bins="equalized", classes=64))
    made.advance_epoch()
    assert made.classes.keep.shape[1] == made.classes.edges.shape[1] - 1
    assert np.isfinite(made.test_mse).all()


def test_saved_run_resumes_exactly(trained):
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
def test_onnx_file_predicts_as_the_network_does(model, activation):
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


def test_export_of_an_unknown_model_or_run(trained):
    with pytest.raises(ValueError, match="model must be one of"):
        trained.export_onnx("best")
    with pytest.raises(ValueError, match="run must be from 0 to 1"):
        trained.export_onnx("reg", run=2)
