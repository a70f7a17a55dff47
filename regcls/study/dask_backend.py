"""joblib's Dask backend for the study: batches to the workers of a scheduler, results back.

joblib waits without end for a scheduler that is gone. So it runs in a thread of its own, and this
module watches the connection.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from regcls.exceptions import UserError

CONNECT_SECONDS = 10
LOST_SECONDS = 10.0  # how long there may be no scheduler, or no worker
POLL = 0.2


class SchedulerLost(UserError):
    """The Dask scheduler, or all of its workers, cannot be reached (any more)."""


def results(address: str, tasks: Iterable, stopping: threading.Event) -> Iterator[Any]:
    """What joblib's ``tasks`` return, as they finish; ends early once ``stopping`` is set.

    Raises ``SchedulerLost``, also when it is lost half-way, and what the tasks raise.
    """
    gone = f"the scheduler {address} or its workers are gone"
    with _client(address) as client:
        arrived: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=_collect, args=(client, tasks, arrived), daemon=True).start()
        well = time.monotonic()
        while not stopping.is_set():
            try:
                kind, value = arrived.get(timeout=POLL)
            except queue.Empty:
                if _works(client):
                    well = time.monotonic()
                elif time.monotonic() - well > LOST_SECONDS:
                    raise SchedulerLost(gone) from None
                continue
            if kind == "end":
                return
            if kind == "error":
                if _of_dask(value) or not _works(client):
                    raise SchedulerLost(gone) from value
                raise value
            yield value


def _collect(client, tasks: Iterable, arrived: queue.SimpleQueue) -> None:
    from joblib import Parallel, parallel_config

    try:
        with parallel_config(backend="dask", client=client):
            parallel = Parallel(
                n_jobs=-1,
                pre_dispatch="n_jobs+1",
                batch_size=1,
                return_as="generator_unordered",
            )
            for value in parallel(tasks):
                arrived.put(("result", value))
        arrived.put(("end", None))
    except BaseException as error:
        arrived.put(("error", error))


@contextlib.contextmanager
def _client(address: str) -> Iterator:
    from distributed import Client
    from distributed.comm import get_address_host_port

    for name in ("distributed", "distributed.client"):
        # The sentences of this module say what a person needs.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        # A client that finds nobody complains at length; a socket does not.
        place = get_address_host_port(address)
        socket.create_connection(place, timeout=CONNECT_SECONDS).close()
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise SchedulerLost(f"the scheduler {address} cannot be reached") from error
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # it may be gone, which is no news here
            client.close(timeout=2)


def _works(client) -> bool:
    """Whether there is a connection, and a worker at its end."""
    if client.status != "running":
        return False
    try:
        return bool(client.scheduler_info(n_workers=-1)["workers"])
    except (OSError, KeyError):
        return False


def _of_dask(error: BaseException) -> bool:
    """Whether Dask or the connection failed, not the task."""
    from concurrent.futures import CancelledError

    known = isinstance(error, CancelledError | OSError | TimeoutError)
    return known or type(error).__module__.startswith(("distributed", "dask", "tornado"))
