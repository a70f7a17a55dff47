"""Synthetic 1D data: samplings, scenarios, noise, seeds, invalid arguments."""

import numpy as np
import pytest

from regcls.exceptions import UserError
from regcls.synthetic import data as synthetic_data
from regcls.synthetic.data import FUNCTIONS, Function, make


def _per_bin(data, split, count=1024):
    low, high = data.function.limits
    inside = np.clip(split.y_clean, low, high)
    return np.histogram(inside, np.linspace(low, high, count + 1))[0]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_uniform_fills_every_bin_of_y_equally(function):
    data = make(function, 0, sampling="uniform", samples=61_440)
    for split in (data.train, data.val, data.test):
        counts = _per_bin(data, split)
        assert counts.sum() == 20_480
        # 20 each; rounding may move a value on an edge to the neighbouring bin.
        assert np.abs(counts - 20).max() <= 1


@pytest.mark.parametrize(("name", "s"), synthetic_data.IMBALANCE.items())
@pytest.mark.parametrize("seed", range(3))
def test_most_targets_lie_around_the_peak(name, s, seed):
    data = make(FUNCTIONS[2], seed, sampling=name)
    low, high = data.function.limits
    span = high - low
    bin_width = span / synthetic_data.Y_BINS
    near = np.abs(data.train.y - data.peak) <= s * span + bin_width
    covered = min(high, data.peak + s * span) - max(low, data.peak - s * span)
    expected = 1 - synthetic_data.BACKGROUND * (1 - covered / span)
    assert near.mean() == pytest.approx(expected, abs=0.01)
    assert _per_bin(data, data.train, 64).min() > 0, "the rest of the range is still covered"


def test_test_set_is_uniform_and_the_same_for_every_sampling():
    severe, uniform = (make(FUNCTIONS[1], 3, sampling=s) for s in ("severe", "uniform"))
    np.testing.assert_array_equal(severe.test.x, uniform.test.x)
    counts = _per_bin(severe, severe.test)
    assert counts.min() >= 18 and counts.max() <= 21  # 20 000 over 1024 bins


@pytest.mark.parametrize("sampling", ["uniform", "severe"])
def test_ood_parts_lie_in_their_own_intervals(sampling):
    data = make(FUNCTIONS[0], 4, scenario="ood", sampling=sampling)
    cuts = synthetic_data.ood_cuts(FUNCTIONS[0], 4)
    assert (np.diff(cuts) > 0.1).all() and cuts[0] == -1 and cuts[-1] == 1
    assert not np.allclose(np.diff(cuts), 2 / 9), "the ends are jittered"
    for part, split in enumerate((data.train, data.val, data.test)):
        interval = np.searchsorted(cuts[1:-1], split.x, side="right")
        assert set(interval.tolist()) == {part, part + 3, part + 6}


@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_noise_has_the_given_standard_deviation(noise):
    data = make(FUNCTIONS[5], 0, scenario="noisy", noise=noise)
    for split in (data.train, data.val, data.test):
        residual = split.y - split.y_clean
        assert residual.std() == pytest.approx(noise, rel=0.03)
        assert abs(residual.mean()) < 4 * noise / np.sqrt(len(split))
        np.testing.assert_array_equal(split.y_clean, data.function(split.x))
    clean = make(FUNCTIONS[5], 0)
    np.testing.assert_array_equal(clean.train.y, clean.train.y_clean)


def test_same_arguments_give_the_same_arrays_and_seeds_differ():
    first, again, other = (make(FUNCTIONS[7], s, samples=900) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.train.x, again.train.x)
    assert first.peak == again.peak != other.peak
    assert not np.array_equal(first.train.x, other.train.x)
    named, number = make(FUNCTIONS[7], 1, sampling="mild"), make(FUNCTIONS[7], 1, sampling=0.3)
    np.testing.assert_array_equal(named.train.x, number.train.x)


@pytest.mark.parametrize("samples", [6, 7, 100, 1001, 200_000])
@pytest.mark.parametrize("scenario", synthetic_data.SCENARIOS)
def test_three_equal_parts_for_any_number_of_samples(samples, scenario):
    data = make(FUNCTIONS[3], 0, scenario=scenario, samples=samples)
    assert len(data.train) == len(data.val) == len(data.test) == samples // 3


@pytest.mark.parametrize("s", [1e-6, 1e-4, 1.0])
def test_the_narrowest_and_the_widest_peak(s):
    data = make(FUNCTIONS[0], 0, sampling=s, samples=3000)
    assert len(data.train) == 1000 and np.isfinite(data.train.y).all()


def test_function_and_its_limits():
    f = Function(A=0.5, C=10)
    assert (f.B, f.D) == (1.0, 3)
    assert f(np.array([0.3]))[0] == pytest.approx(0.5 * np.sin(3) + np.sin(0.9))
    low, high = f.limits
    y = f(np.linspace(-1, 1, 77_777))
    assert low == pytest.approx(y.min(), abs=1e-5) and high == pytest.approx(y.max(), abs=1e-5)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("scenario", "foggy"),
        ("sampling", "heavy"),
        ("sampling", 0.0),
        ("sampling", 1.5),
        ("sampling", float("nan")),
        ("samples", 5),
        ("noise", -1),
        ("noise", float("nan")),
    ],
)
def test_invalid_arguments_are_named(argument, value):
    with pytest.raises(UserError, match=argument):
        make(FUNCTIONS[0], 0, **{argument: value})


@pytest.mark.parametrize(("a", "c", "name"), [(2.0, 9, "A"), (0.5, 0, "C"), (0.5, 9.5, "C")])
def test_invalid_functions_are_named(a, c, name):
    with pytest.raises(UserError, match=f"^{name} must"):
        Function(a, c)
