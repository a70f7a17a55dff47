"""Prefetch the items of an iterable in a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def prefetch(items: Iterable[Item], ahead: int = 2) -> Iterator[Item]:
    """Iterate over items while a thread produces the next ones.

    An exception in the iterable is raised here. Closing the iterator ends the thread.

    Parameters
    ----------
    items : iterable
        The source.
    ahead : int
        Maximum number of items produced in advance.

    Yields
    ------
    object
        The same items in the same order.

    Examples
    --------
    >>> list(prefetch(range(3)))
    [0, 1, 2]
    """
    ready: queue.Queue[tuple[str, Item | None, BaseException | None]] = queue.Queue(max(1, ahead))
    closed = threading.Event()

    def put(kind: str, item: Item | None = None, error: BaseException | None = None) -> bool:
        while not closed.is_set():
            try:
                ready.put((kind, item, error), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def produce() -> None:
        try:
            for item in items:
                if not put("item", item):
                    break
            put("end")
        except BaseException as error:  # raised in the thread that iterates
            put("error", error=error)
        finally:
            if hasattr(items, "close"):
                items.close()

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        while True:
            kind, item, error = ready.get()
            if kind == "end":
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]  # an "item" entry always has one
    finally:
        closed.set()
        thread.join()
