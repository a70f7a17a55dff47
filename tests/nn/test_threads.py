"""Pools of threads that run on one core each leave the threads elsewhere alone."""

from __future__ import annotations

import threading

import torch

from regcls.nn.threads import one_core_pool


def test_threads_started_later_keep_the_number_of_threads():
    before, found = torch.get_num_threads(), {}
    with one_core_pool(3, "test") as pool:
        assert set(pool.map(lambda _: torch.get_num_threads(), range(12))) == {1}
        later = threading.Thread(target=lambda: found.update(later=torch.get_num_threads()))
        later.start()
        later.join()
    assert found["later"] == torch.get_num_threads() == before
