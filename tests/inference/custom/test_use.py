"""Models that somebody brought, once they are in use: what a trial did not show harms nobody."""

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
    """A file without a card, completed as its form guesses or ``more`` says, in use."""
    found = inspect.examine(data, "mine.onnx")
    done = wrap.complete(found, replace(found.form, scaling="0 to 1", **more))
    return inference_session.own_session(done.data, "mine")


@pytest.fixture(scope="module")
def pair() -> Pair:
    return predict.load()


@pytest.fixture(scope="module")
def crops(pair) -> np.ndarray:
    """Grey faces, as the pair sees them."""
    return pairs.resized(hostile.grey(), (pair.reg.card.input["height"],) * 2)


FAILING = {
    "nan": (hostile.late_nan, "answered with NaN"),
    "memory": (hostile.late_greedy, "needs more memory"),
}


@pytest.mark.parametrize(("make", "words"), FAILING.values(), ids=FAILING.keys())
def test_one_that_fails_later_says_so_and_the_pair_goes_on(make, words, pair, crops):
    mine = session(make())
    assert mine.run(np.zeros_like(hostile.grey()))[0].shape == (1,)
    with pytest.raises(contract.ContractError, match=words):
        mine.run(hostile.grey())
    brought = replace(pair, extra={"own reg": mine})
    faces, times = predict.ask(crops, brought)
    assert set(faces[0].estimates) == set(times) == {"reg", "reg+cls"}
    assert mine.problem.startswith("own reg answers no more: mine") and words in mine.problem
    assert mine.problem.endswith(".") and set(pairs.sessions(brought)) == set(pairs.MODELS)


def test_all_that_people_brought_share_one_limit():
    """Half as much again as all may have, in one piece, is not given; a tenth is."""
    small, large = (session(hostile.late_greedy(gb)) for gb in (1, 3))
    assert small.run(hostile.grey())[0].shape == (1,)
    with pytest.raises(contract.ContractError, match="needs more memory"):
        large.run(hostile.grey())
    assert small.run(hostile.grey())[0].shape == (1,), "what one took is given back"


@pytest.mark.parametrize(
    ("task", "sample", "unit"),
    [
        ("age", "Eileen Collins", "years"),
        ("depth", "A lobby", "metres"),
        ("progress", "Can picked up", "percent"),
    ],
)
def test_its_page_says_what_failed_and_the_pair_stays(task, sample, unit):
    mine = session(hostile.fussy(as_map=task == "depth"), task=task, unit=unit)
    page = opened(task)
    page.session_state["own_models"] = {task: {"own reg": mine}}
    click(ran(page.run()), sample)
    settled(page) if task == "progress" else ran(page.run())
    (warning,) = page.warning
    assert warning.value.startswith("own reg answers no more: mine answered with NaN")
    table = page.dataframe[0].value
    assert not [name for name in table if name.startswith("own")]
    assert table.filter(like="reg").notna().any(axis=None)
