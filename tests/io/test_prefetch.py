"""regcls.io.prefetch: order, errors, and the end of the thread."""

from __future__ import annotations

import threading

import pytest

from regcls.io.prefetch import prefetch


def test_items_keep_their_order_and_errors_are_raised():
    def items():
        yield from range(5)
        raise ValueError("the source broke")

    seen = []
    with pytest.raises(ValueError, match="the source broke"):
        for item in prefetch(items()):
            seen.append(item)
    assert seen == [0, 1, 2, 3, 4]


def test_items_are_produced_while_the_consumer_is_busy():
    begun = threading.Event()

    def items():
        yield 1
        begun.set()
        yield 2

    stream = prefetch(items(), ahead=1)
    assert next(stream) == 1
    assert begun.wait(5)
    assert list(stream) == [2]


def test_closing_the_iterator_ends_its_thread():
    closed = threading.Event()

    def items():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    stream = prefetch(items())
    next(stream)
    stream.close()
    assert closed.is_set()
