"""Units of true depth: guessed from a prediction, doubted where they should be, and converted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from regcls.cli.tasks import DepthUnit
from regcls.io.images import MediaError
from regcls.tasks.depth import formats, predict, units
from regcls.tasks.depth.units import AUTO, CHOICES, UNITS
from regcls.tasks.pairs import MODELS
from tests.helpers import depth_files
from tests.helpers.depth_files import FACTORS, stored

FLOAT_FORMATS = {"npy": depth_files.npy, "pfm": depth_files.pfm, "tiff": depth_files.tiff}
SCALES = (0.65, 1.0, 1.5)  # true depth / predicted depth: a model's error of scale
RARE = ("x256", 0.65)  # fractions × 256 are hardly in use: such files look like centimetres


def predicted(seed: int = 0) -> np.ndarray:
    """A smooth map from 1 to 5 m."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:1:60j, 0:1:80j]
    return (1 + 4 * (x + y) / 2 + 0.05 * rng.normal(size=x.shape)).astype(np.float32)


def noisy(prediction: np.ndarray, scale: float = 1.0, seed: int = 1) -> np.ndarray:
    """True depth: the prediction with another scale and an error of 20% per pixel."""
    noise = np.random.default_rng(seed).normal(0, 0.2, prediction.shape)
    return (prediction * scale * np.exp(noise)).astype(np.float32)


def read_as(values: np.ndarray, prediction: np.ndarray, unit: str = AUTO) -> units.Reading:
    return units.read_as([units.compare(values, prediction)], "float TIFF", unit)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_is_recognised_in_fractions(unit, scale):
    prediction = predicted()
    truth = noisy(prediction, scale)
    reading = read_as(stored(truth, unit), prediction)
    if (unit, scale) == RARE:
        assert "metres × 256 (0.6" in reading.doubt
        return
    assert reading.unit == unit and not reading.chosen
    assert reading.ratio == pytest.approx(scale, rel=0.03)
    assert (reading.rank < -0.5) == (unit == "inverse")
    np.testing.assert_allclose(units.metres(stored(truth, unit), reading.unit), truth, rtol=1e-5)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("unit", FACTORS)
def test_the_unit_is_recognised_in_integers(unit, scale):
    prediction = predicted()
    values = np.rint(stored(noisy(prediction, scale), unit))
    reading = read_as(values, prediction)
    assert reading.unit == unit and reading.ratio == pytest.approx(scale, rel=0.1)


def test_a_clear_unit_has_no_doubt_and_an_unclear_one_has():
    """Millimetres and metres × 256 differ by 3.9: at a ratio of 1.9 both are plausible."""
    prediction = predicted()
    clear = read_as(np.rint(1040 * prediction), prediction)
    assert clear.sentence == (
        "Depth read as millimetres (float TIFF): the median ratio to the prediction is 1.04."
    )
    unclear = read_as(np.rint(256 * 1.9 * prediction), prediction)
    assert unclear.unit == "x256"
    assert unclear.sentence.endswith(
        "is 1.9. Also plausible by the ratio: millimetres (0.486); check the unit."
    )


def test_a_ratio_far_from_one_is_doubted():
    reading = read_as(3.0 * predicted() + 0.001, predicted())
    assert reading.unit == "m" and "far from 1; check the unit" in reading.sentence


def test_inverse_depth_needs_a_negative_rank_correlation_to_be_certain():
    prediction = predicted()
    certain = read_as(1 / noisy(prediction), prediction)
    assert certain.unit == "inverse" and certain.doubt == ""
    assert "inverse depth (1/m)" in certain.sentence and "rank correlation -0." in certain.sentence
    shuffled = np.random.default_rng(0).permuted(1 / prediction)
    doubtful = read_as(shuffled, prediction)
    assert doubtful.unit == "inverse" and "does not show whether it is inverse" in doubtful.sentence


def test_disparity_in_pixels_has_no_unit_and_is_not_scored():
    prediction = predicted()
    for values in (120 / prediction, np.rint(10_000 / prediction)):
        with pytest.raises(MediaError, match="disparity or relative inverse depth, which has no"):
            read_as(values, prediction)
    assert read_as(120 / prediction, prediction, "mm").unit == "mm", "the user may still choose"


def test_relative_depth_is_not_guessed():
    prediction = predicted()
    with pytest.raises(MediaError, match="the unit of the true depth is not clear") as caught:
        read_as(prediction / 50, prediction)
    assert "0.02 in metres" in str(caught.value) and "choose the unit" in str(caught.value)


def test_a_chosen_unit_is_used_and_contradicted():
    prediction = predicted()
    values = np.rint(1000 * prediction)
    reading = read_as(values, prediction, "x5000")
    assert reading.chosen and reading.unit == "x5000"
    assert reading.sentence == (
        "Depth read as metres × 5000, as chosen (float TIFF): the median ratio to the prediction "
        "is 0.2. In millimetres it would be 1; check the unit."
    )
    assert read_as(values, prediction, "mm").doubt == ""


def test_a_set_is_decided_by_its_median():
    """A photo whose prediction is four times too near does not change the unit of ten files."""
    prediction = predicted()
    odd = units.compare(np.rint(256 * 4 * prediction), prediction)
    assert units.read_as([odd], "16-bit PNG").unit == "mm"
    usual = units.compare(np.rint(256 * prediction), prediction)
    reading = units.read_as([odd, *[usual] * 9], "16-bit PNG")
    assert reading.unit == "x256"
    assert "(16-bit PNG, 10 files): the median ratio to the predictions is 1." in reading.sentence


def test_constant_maps_can_be_compared():
    flat = np.full((6, 8), 2.0, np.float32)
    reading = read_as(flat, flat)
    assert reading.unit == "m" and reading.ratio == 1 and reading.rank == 0


def test_unknown_pixels_do_not_count():
    prediction = predicted()
    values = 1000 * prediction
    values[:40] = 0
    assert read_as(values, prediction).ratio == pytest.approx(1.0)
    assert units.metres(values, "inverse")[0, 0] == 0


def test_the_command_line_offers_the_same_units():
    assert tuple(unit.value for unit in DepthUnit) == CHOICES


# With the shipped models


@pytest.fixture(scope="module", params=[s.key for s in predict.SHIPPED_SAMPLES])
def shipped(request) -> np.ndarray:
    """The mean prediction of the shipped pair for a sample."""
    sample = next(s for s in predict.SHIPPED_SAMPLES if s.key == request.param)
    photo = predict.predict_photo(sample.read(), sample.title, predict.load())
    return np.mean([photo.depth[model] for model in MODELS], axis=0)


@pytest.mark.parametrize("scale", SCALES)
def test_all_units_in_all_formats_of_a_real_room(shipped, scale):
    truth = noisy(shipped, scale)
    files = {
        (f"{name}, {unit}", unit): write(stored(truth, unit))
        for unit in UNITS
        if (unit, scale) != RARE
        for name, write in FLOAT_FORMATS.items()
    }
    files |= {
        (f"16-bit PNG, {unit}", unit): depth_files.as_integers(stored(truth, unit))
        for unit in ("mm", "cm", "x256", "x5000")
    }
    for (name, unit), data in files.items():
        values = formats.read(data, name).values
        reading = read_as(values, shipped)
        assert reading.unit == unit, name
        assert math.log(reading.ratio / scale) == pytest.approx(0, abs=0.03), name
        median = np.median(units.metres(values, reading.unit))
        assert median == pytest.approx(np.median(truth), rel=0.01), name
