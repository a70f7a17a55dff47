"""Background jobs: progress, failure, cancellation, and the end of jobs that nobody waits for."""

from __future__ import annotations

import math
import threading

from regcls.exceptions import UserError
from regcls.utils.background import ABANDONED, CANCELLED, DONE, FAILED, BackgroundJob
from tests.helpers.waiting import until


def test_a_job_reports_its_progress_and_ends():
    go, reported = threading.Event(), threading.Event()

    def target(job: BackgroundJob) -> None:
        job.report(0.5)
        reported.set()
        assert go.wait(10)

    job = BackgroundJob(target)
    assert reported.wait(10) and job.share == 0.5 and job.active and job.seconds_left is not None
    go.set()
    assert job.wait(10) and job.state == DONE and job.share == 1.0


def test_a_failed_job_has_a_problem_in_one_sentence():
    def refused(job: BackgroundJob) -> None:
        raise UserError("the file is empty")

    def broken(job: BackgroundJob) -> None:
        raise KeyError("secret")

    first, second = BackgroundJob(refused), BackgroundJob(broken)
    assert first.wait(10) and first.state == FAILED and first.problem == "The file is empty."
    assert second.wait(10) and "secret" not in second.problem
    assert isinstance(second.error, KeyError)


def test_a_job_is_abandoned_when_nobody_waits_for_it():
    now = [0.0]

    def target(job: BackgroundJob) -> None:
        until(job.stopped)

    job = BackgroundJob(target, present=lambda: False, clock=lambda: now[0])
    now[0] = 4.0
    assert not job.stopped()  # a connection may be interrupted for a moment
    now[0] = 6.0
    assert job.wait(10) and job.state == ABANDONED
    kept = BackgroundJob(target, clock=lambda: now[0])
    now[0] += 80.0
    kept.keep_alive()
    now[0] += 80.0
    assert not kept.stopped()
    kept.cancel()
    assert kept.wait(10) and kept.state == CANCELLED


def test_a_job_without_a_time_limit_is_kept():
    now = [0.0]
    job = BackgroundJob(lambda job: until(job.stopped), away_seconds=math.inf, clock=lambda: now[0])
    now[0] = 1e9
    assert not job.stopped()
    job.cancel()
    assert job.wait(10) and job.state == CANCELLED


def test_jobs_with_one_turn_run_one_after_another():
    turn, order, go = threading.Lock(), [], threading.Event()

    def first(job: BackgroundJob) -> None:
        assert go.wait(10)
        order.append("first")

    turn.acquire()
    waiting = BackgroundJob(first, turn)
    assert waiting.active and waiting.seconds_left is None
    turn.release()
    until(turn.locked)
    second = BackgroundJob(lambda job: order.append("second"), turn)
    go.set()
    assert waiting.wait(10) and second.wait(10)
    assert order == ["first", "second"]
