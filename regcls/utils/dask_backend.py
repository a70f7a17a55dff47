"""Train batches on the workers of a Dask scheduler, through joblib's Dask backend.

joblib waits forever for a scheduler that has gone. Therefore it runs in its own thread, while this
module monitors the connection.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from regcls.exceptions import UserError

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10  # timeout of the first connection
LOST_SECONDS = 10.0  # time without a scheduler or a worker after which they count as lost
POLL = 0.2  # seconds between two checks of the connection


class SchedulerLost(UserError):
    """The Dask scheduler or all its workers cannot be reached."""


def results(address: str, tasks: Iterable, stopping: threading.Event) -> Iterator[Any]:
    """Yield the results of joblib tasks as they finish.

    Parameters
    ----------
    address : str
        Address of the scheduler, such as "tcp://127.0.0.1:8786".
    tasks : iterable
        Tasks from ``joblib.delayed``.
    stopping : threading.Event
        Ends the iteration once it is set.

    Yields
    ------
    object
        Return value of a task.

    Raises
    ------
    SchedulerLost
        If the scheduler or all its workers cannot be reached, at the start or later. Exceptions of
        the tasks are raised as they are.
    """
    lost = f"the scheduler {address} or its workers cannot be reached any more"
    with _client(address) as client:
        arrived: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=_collect, args=(client, tasks, arrived), daemon=True).start()
        last_seen = time.monotonic()
        while not stopping.is_set():
            try:
                kind, value = arrived.get(timeout=POLL)
            except queue.Empty:
                if _has_workers(client):
                    last_seen = time.monotonic()
                elif time.monotonic() - last_seen > LOST_SECONDS:
                    raise SchedulerLost(lost) from None
                continue
            if kind == "end":
                return
            if kind == "error":
                if _is_dask_error(value) or not _has_workers(client):
                    raise SchedulerLost(lost) from value
                raise value
            yield value


def _collect(client: Client, tasks: Iterable, arrived: queue.SimpleQueue) -> None:
    """Put the outcome of each task into the queue, then the end or the error."""
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
def _client(address: str) -> Iterator[Client]:
    from distributed import Client
    from distributed.comm import get_address_host_port

    for name in ("distributed", "distributed.client"):
        # The errors of this module replace Dask's log messages.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        # Test the address with a socket first: a client without a scheduler logs long messages.
        host_and_port = get_address_host_port(address)
        socket.create_connection(host_and_port, timeout=CONNECT_SECONDS).close()
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise SchedulerLost(f"the scheduler {address} cannot be reached") from error
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # the scheduler may be gone already
            client.close(timeout=2)


def _has_workers(client: Client) -> bool:
    """Return whether the scheduler is connected and has a worker."""
    if client.status != "running":
        return False
    try:
        return bool(client.scheduler_info(n_workers=-1)["workers"])
    except (OSError, KeyError):
        return False


def _is_dask_error(error: BaseException) -> bool:
    """Return whether Dask or the connection failed, not the task."""
    from concurrent.futures import CancelledError

    known = isinstance(error, CancelledError | OSError | TimeoutError)
    return known or type(error).__module__.startswith(("distributed", "dask", "tornado"))
