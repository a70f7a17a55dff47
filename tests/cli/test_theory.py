"""`regcls theory`: the terms of the losses per target range."""

from __future__ import annotations

import pytest

from regcls.synthetic import data as synthetic_data
from regcls.theory import terms
from tests.helpers.command_line import one_sentence, run, run_json


def test_terms_per_range():
    record = run_json("theory", "--s", "0.1", "--classes", "4")
    assert record["s"] == 0.1 and record["model"] == "ideal"
    assert len(record["rows"]) > 3 and record["residual"] < 1e-6


def test_terms_equal_those_of_the_library():
    record = run_json("theory", "--s", 0.1, "--classes", 8)
    case = terms.ideal_case(synthetic_data.FUNCTIONS[0], 0, 0.1, 0.1)
    table = terms.per_range(case, {"regression": terms.regression(case)})
    rows = [row for row in record["rows"] if row["model"] == "regression"]
    assert [row["gap"] for row in rows] == pytest.approx(table["gap"].tolist())
    assert record["residual"] < 1e-6


def test_it_has_both_references_the_classes_left_and_the_gap_by_noise():
    record = run_json("theory")
    assert record["estimand"] == terms.ESTIMAND and "p_bal" in record["role"]
    rows = [row for row in record["rows"] if row["model"].startswith("classification, equalized")]
    assert {row["reference"] for row in rows} == {"flat priors", "uniform y"}
    assert {row["classes"] for row in rows} == {4}
    found = record["equalized"]
    assert (found["asked"], found["left"]) == (16, 4)
    assert found["gap_max_flat"] == pytest.approx(0, abs=1e-9)
    assert found["gap_max_uniform"] == pytest.approx(1.65, abs=0.01)
    gaps = [row["gap"] for row in record["noise"]]
    assert gaps == sorted(gaps, reverse=True) and gaps[-1] < 0.1 * gaps[0]


def test_the_text_states_what_the_table_cannot():
    text = run("theory").stdout
    for part in (
        "Estimand:",
        "leave 4 of 16 classes",
        "uniform y",
        "noise-free data",
        "assumptions",
    ):
        assert part in text


INVALID = {
    "width of zero": ("--s", 0),
    "unknown function": ("--function", 11),
    "unknown model": ("--model", "best"),
    "noise of zero": ("--sigma", 0),
    "one class": ("--classes", 1),
}


@pytest.mark.parametrize("option", INVALID.values(), ids=INVALID.keys())
def test_invalid_options_get_one_sentence(option):
    done = run("theory", *option)
    one_sentence(done)
    assert option[0].strip("-") in done.stderr.lower()
