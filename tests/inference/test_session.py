"""regcls.inference.session, and pairs of sessions, on a tiny model with known predictions."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from regcls.inference import batch as inference_batch
from regcls.inference import providers
from regcls.inference import session as inference_session
from regcls.inference.contract import ContractError
from tests.helpers import fake_pair

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return fake_pair.make_model(tmp_path / "regcls.onnx", "reg+cls")


@pytest.fixture
def images() -> np.ndarray:
    size = (7, fake_pair.SIDE, fake_pair.SIDE, 3)
    return np.random.default_rng(0).integers(0, 256, size, np.uint8)


@pytest.mark.parametrize("batch", [1, 3, 7, 100])
def test_predictions_do_not_depend_on_the_batch_size(
    path: Path, images: np.ndarray, batch: int
) -> None:
    value, logits = inference_session.session(path).run(images, batch)
    expected = images.mean(axis=(1, 2, 3)) * 100 / 255
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    centres = np.arange(12) * 10.0 + 5.0
    np.testing.assert_allclose(
        logits, -np.abs(expected[:, None] - centres) / 5, rtol=1e-4, atol=1e-4
    )
    assert inference_session.session(path).seconds_per_image > 0


def test_no_images_and_views(path: Path, images: np.ndarray) -> None:
    session = inference_session.session(path)
    value, logits = session.run(images[:0])
    assert value.shape == (0,) and logits.shape == (0, 12)
    np.testing.assert_allclose(
        session.run(images[::2, :, ::-1])[0], session.run(images[::2])[0], rtol=1e-5
    )


def test_reg_has_no_logits(tmp_path: Path, images: np.ndarray) -> None:
    assert (
        inference_session.session(fake_pair.make_model(tmp_path / "reg.onnx")).run(images)[1]
        is None
    )


def test_invalid_images(path: Path, images: np.ndarray) -> None:
    session = inference_session.session(path)
    with pytest.raises(ValueError, match="uint8"):
        session.run(images.astype(np.float32))
    for wrong in (images[0], images[:, :64], images[..., :1]):
        with pytest.raises(ValueError, match=r"\(N, 96, 96, 3\)"):
            session.run(wrong)
    with pytest.raises(ValueError, match="batch"):
        session.run(images, 0)


def test_sessions_are_shared_until_the_file_changes(path: Path) -> None:
    first = inference_session.session(path)
    assert inference_session.session(str(path)) is first
    fake_pair.make_model(path, "reg+cls", licence="another, longer licence")
    second = inference_session.session(path)
    assert second is not first and second.card.licence == "another, longer licence"


def engine_of(session: inference_session.Session) -> weakref.ref:
    with session.engine() as engine:
        return weakref.ref(engine.session)


def gone(watched: weakref.ref) -> bool:
    gc.collect()
    return watched() is None


def test_unused_engines_are_freed_and_created_again(path: Path, images: np.ndarray) -> None:
    session = inference_session.session(path)
    before, engine = session.run(images)[0], engine_of(session)
    assert not gone(engine)
    with session.engine():
        inference_session.ENGINES.clear()
        assert not gone(engine)  # not while in use
    inference_session.ENGINES.clear()
    assert gone(engine) and session.provider == providers.provider()
    np.testing.assert_array_equal(session.run(images)[0], before)
    assert inference_session.session(path) is session and not gone(engine_of(session))


def test_the_memory_of_an_idle_engine_is_released() -> None:
    code = """if True:
        import gc, numpy as np, psutil
        from regcls.inference import session
        from regcls.tasks import pairs
        mine = psutil.Process().memory_info
        pair = pairs.load_pair("age")
        images = np.zeros((128, *[pair.reg.card.input[k] for k in ("height", "width")], 3), np.uint8)
        pairs.run_pair(pair, images[:1])
        little = mine().rss
        pairs.run_pair(pair, images, batch=128)
        much = mine().rss
        session.ENGINES.clear()
        gc.collect()
        print(much - little, much - mine().rss)
    """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    taken, freed = map(int, done.stdout.split())
    assert taken > 100_000_000 and freed > 0.8 * taken


def test_threads_that_run_at_once_create_one_engine(
    path: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    make = providers.make_engine
    monkeypatch.setattr(providers, "make_engine", lambda *args: made.append(args) or make(*args))
    together = threading.Barrier(8)

    def ask(_: int) -> np.ndarray:
        together.wait()
        return inference_session.session(path).run(images)[0]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert len(made) == 1 and all(np.array_equal(a, answers[0]) for a in answers)


def test_batches_of_shipped_models_take_turns(
    path: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most = [0], [0]
    run_batch = inference_batch.run_batch

    def counted(*args):
        running[0] += 1
        most[0] = max(most[0], running[0])
        try:
            return run_batch(*args)
        finally:
            running[0] -= 1

    monkeypatch.setattr(inference_batch, "run_batch", counted)
    monkeypatch.setattr(inference_session, "_turns", threading.BoundedSemaphore(1))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: inference_session.session(path).run(images, 2), range(16)))
    assert most[0] == 1


def test_a_file_that_was_replaced_is_not_run_under_the_old_card(
    path: Path, images: np.ndarray
) -> None:
    old = inference_session.session(path)
    old.run(images)
    fake_pair.make_model(path, "reg+cls", licence="another, longer licence")
    inference_session.session(path).run(images)
    with pytest.raises(ContractError, match=r"regcls\.onnx was replaced"):
        old.run(images)


def test_an_own_session_is_not_shared_and_freed_with_its_owner(
    path: Path, images: np.ndarray
) -> None:
    data = path.read_bytes()
    mine, yours = (inference_session.own_session(data, "mine.onnx") for _ in range(2))
    assert mine.card == yours.card and mine.path is None
    np.testing.assert_allclose(mine.run(images)[0], inference_session.session(path).run(images)[0])
    engine, other = engine_of(mine), engine_of(yours)
    assert engine() is not other()
    del mine
    assert gone(engine) and not gone(other)
    with pytest.raises(ContractError, match="mine"):
        inference_session.own_session(data[:100], "mine.onnx")


def test_many_threads_get_the_same_predictions(path: Path, images: np.ndarray) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: inference_session.session(path).run(images, 2)[0], range(32))
        )
    assert all(np.array_equal(answer, answers[0]) for answer in answers)


def test_a_file_that_violates_the_contract_has_no_session(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ContractError, match="incomplete"):
        inference_session.session(path)
    with pytest.raises(ContractError, match="no file"):
        inference_session.session(path.with_name("none.onnx"))


def test_the_provider_is_the_one_in_use(path: Path) -> None:
    session = inference_session.session(path)
    found = session.provider
    assert found == providers.provider()
    assert found.name in ("CPU", "CUDA") and found.why.endswith(".") and "\n" not in found.why


def test_onnxruntime_is_imported_at_the_first_run_only(tmp_path: Path) -> None:
    fake_pair.make_pair(tmp_path)
    code = (
        "import sys, numpy as np; from regcls.tasks import pairs;"
        f"pair = pairs.load_pair('age', {str(tmp_path)!r});"
        "assert 'onnxruntime' not in sys.modules and 'torch' not in sys.modules;"
        "pair.reg.run(np.zeros((1, 96, 96, 3), np.uint8)); assert 'onnxruntime' in sys.modules;"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
