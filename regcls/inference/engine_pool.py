"""Pool of costly objects shared by threads: created at first use, freed when unused."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass
class _Slot(Generic[Item]):
    creating: threading.Lock = field(default_factory=threading.Lock)
    item: Item | None = None
    users: int = 0
    last_used: float = 0.0


class Pool(Generic[Item]):
    """Thread-safe pool of items by key, with a capacity and an idle timeout.

    Items in use are never freed, even beyond the capacity.

    Parameters
    ----------
    capacity : int
        Beyond this number, the least recently used items are freed.
    idle_seconds : float
        An item is freed this long after its last use.
    clock : callable
        Current time in seconds.

    Examples
    --------
    >>> pool = Pool(capacity=2, idle_seconds=60.0)
    >>> with pool.borrow("a", lambda: [1, 2, 3]) as item:
    ...     sum(item)
    6
    >>> len(pool)
    1
    """

    def __init__(
        self,
        capacity: int,
        idle_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.capacity, self.idle_seconds = capacity, idle_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: OrderedDict[Hashable, _Slot[Item]] = OrderedDict()
        self._timer: threading.Timer | None = None

    def __len__(self) -> int:
        with self._lock:
            return sum(slot.item is not None for slot in self._slots.values())

    @contextlib.contextmanager
    def borrow(self, key: Hashable, create: Callable[[], Item]) -> Iterator[Item]:
        """Provide the item of a key within a ``with`` block, where it is not freed.

        If several threads need an item that does not exist, one creates it and the others wait.
        An exception raised by ``create`` is propagated, and the next call tries again.

        Parameters
        ----------
        key : hashable
            The key.
        create : callable
            Returns a new item.

        Yields
        ------
        object
            The item.
        """
        slot = self._acquire(key)
        try:
            with slot.creating:
                if slot.item is None:
                    slot.item = create()
            yield slot.item
        finally:
            self._release(key, slot)

    def discard(self, key: Hashable) -> None:
        """Free one item now, or at the end of its current use.

        Parameters
        ----------
        key : hashable
            Its key; may be unknown.
        """
        with self._lock:
            self._slots.pop(key, None)

    def clear(self) -> None:
        """Free all items that are not in use."""
        self._sweep(lambda slot: True)

    def sweep(self) -> None:
        """Free all items beyond their idle timeout; a timer calls this when one is due."""
        self._sweep(lambda slot: self._clock() - slot.last_used >= self.idle_seconds)

    def _acquire(self, key: Hashable) -> _Slot[Item]:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            slot.users += 1
            freed = self._over_capacity()
        del freed  # outside the lock, since freeing takes time
        return slot

    def _release(self, key: Hashable, slot: _Slot[Item]) -> None:
        with self._lock:
            slot.users -= 1
            slot.last_used = self._clock()
            if slot.item is None and not slot.users and self._slots.get(key) is slot:
                del self._slots[key]  # it could not be created
            freed = self._over_capacity()
            self._schedule_sweep()
        del freed

    def _over_capacity(self) -> list[_Slot[Item]]:
        surplus = len(self._slots) - self.capacity
        unused = [key for key, slot in self._slots.items() if not slot.users]
        return [self._slots.pop(key) for key in unused[: max(surplus, 0)]]

    def _sweep(self, due: Callable[[_Slot[Item]], bool]) -> None:
        with self._lock:
            keys = [k for k, slot in self._slots.items() if not slot.users and due(slot)]
            freed = [self._slots.pop(key) for key in keys]
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
            self._schedule_sweep()
        del freed

    def _schedule_sweep(self) -> None:
        """Start a timer for the longest idle item, so that it is freed without further calls."""
        waiting = [slot.last_used for slot in self._slots.values() if not slot.users]
        if waiting and self._timer is None:
            wait = max(min(waiting) + self.idle_seconds - self._clock(), 0.0)
            self._timer = threading.Timer(wait, self.sweep)
            self._timer.daemon = True
            self._timer.start()
