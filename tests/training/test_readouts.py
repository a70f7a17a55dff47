"""Read-outs and calibration of an exported pair: which samples choose, and what is written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from regcls.inference import contract, readouts
from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs, reports
from regcls.training.card_markdown import write_card_md
from regcls.training.readouts import Problem, Samples, class_prior, finish, halves
from tests.helpers import fake_pair

EDGES = np.array([0.0, 30.0, 60.0, 120.0])


def test_halves_are_units_of_similar_targets():
    rng = np.random.default_rng(0)
    units = rng.permutation(np.repeat(np.arange(41), 5))
    y = rng.exponential(size=41)[units]
    chooses = halves(y, units)
    assert all(len(set(chooses[units == u])) == 1 for u in range(41)), "units stay together"
    in_first = {u for u in range(41) if chooses[units == u].all()}
    assert len(in_first) in (20, 21)
    order = np.argsort([y[units == u][0] for u in range(41)])
    pairs_of = order[:40].reshape(20, 2)
    assert all((a in in_first) != (b in in_first) for a, b in pairs_of)
    np.testing.assert_array_equal(chooses, halves(y, units))


def test_priors_are_those_of_the_labels_that_were_trained_on():
    card = fake_pair.card("reg+cls")
    targets = np.repeat([5.0, 15.0, 25.0], [60, 30, 10])
    assert class_prior(card, targets)[:4].tolist() == pytest.approx([0.6, 0.3, 0.1, 0])
    balanced = replace(card, classes={**card.classes, "kind": "equalized"})
    found = class_prior(balanced, np.repeat(np.arange(5.0, 120, 10), np.arange(1, 13) * 10))
    np.testing.assert_allclose(found, 1 / 12)


def samples(count, seed, photos=1):
    """Faces whose brightness is a bent function of the age, which the fake models cannot know."""
    rng = np.random.default_rng(seed)
    y = np.repeat(rng.uniform(0, 90, count // photos), photos)
    seen = 10 + 0.7 * y + rng.normal(0, 2, count)
    pixels = np.clip(seen * 255 / 100, 0, 255).astype(np.uint8)
    images = np.broadcast_to(pixels[:, None, None, None], (count, 96, 96, 3))
    return Samples(images, y, np.arange(count) // photos)


@pytest.fixture
def problem():
    data = {"val": samples(200, 0), "test": samples(200, 1)}
    return Problem(data, np.repeat([5.0, 65.0], [90, 10]), EDGES, EDGES, "mae", "photos")


def test_a_pair_gets_readouts_intervals_and_errors(tmp_path, problem):
    folder = fake_pair.make_pair(tmp_path)
    weights = contract.parse((folder / "regcls.onnx").read_bytes()).graph
    cards = finish(problem, folder)
    pair = pairs.load_pair("age", tmp_path)
    assert contract.parse((folder / "regcls.onnx").read_bytes()).graph == weights
    assert cards["reg"].readouts["best"] == "recalibrated", "the bend can be undone"
    assert readouts.available(pair.regcls.card) == readouts.READOUTS
    assert pair.regcls.card.readouts["chosen_on"] == "100 validation photos"

    test = problem.samples["test"]
    value, logits = pair.regcls.run(np.ascontiguousarray(test.images))
    for name in readouts.READOUTS:
        predicted = readouts.predict(pair.regcls.card, value, logits, name)
        column = pair.predictions[readouts.column("regcls", name)]
        np.testing.assert_allclose(column, predicted, rtol=1e-5)
        report = ErrorReport.from_predictions(test.y, {name: predicted}, EDGES)
        found = pair.regcls.card.metrics["readouts"][name]
        assert found["mae"] == pytest.approx(report.overall()["mae"].item(), rel=1e-4)
        assert found["mae_low"] < found["mae"] < found["mae_high"]
    write_card_md(folder / "CARD.md", cards["reg"], cards["regcls"], ["For tests."])
    assert "Share of the test photos in their interval: reg " in (folder / "CARD.md").read_text()
    table = reports.held_out_readouts(pair, EDGES)
    assert table["chosen"].sum() == 2 and len(table) == 6
    assert reports.held_out(pair, EDGES).names == pairs.MODELS
    best = table[table["chosen"] & (table["model"] == "reg")]
    overall = reports.held_out(pair, EDGES).overall().set_index("model")
    assert overall.at["reg", "mae"] == best["mae"].item()


def test_samples_that_choose_do_not_calibrate(tmp_path, problem):
    """Other targets in the calibrating half change the intervals alone."""
    folder = fake_pair.make_pair(tmp_path)
    first = finish(problem, folder)["regcls"]
    val = problem.samples["val"]
    y = val.y + 40.0 * ~val.chooses
    moved = replace(val, y=y, half=val.chooses)
    second = finish(replace(problem, samples={**problem.samples, "val": moved}), folder)["regcls"]
    assert first.readouts == second.readouts
    assert first.calibration != second.calibration
    y = val.y + 40.0 * val.chooses
    moved = replace(val, y=y, half=val.chooses)
    third = finish(replace(problem, samples={**problem.samples, "val": moved}), folder)["regcls"]
    assert third.readouts != first.readouts
    assert third.calibration["value"] == first.calibration["value"]


def test_ranges_with_few_units_have_no_interval(tmp_path, problem):
    """The 200 samples of val are 20 people: too few per range, whatever the number of photos."""
    folder = fake_pair.make_pair(tmp_path)
    people = replace(problem, samples={**problem.samples, "val": samples(200, 0, photos=10)})
    cards = finish(replace(people, unit="people"), folder)
    found = contract.read(folder / "reg.onnx").calibration["value"]
    assert sum(found["counts"]) <= 14 and found["radius"].count(None) >= 2
    write_card_md(folder / "CARD.md", cards["reg"], cards["regcls"], ["For tests."])
    text = (folder / "CARD.md").read_text()
    assert "| reg | 0 to 30 | none |" in text and "calibration people" in text
    assert "**recalibrated**" in text and "on 10 validation people" in text
    assert "Share of the test" not in text, "no range has an interval"
