"""Recording of a training: what it holds, that it can be made anew, and its chart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from regcls.lab import replay, replay_chart
from regcls.lab.run import Lab
from regcls.lab.settings import MODELS, LabSettings
from regcls.synthetic.data import SAMPLINGS

SMALL = LabSettings(function=3, samples=3000, batch=64, repeats=3, epochs=2)
every_sampling = pytest.mark.parametrize("sampling", SAMPLINGS)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> replay.Replay:
    path = tmp_path_factory.mktemp("replay") / "replay.json"
    replay.write(path, SMALL, ["mild"], frames=5)
    return replay.read(path)["mild"]


def of_the_lab(settings: LabSettings, steps: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and test errors of the first run of a Lab, after some steps."""
    lab = Lab(settings)
    if steps:
        lab.advance(steps)
    mse = ((lab.predict(lab.data.test_x) - lab.data.test_y) ** 2).mean(axis=-1)
    return lab.predict(np.linspace(-1, 1, replay.POINTS))[:, 0], mse[:, 0]


def test_a_recording_can_be_made_anew(small, tmp_path):
    path = replay.write(tmp_path / "again.json", SMALL, ["mild"], frames=5)
    assert replay.read(path)["mild"] == small


def test_frames_are_what_the_lab_trains_with_the_same_address(small):
    settings, messages = LabSettings.from_query(small.settings.to_query())
    assert messages == []
    predicted, mse = of_the_lab(settings, settings.epochs * settings.steps_per_epoch)
    np.testing.assert_allclose(small.predictions()[-1], predicted, atol=2e-3)
    np.testing.assert_allclose(small.test_mse[-1], mse, atol=2e-3)


def test_frames_get_wider_apart_from_before_training_to_the_end(small):
    assert small.epochs[0] == 0 and small.epochs[-1] == SMALL.epochs
    assert (np.diff(np.diff(small.epochs)) > 0).all()
    assert small.predictions().shape == (5, 3, replay.POINTS)


@every_sampling
def test_shipped_recordings_are_whole(sampling):
    shown = replay.load(sampling)
    assert shown.settings == replace(replay.SETTINGS, sampling=sampling, seed=shown.settings.seed)
    frames = len(shown.epochs)
    assert shown.predictions().shape == (frames, len(MODELS), replay.POINTS)
    assert np.shape(shown.test_mse) == (frames, len(MODELS))
    assert sum(shown.targets) == pytest.approx(1, abs=1e-3)
    assert len(shown.targets) == replay.RANGES


@every_sampling
def test_shipped_recordings_begin_as_the_lab_does(sampling):
    """Later steps may differ between machines in their last digits, and then more."""
    shown = replay.load(sampling)
    predicted, mse = of_the_lab(replace(shown.settings, repeats=1))
    np.testing.assert_allclose(shown.predictions()[0], predicted, atol=2e-3)
    np.testing.assert_allclose(shown.test_mse[0], mse, rtol=1e-3)


@every_sampling
def test_the_error_shown_is_that_of_the_curve_shown(sampling):
    """Test targets are uniform over the range of the function, the curve's inputs are not."""
    shown = replay.load(sampling)
    x = np.linspace(-1, 1, replay.POINTS)
    y = shown.settings.target_function(x)
    share, _ = np.histogram(y, 32, shown.limits)
    bin_of = np.clip(np.digitize(y, np.linspace(*shown.limits, 33)) - 1, 0, 31)
    weight = 1 / share[bin_of]
    mse = np.average((shown.predictions()[-1] - y) ** 2, axis=1, weights=weight)
    np.testing.assert_allclose(mse, shown.test_mse[-1], rtol=0.25, atol=0.01)


def test_imbalance_of_the_targets_follows_the_sampling():
    peak = [max(replay.load(sampling).targets) for sampling in SAMPLINGS]
    assert peak == sorted(peak)
    assert peak[0] < 0.1 and peak[-1] > 0.4


def test_the_file_is_small():
    assert replay.FILE.stat().st_size < 300_000


def test_the_run_nearest_to_the_medians_is_chosen():
    mse = np.array([[0.1, 0.2, 0.9], [0.1, 0.2, 0.3], [0.2, 0.1, 0.1]])
    assert replay.nearest_run(mse) == 1


def test_the_chart_shows_the_last_frame(small):
    picture = replay_chart.last_frame(small)
    shown = picture.data["predictions"]
    predicted = small.predictions()[-1]
    for model, values in zip(MODELS, predicted, strict=True):
        np.testing.assert_array_equal(shown[shown["model"] == model]["y"], values)
    assert picture.caption == small.caption
    assert "seed" in picture.settings and "nearest to their median" in picture.settings
