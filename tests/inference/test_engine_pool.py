"""regcls.inference.engine_pool: items are created once, freed when unused, never while in use."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from regcls.inference.engine_pool import Pool
from tests.helpers import waiting


class Thing:
    """An item whose end can be observed."""


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def use(pool: Pool, key: str) -> weakref.ref:
    with pool.borrow(key, Thing) as thing:
        return weakref.ref(thing)


def gone(watched: weakref.ref) -> bool:
    gc.collect()
    return watched() is None


def test_an_item_is_kept_until_its_idle_timeout() -> None:
    clock = Clock()
    pool: Pool[Thing] = Pool(4, 100.0, clock)
    first = use(pool, "a")
    clock.now = 60.0
    assert use(pool, "a")() is first() is not None
    clock.now = 159.0  # 99 s after its last use
    pool.sweep()
    assert not gone(first) and len(pool) == 1
    clock.now = 160.0
    pool.sweep()
    assert gone(first) and len(pool) == 0
    assert not gone(use(pool, "a")) and len(pool) == 1


def test_a_timer_frees_idle_items() -> None:
    pool: Pool[Thing] = Pool(4, 0.05)
    watched = use(pool, "a")
    waiting.until(lambda: gone(watched))
    assert len(pool) == 0


def test_beyond_the_capacity_the_least_recently_used_is_freed() -> None:
    pool: Pool[Thing] = Pool(2, 100.0)
    a, b = use(pool, "a"), use(pool, "b")
    use(pool, "a")
    c = use(pool, "c")
    assert (gone(a), gone(b), gone(c)) == (False, True, False)


def test_items_in_use_are_not_freed() -> None:
    clock = Clock()
    pool: Pool[Thing] = Pool(1, 100.0, clock)
    with pool.borrow("a", Thing) as a, pool.borrow("b", Thing) as b:
        clock.now = 1000.0
        pool.sweep()
        pool.clear()
        assert len(pool) == 2  # over the capacity, since both are in use
        with pool.borrow("a", Thing) as again:
            assert again is a
        kept = weakref.ref(b)
        pool.discard("b")
        assert not gone(kept)
        with pool.borrow("b", Thing) as other:
            assert other is not b
        del b, other
    assert gone(kept) and len(pool) == 1
    pool.clear()
    assert len(pool) == 0


def test_threads_that_borrow_at_once_create_one_item() -> None:
    pool: Pool[Thing] = Pool(4, 100.0)
    made, together = [], threading.Barrier(8)

    def make() -> Thing:
        waiting.until(lambda: pool._slots["a"].users == 8)
        made.append(Thing())
        return made[-1]

    def ask(_: int) -> Thing:
        together.wait()
        with pool.borrow("a", make) as thing:
            return thing

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(8)))
    assert len(made) == 1 and all(answer is made[0] for answer in answers)


def test_creating_one_item_does_not_block_others() -> None:
    pool: Pool[Thing] = Pool(4, 100.0)
    begun, proceed = threading.Event(), threading.Event()

    def slow() -> Thing:
        begun.set()
        assert proceed.wait(10)
        return Thing()

    def ask() -> None:
        with pool.borrow("slow", slow):
            pass

    thread = threading.Thread(target=ask)
    thread.start()
    assert begun.wait(10)
    assert use(pool, "quick") is not None and len(pool) == 1
    proceed.set()
    thread.join()
    assert len(pool) == 2


def test_a_failed_creation_is_tried_again() -> None:
    pool: Pool[Thing] = Pool(4, 100.0)

    def broken() -> Thing:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"), pool.borrow("a", broken):
            pass
    assert len(pool) == 0
    assert use(pool, "a") is not None and len(pool) == 1


def test_many_threads_many_keys() -> None:
    pool: Pool[str] = Pool(3, 0.001)

    def ask(number: int) -> bool:
        key = f"key {number % 7}"
        with pool.borrow(key, lambda: str(key)) as thing:
            return thing == key

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(2000)))
    assert len(pool) <= 3
