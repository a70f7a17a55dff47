"""Progress curves of videos, monotone fits and errors."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.io import video
from regcls.tasks.progress import predict
from tests.helpers.progress_curves import made

CAN = predict.SHIPPED_SAMPLES[2]


@pytest.fixture(scope="module")
def sample() -> video.Video:
    return video.open_video(CAN.read(), CAN.title)


def test_true_progress_is_the_relative_time():
    curve = made([0, 10, 60, 70, 100])
    np.testing.assert_allclose(curve.truth, [0, 25, 50, 75, 100])
    assert curve.error(curve.progress["reg"]) == pytest.approx((0 + 15 + 10 + 5 + 0) / 5)
    assert curve.at(2.6) == 3


def test_the_monotone_fit_pools_decreasing_values():
    fit = predict.monotone_fit(made([0, 40, 20, 90, 120]))["reg"]
    np.testing.assert_allclose(fit, [0, 30, 30, 90, 100])  # pooled to its mean; never above 100


def test_a_sample_is_predicted_from_start_to_end(pair, sample):
    curve = predict.curve_from(sample, list(predict.predict_frames(sample, pair, 40)))
    assert len(curve.seconds) == 40
    assert curve.seconds[0] == 0 and curve.seconds[-1] == pytest.approx(curve.end)
    for model in ("reg", "reg+cls"):
        assert curve.error(curve.progress[model]) < 15  # a test clip; always 50% has 25
        assert np.corrcoef(curve.truth, curve.progress[model])[0, 1] > 0.9


def test_the_frames_are_those_the_models_were_measured_on(pair):
    """The shipped predictions of this test clip were made by the training code, frame by frame."""
    clip = video.open_video(CAN.read(), CAN.title)  # a re-encoding, so near and not equal
    curve = predict.curve_from(clip, list(predict.predict_frames(clip, pair, 1000)))
    table = pair.predictions
    sizes = table.groupby("clip").size()
    errors = []
    for number in sizes[sizes == len(curve.seconds)].index:
        stored = 100 * table.loc[table["clip"] == number, "reg"].to_numpy()
        errors.append(np.abs(stored - curve.progress["reg"]).mean())
    assert min(errors) < 4


def test_errors_of_own_videos_per_range(pair):
    curves = [made([0, 50, 100]), made([20, 70, 90])]
    report = predict.own_report(curves, pair.reg.card)
    assert list(report.test_counts) == [2, 0, 2, 0, 2]
    assert predict.own_report([], pair.reg.card) is None


def test_the_stored_sample_is_what_the_shipped_pair_predicts(pair, sample):
    """After a change of the models: ``python -m regcls.tasks.store_samples``."""
    stored = predict.first_sample(pair)
    assert stored is not None, "the stored predictions are of other models"
    assert predict.FIRST_SAMPLE == CAN
    curve = predict.curve_from(sample, list(predict.predict_frames(sample, pair, predict.BUDGET)))
    np.testing.assert_allclose(stored.seconds, curve.seconds)
    for model, values in curve.progress.items():
        np.testing.assert_allclose(stored.progress[model], values, atol=0.1)
