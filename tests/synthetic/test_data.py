"""Synthetic 1D data: samplings, scenarios, noise, seeds, invalid arguments."""

import itertools

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
    assert counts.min() >= 20 and counts.max() <= 23  # 21 705 over 1024 bins


@pytest.mark.parametrize("sampling", ["uniform", "severe"])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 1.0])
def test_ood_parts_lie_in_their_own_intervals(sampling, overlap):
    data = make(FUNCTIONS[0], 4, scenario="ood", sampling=sampling, overlap=overlap)
    intervals = synthetic_data.ood_intervals(FUNCTIONS[0], 4, overlap)
    for part, split in enumerate((data.train, data.val, data.test)):
        left, right = intervals[part::3].T
        inside = (split.x[:, None] >= left) & (split.x[:, None] <= right)
        assert inside.any(axis=1).all()
        assert inside.any(axis=0).all(), "each interval has points"


def test_ood_intervals_are_lengthened_as_in_the_authors_code():
    """The mean overlaps of a half-normal length with σ = 2/9 / 4, in closed form."""
    seeds = [(f, s) for f in FUNCTIONS for s in range(200)]
    intervals = np.stack([synthetic_data.ood_intervals(f, s) for f, s in seeds])
    left, right = intervals[..., 0], intervals[..., 1]
    np.testing.assert_allclose(left, np.broadcast_to(-1 + 2 / 9 * np.arange(9), left.shape))
    extra = (right - left)[:, :8] * 9 / 2 - 1
    assert extra.min() > 0 and extra.mean() == pytest.approx(0.25 * np.sqrt(2 / np.pi), rel=0.02)
    assert (extra**2).mean() == pytest.approx(0.25**2, rel=0.03)
    assert right.max() == 1, "the last interval ends with the x axis"
    disjoint = synthetic_data.ood_intervals(FUNCTIONS[0], 0, overlap=0.0)
    np.testing.assert_allclose(disjoint[1:, 0], disjoint[:-1, 1])


@pytest.mark.parametrize("sampling", ["moderate", "severe"])
def test_ood_peaks_are_reached_in_all_parts(sampling):
    """Before, 8 of 50 severe and 3 of 50 moderate training sets of the paper's grid were uniform."""
    for number, function in enumerate(FUNCTIONS):
        low, high = function.limits
        near = synthetic_data.IMBALANCE[sampling] * (high - low) + (high - low) / 1024
        for seed in range(100 * number, 100 * number + 5):
            data = make(function, seed, "ood", sampling)
            for part in (data.train, data.val):
                assert (np.abs(part.y - data.peak) <= near).mean() > 0.85
            assert np.abs(data.test.y - data.peak).min() < (high - low) / 1024


def test_without_a_common_target_there_is_no_ood_peak():
    rising = Function(A=0.0, C=3)
    with pytest.raises(UserError, match="choose uniform sampling"):
        make(rising, 0, "ood", "severe")
    assert len(make(rising, 0, "ood", "uniform", samples=300).train) == 100


def independent_imbalanced(function, half_width, peak, rng):
    """The authors' protocol, written again bin by bin: around the peak, and six in each bin."""
    x = rng.uniform(-1, 1, 100_000)
    y = function(x)
    low, high = y.min(), y.max()
    half = half_width * (high - low)

    def draw(edges, count):
        drawn = []
        for a, b in itertools.pairwise(edges):
            inside = x[(y >= a) & (y <= b)]
            if len(inside):
                drawn.append(rng.choice(inside, count))
        return np.concatenate(drawn)

    around = rng.permutation(draw(np.linspace(peak - half, peak + half, 1025), 106))
    points = np.concatenate([around[: 60_000 - 1024 - 5], draw(np.linspace(low, high, 1025), 6)])
    return rng.permutation(points)


@pytest.mark.parametrize(("sampling", "half_width"), synthetic_data.IMBALANCE.items())
def test_imbalanced_data_equal_an_independent_implementation(sampling, half_width):
    function = FUNCTIONS[3]
    data = make(function, 1, sampling=sampling)
    x = independent_imbalanced(function, half_width, data.peak, np.random.default_rng(0))
    theirs = x[: len(x) // 3]
    assert len(theirs) == len(data.train) == len(data.val) == 21_705
    low, high = function.limits
    span = high - low
    far_share = [
        (np.abs(y - data.peak) > half_width * span + span / 1024).mean()
        for y in (function(theirs), data.train.y)
    ]
    assert far_share[0] == pytest.approx(far_share[1], abs=0.006)
    assert 0.093 < synthetic_data.BACKGROUND < 0.096
    bins = np.linspace(low, high, 33)
    ours = np.histogram(data.train.y, bins)[0] / 21_705
    again = np.histogram(function(theirs), bins)[0] / 21_705
    np.testing.assert_allclose(ours, again, atol=0.02)  # edges of bins
    joint = [np.histogram(v, np.linspace(-1, 1, 21))[0] / 21_705 for v in (theirs, data.train.x)]
    np.testing.assert_allclose(*joint, atol=0.015)


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
        ("overlap", -0.1),
        ("overlap", float("nan")),
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
