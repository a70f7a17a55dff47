"""Read-outs of a class head: values by hand, choice on validation data, monotone maps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from regcls.stats import readouts
from regcls.stats.readouts import ClassReadout, Validation, choose, class_prediction, fit_monotone

RNG = np.random.default_rng(0)


def by_hand(logits, edges, prior, tau, statistic):
    """One sample, in plain Python."""
    exponent = [z - tau * math.log(p) for z, p in zip(logits, prior, strict=True)]
    weight = [math.exp(e - max(exponent)) for e in exponent]
    share = [w / sum(weight) for w in weight]
    if statistic == "mean":
        return sum(p * (a + b) / 2 for p, a, b in zip(share, edges, edges[1:], strict=False))
    below = 0.0
    for p, a, b in zip(share, edges, edges[1:], strict=False):
        if below + p >= 0.5:
            return a + (0.5 - below) / p * (b - a)
        below += p
    raise AssertionError


@pytest.mark.parametrize("statistic", readouts.STATISTICS)
@pytest.mark.parametrize("tau", [0.0, 0.7, 1.0])
def test_class_predictions_equal_those_by_hand(tau, statistic):
    edges, prior = np.array([0.0, 1, 3, 4, 9]), np.array([0.6, 0.3, 0.08, 0.02])
    logits = RNG.normal(size=(50, 4)) * 2
    found = class_prediction(logits, edges, prior, tau, statistic)
    expected = [by_hand(z.tolist(), edges.tolist(), prior.tolist(), tau, statistic) for z in logits]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("statistic", readouts.STATISTICS)
def test_maps_are_read_out_pixel_by_pixel(statistic):
    edges, prior = np.linspace(0, 10, 9), np.full(8, 1 / 8)
    logits = RNG.normal(size=(3, 8, 4, 5))
    found = class_prediction(logits, edges, prior, 0.5, statistic)
    assert found.shape == (3, 4, 5)
    flat = np.moveaxis(logits, 1, -1).reshape(-1, 8)
    np.testing.assert_allclose(found.ravel(), class_prediction(flat, edges, prior, 0.5, statistic))


def test_removing_the_prior_gives_the_balanced_posterior():
    """A perfect classifier of imbalanced data has logits log p(x|c) + log π."""
    edges, prior = np.linspace(0, 1, 11), np.exp(-4 * np.linspace(0, 1, 11))[:10]
    likelihood = RNG.normal(size=(20, 10))
    balanced = class_prediction(likelihood, edges, np.full(10, 0.1))
    trained = likelihood + np.log(prior / prior.sum())
    np.testing.assert_allclose(class_prediction(trained, edges, prior, tau=1.0), balanced)
    # Shares and counts are the same prior.
    np.testing.assert_allclose(class_prediction(trained, edges, 1000 * prior, tau=1.0), balanced)


def test_empty_classes_have_a_finite_prior():
    found = readouts.log_prior(np.array([6, 0, 2]))
    np.testing.assert_allclose(np.exp(found), np.array([6, 1, 2]) / 9)


def test_an_unknown_statistic_is_named():
    with pytest.raises(ValueError, match="mode"):
        class_prediction(np.zeros((1, 2)), np.arange(3.0), np.ones(2), 0.0, "mode")


def test_a_mixture_weighs_the_value_head():
    edges, prior = np.array([0.0, 2.0, 4.0]), np.ones(2)
    readout = ClassReadout(weight=0.25)
    assert readout(np.array([8.0]), np.zeros((1, 2)), edges, prior).tolist() == [
        0.25 * 8 + 0.75 * 2
    ]


def test_monotone_maps_do_not_fall_and_have_few_knots():
    x = RNG.normal(size=5000)
    y = np.exp(x) + RNG.normal(size=5000)
    fitted = fit_monotone(x, y)
    assert len(fitted.x) <= readouts.KNOTS and (np.diff(fitted.y) >= 0).all()
    grid = np.linspace(-2, 2, 9)
    np.testing.assert_allclose(fitted(grid), np.exp(grid), atol=0.5)
    assert fitted(np.array([-99.0, 99.0])).tolist() == [fitted.y[0], fitted.y[-1]]


def imbalanced(count, useful):
    """Validation outputs of a model whose class head knows the target, or nothing at all."""
    rng = np.random.default_rng(1)
    edges, prior = np.linspace(0, 1, 17), np.exp(-5 * np.linspace(0, 1, 16))
    centres = (edges[1:] + edges[:-1]) / 2
    y = rng.uniform(0, 1, count)
    value = y + 0.1 * rng.normal(size=count)
    seen = y + 0.04 * rng.normal(size=count) if useful else rng.uniform(0, 1, count)
    logits = -((centres - seen[:, None]) ** 2) / (2 * 0.1**2) + np.log(prior)
    return Validation(y, value, np.arange(count), logits, edges, prior)


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_the_better_head_is_chosen(metric):
    good = choose(imbalanced(500, useful=True), metric)
    assert good.best in ("class", "mixed")
    assert good.classes is not None and 0.7 <= good.classes.tau <= 1.4
    bad = choose(imbalanced(500, useful=False), metric)
    assert bad.errors["class"] > 2 * bad.errors["value"]
    assert bad.mixed is not None and bad.mixed.weight >= 0.8


def test_cross_fitting_does_not_reward_many_parameters():
    """With calibrated values, recalibration on 40 samples fits noise; in sample it looks better."""
    rng = np.random.default_rng(2)
    worse, looks_better = 0, 0
    for _ in range(40):
        y = rng.uniform(0, 1, 40)
        value = y + 0.2 * rng.normal(size=40)
        chosen = choose(Validation(y, value, np.arange(40)), "mae")
        assert chosen.classes is None and chosen.mixed is None
        in_sample = np.abs(chosen.recalibrated(value) - y).mean()
        looks_better += in_sample < chosen.errors["value"]
        worse += chosen.errors["recalibrated"] > in_sample
    assert looks_better > 35 and worse > 35


def test_errors_are_those_of_the_value_head():
    data = imbalanced(60, useful=True)
    error = data.value - data.y
    assert choose(data, "mae").errors["value"] == pytest.approx(np.abs(error).mean())
    assert choose(data, "rmse").errors["value"] == pytest.approx(np.sqrt((error**2).mean()))


def test_units_stay_in_one_fold():
    fold = readouts._folds(np.repeat(np.arange(30), 7))
    assert all(len(set(fold[i * 7 : i * 7 + 7])) == 1 for i in range(30))
    assert np.bincount(fold).tolist() == [21] * 10
