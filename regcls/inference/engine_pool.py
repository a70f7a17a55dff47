"""Costly things that many threads share: made once at first use, freed when nobody has used them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


@dataclass
class _Slot(Generic[Thing]):
    making: threading.Lock = field(default_factory=threading.Lock)
    thing: Thing | None = None
    users: int = 0
    last_used: float = 0.0


class Pool(Generic[Thing]):
    """Things by key. Beyond ``most`` the least recently used ones go, and each goes ``idle``
    seconds after its last use, but none while it is lent. All methods may be called from any
    thread."""

    def __init__(self, most: int, idle: float, clock: Callable[[], float] = time.monotonic):
        self.most, self.idle = most, idle
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: OrderedDict[Hashable, _Slot[Thing]] = OrderedDict()
        self._timer: threading.Timer | None = None

    def __len__(self) -> int:
        with self._lock:
            return sum(slot.thing is not None for slot in self._slots.values())

    @contextlib.contextmanager
    def lent(self, key: Hashable, make: Callable[[], Thing]) -> Iterator[Thing]:
        """The thing of ``key`` for the time of a ``with`` block. Of several threads that ask at
        once for one that is not there, one calls ``make`` and the others wait for it; what
        ``make`` raises is raised, and the next one to ask tries again."""
        slot = self._taken(key)
        try:
            with slot.making:
                if slot.thing is None:
                    slot.thing = make()
            yield slot.thing
        finally:
            self._given_back(key, slot)

    def discard(self, key: Hashable) -> None:
        """Free one thing now, or as soon as it is given back."""
        with self._lock:
            self._slots.pop(key, None)

    def clear(self) -> None:
        """Free all that is not lent, now."""
        self._sweep(lambda slot: True)

    def sweep(self) -> None:
        """Free what has been idle for too long; a timer calls this when there is cause."""
        self._sweep(lambda slot: self._clock() - slot.last_used >= self.idle)

    def _taken(self, key: Hashable) -> _Slot[Thing]:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            slot.users += 1
            freed = self._over_cap()
        del freed  # here, outside the lock: freeing takes time
        return slot

    def _given_back(self, key: Hashable, slot: _Slot[Thing]) -> None:
        with self._lock:
            slot.users -= 1
            slot.last_used = self._clock()
            if slot.thing is None and not slot.users and self._slots.get(key) is slot:
                del self._slots[key]  # could not be made
            freed = self._over_cap()
            self._arrange_sweep()
        del freed

    def _over_cap(self) -> list[_Slot[Thing]]:
        surplus = len(self._slots) - self.most
        unused = [key for key, slot in self._slots.items() if not slot.users]
        return [self._slots.pop(key) for key in unused[: max(surplus, 0)]]

    def _sweep(self, due: Callable[[_Slot[Thing]], bool]) -> None:
        with self._lock:
            keys = [k for k, slot in self._slots.items() if not slot.users and due(slot)]
            freed = [self._slots.pop(key) for key in keys]
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
            self._arrange_sweep()
        del freed

    def _arrange_sweep(self) -> None:
        """See to it that the thing idle longest is freed in time though nobody asks for another."""
        waiting = [slot.last_used for slot in self._slots.values() if not slot.users]
        if waiting and self._timer is None:
            wait = max(min(waiting) + self.idle - self._clock(), 0.0)
            self._timer = threading.Timer(wait, self.sweep)
            self._timer.daemon = True
            self._timer.start()
