"""Visitors' own models in use: failures that a trial run did not show do not affect the pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from regcls.inference import contract
from regcls.inference import session as inference_session
from regcls.inference.custom import inspect, wrap
from regcls.tasks import pairs
from regcls.tasks.age import predict
from regcls.tasks.pairs import Pair
from tests.helpers import hostile_onnx as hostile
from tests.helpers.app_page import click, opened, ran, settled


def session(data: bytes, **more) -> inference_session.Session:
    """A session of a model without a card, completed with the guesses of its form and ``more``."""
    found = inspect.examine(data, "mine.onnx")
    done = wrap.complete(found, replace(found.form, scaling="0 to 1", **more))
    return inference_session.own_session(done.data, "mine")


@pytest.fixture(scope="module")
def pair() -> Pair:
    return predict.load()


@pytest.fixture(scope="module")
def crops(pair) -> np.ndarray:
    """Grey faces at the pair's input size."""
    return pairs.resized(hostile.grey(), (pair.reg.card.input["height"],) * 2)


FAILING = {
    "nan": (hostile.late_nan, "returned NaN"),
    "memory": (hostile.late_greedy, "needs more memory"),
}


@pytest.mark.parametrize(("make", "words"), FAILING.values(), ids=FAILING.keys())
def test_a_model_that_fails_later_is_reported_and_the_pair_still_predicts(make, words, pair, crops):
    mine = session(make())
    assert mine.run(np.zeros_like(hostile.grey()))[0].shape == (1,)
    with pytest.raises(contract.ContractError, match=words):
        mine.run(hostile.grey())
    with_own = replace(pair, extra={"own reg": mine})
    faces, times = predict.predict_faces(crops[:, None], with_own)
    assert set(faces[0].estimates) == set(times) == {"reg", "reg+cls"}
    assert (
        mine.problem.startswith("The model own reg failed and is no longer used: mine")
        and words in mine.problem
    )
    assert mine.problem.endswith(".") and set(pairs.sessions(with_own)) == set(pairs.MODELS)


def test_all_own_models_share_one_memory_limit():
    """An allocation of 1.5 times the limit fails, one of half the limit succeeds."""
    small, large = (session(hostile.late_greedy(gb)) for gb in (1, 3))
    assert small.run(hostile.grey())[0].shape == (1,)
    with pytest.raises(contract.ContractError, match="needs more memory"):
        large.run(hostile.grey())
    assert small.run(hostile.grey())[0].shape == (1,), "the memory of one run is released"


@pytest.mark.parametrize(
    ("task", "sample", "unit"),
    [
        ("age", "Eileen Collins", "years"),
        ("depth", "A lobby", "metres"),
        ("progress", "Drive onto book", "percent"),
    ],
)
def test_its_page_reports_the_failure_and_keeps_the_pair(task, sample, unit):
    mine = session(hostile.fussy(as_map=task == "depth"), task=task, unit=unit)
    page = opened(task)
    page.session_state["own_models"] = {task: {"own reg": mine}}
    page.session_state[f"{task}_fold_table"] = True
    click(ran(page.run()), sample)
    settled(page) if task == "progress" else ran(page.run())
    (warning,) = page.warning
    assert warning.value.startswith(
        "The model own reg failed and is no longer used: mine returned NaN"
    )
    tables = [element.value for element in page.dataframe]
    table = next(one for one in tables if not one.filter(like="reg ").empty)
    assert not [name for name in table if name.startswith("own")]
    assert table.filter(like="reg").notna().any(axis=None)
