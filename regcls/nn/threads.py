"""Threads that each run their linear algebra on one core."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import torch

_starting = threading.Lock()


def one_core_pool(workers: int, name: str) -> ThreadPoolExecutor:
    """Return a pool of threads whose products run single-threaded.

    Small products gain nothing from more threads, and another number of threads rounds differently.
    Threads that are started later elsewhere keep torch's number of threads: torch makes the number
    that any thread sets the default of all later ones, so it is put back.

    Parameters
    ----------
    workers : int
        Number of threads; all are started at once.
    name : str
        Start of the threads' names.

    Returns
    -------
    ThreadPoolExecutor

    Examples
    --------
    >>> before = torch.get_num_threads()
    >>> with one_core_pool(2, "demo") as pool:
    ...     inside = pool.submit(torch.get_num_threads).result()
    >>> inside, torch.get_num_threads() == before
    (1, True)
    """
    with _starting:
        before, started = torch.get_num_threads(), threading.Barrier(workers)

        def start() -> None:
            use_one_core()
            started.wait()

        pool = ThreadPoolExecutor(workers, name, initializer=start)
        list(pool.map(lambda _: None, range(workers)))
        torch.set_num_threads(before)
        return pool


def use_one_core() -> None:
    """Run this thread's products, and those of threads started later, single-threaded."""
    from threadpoolctl import threadpool_limits

    # The first call initialises torch's threading, which would undo a setting made before it.
    torch.get_num_threads()
    torch.set_num_threads(1)
    threadpool_limits(1, user_api="openmp")
