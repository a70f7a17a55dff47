"""Work that goes on behind a page: it tells how far it is, and ends when nobody waits for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from regcls.inference.contract import ContractError
from regcls.io.images import MediaError

# A browser asks a tab in the background for news only once a minute, and that tab is still there.
AWAY_SECONDS = 90.0
CLOSED_SECONDS = 5.0  # for a tab that is closed; a connection that fails for a moment comes back
WAITING, WORKING, DONE = "waiting", "working", "done"
CANCELLED, LEFT, FAILED = "cancelled", "left", "failed"
_log = logging.getLogger(__name__)


class BackgroundJob:
    """``do(work)`` in a thread of its own, started at once.

    ``do`` tells how far it is (``tell``) and gives up where ``stopped()``; a ``MediaError`` or
    ``ContractError`` of it becomes the ``problem``, a sentence. Works with one ``turn`` go one
    after another. Whoever waits says so with ``seen()`` now and then; ``present()`` is false when
    that person has closed the page.
    """

    def __init__(
        self,
        do: Callable[[BackgroundJob], None],
        turn: threading.Lock | None = None,
        present: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.done = 0.0  # share, 0 to 1
        self.problem: str | None = None
        self._do, self._turn, self._present, self._clock = do, turn, present, clock
        self._state = WAITING
        self._last_seen, self._began = clock(), clock()
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def state(self) -> str:
        """One of the six; a cancelled work says so before its thread has ended."""
        return CANCELLED if self._cancelled.is_set() else self._state

    @property
    def active(self) -> bool:
        return self.state in (WAITING, WORKING)

    @property
    def seconds_left(self) -> float | None:
        """As the share done so far suggests; None while that is too little to tell."""
        if self.state != WORKING or self.done < 0.02:
            return None
        return (self._clock() - self._began) * (1 - self.done) / self.done

    def tell(self, done: float) -> None:
        self.done = min(max(float(done), self.done), 1.0)

    def seen(self) -> None:
        """Somebody still waits for this."""
        self._last_seen = self._clock()

    def cancel(self) -> None:
        """End it soon; what it has made so far is kept. Does nothing to one that has ended."""
        if self.active:
            self._cancelled.set()

    def stopped(self) -> bool:
        """Whether to give up: it was cancelled, or whoever waited has left."""
        away = self._clock() - self._last_seen
        if away > AWAY_SECONDS or (away > CLOSED_SECONDS and not self._present()):
            self._state = LEFT
        return self._cancelled.is_set() or self._state == LEFT

    def wait(self, seconds: float | None = None) -> bool:
        """Until its thread has ended; whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        if self._turn is None:
            self._work()
        else:
            with self._turn:
                self._work()

    def _work(self) -> None:
        if self.stopped():
            return
        self._began, self._state = self._clock(), WORKING
        try:
            self._do(self)
        except (MediaError, ContractError) as error:
            self._failed(str(error))
        except Exception:  # else the thread would end without a word, and the page would wait
            _log.exception("work behind a page failed")
            self._failed("This could not be finished; try again, or with another file.")
        else:
            if not self.stopped():
                self.done, self._state = 1.0, DONE

    def _failed(self, problem: str) -> None:
        self.problem, self._state = problem[:1].upper() + problem[1:], FAILED
