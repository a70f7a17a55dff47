"""Frames a second of the shipped pairs: ONNX against eager torch, with and without decoding.

    python benchmarks/inference.py [--models models] [--task age …] [--quick] [--batches] [--json]
    python benchmarks/inference.py --stream 10000 [--task progress]

Images: each model alone, infer only. Photos and video: both models of a pair, end to end (decode,
resize, infer; a video's frames are decoded while the models run) and infer only; the video is
640×480 H.264, every frame used. The torch side is the network the files were made from, freshly
built: eval mode, ``inference_mode``, as many threads as ONNX Runtime; once as people write it
(contiguous tensors) and, for images, once in channels_last. Where a GPU works, images run on it as
well. All ways of a row take turns; rates are medians with quartiles over the turns.

``--stream`` reads a video of that many frames through a pair in a process of its own and says by
how much its memory peaked above that of a process that has the libraries loaded and does nothing.

Measure on an idle machine: beside another busy process eager torch's threads wait for one another
and it can slow down a hundredfold, which says nothing about the models. How busy the machine was
before the start is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import inference_ways as ways
import numpy as np
import psutil
import torch

from regcls.inference import session
from regcls.inference.contract import ContractError
from regcls.tasks import pairs

ROOT = Path(__file__).resolve().parent.parent
TASKS = ("age", "depth", "progress")
BATCHES = (1, 8, 32)
SWEEP = (1, 2, 4, 8, 16, 32)
FRAMES = {"age": 320, "depth": 64, "progress": 320}  # of the video, by task
LEAST = {"age": 3.0, "depth": 1.5, "progress": 3.0}  # the bar for ONNX against torch, by task
SHARE = 0.6  # the bar for a video end to end against infer only
LEAST_TURNS = 3


@dataclass(frozen=True)
class Rate:
    """Frames a second: the middle of ``turns`` turns, and the quartiles."""

    median: float
    low: float
    high: float
    turns: int

    def __str__(self) -> str:
        return f"{self.median:7.1f} [{self.low:.1f}, {self.high:.1f}]"


@torch.inference_mode()
def rates(calls: Mapping[str, ways.Way], frames: int, seconds: float) -> dict[str, Rate]:
    """Frames a second of each way: they take turns of at least 0.1 s until the time is over."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(spent.values()))) < LEAST_TURNS:
        for name, call in calls.items():
            spent[name].append(_turn(call))
    return {
        name: Rate(*map(float, frames / np.quantile(times, [0.5, 0.75, 0.25])), len(times))
        for name, times in spent.items()
    }


def _turn(call: ways.Way) -> float:
    """Seconds a call, over 0.1 s of them; short ones warm the cache first."""
    started = time.perf_counter()
    call()
    first = time.perf_counter() - started
    if first > 0.1:
        return first
    calls, started = 0, time.perf_counter()
    while time.perf_counter() < started + 0.1:
        call()
        calls += 1
    return (time.perf_counter() - started) / calls


def image_rows(task: str, root: Path, seconds: float) -> Iterator[dict]:
    for variant, name in ways.FILES.items():
        for batch in BATCHES:
            found = rates(ways.image_ways(root / task / name, batch), batch, seconds)
            yield _row(task, f"{variant}, batches of {batch}", found, bar=LEAST[task])


def pair_rows(task: str, root: Path, seconds: float, clip: Path) -> Iterator[dict]:
    pair = pairs.load_pair(task, root)
    found = rates(ways.photo_ways(pair), ways.TORCH_BATCH, seconds)
    yield _row(task, "photos, both models", found)
    frames = FRAMES[task]
    found = rates(ways.video_ways(pair, ways.write_clip(clip, frames), frames), frames, seconds)
    yield _row(task, "video, both models", found, bar=LEAST[task])


def _row(task: str, what: str, found: dict[str, Rate], bar: float | None = None) -> dict:
    """A row of the table, with ratios of medians; ``bar``: the least for ONNX against torch."""
    end_to_end = "onnx, end to end" in found
    onnx, other = ("onnx, infer only", "torch, infer only") if end_to_end else ("onnx", "torch")
    row: dict = {"task": task, "what": what, "rates": found, "bars": {}}
    row["onnx to torch"] = found[onnx].median / found[other].median
    if bar:
        row["bars"]["onnx to torch"] = row["onnx to torch"] >= bar
    if end_to_end:
        row["end to end to infer only"] = found["onnx, end to end"].median / found[onnx].median
        if "video" in what:
            row["bars"]["end to end to infer only"] = row["end to end to infer only"] >= SHARE
    for name in ("torch channels_last", "onnx on the GPU"):
        if name in found:
            row[f"onnx to {name}"] = found["onnx"].median / found[name].median
    return row


def show(row: dict) -> None:
    print(f"{row['task']}, {row['what']} (frames/s, median [quartiles])")
    for name, rate in row["rates"].items():
        print(f"    {name:20} {rate}")
    for name in [key for key in row if " to " in key]:
        bar = {True: ", bar met", False: ", BAR MISSED", None: ""}[row["bars"].get(name)]
        print(f"    {name}: {row[name]:.2f}{bar}", flush=True)


def sweep(task: str, root: Path, seconds: float) -> dict:
    """How fast batches of several sizes are, reg alone."""
    found = rates(ways.batch_ways(root / task / ways.FILES["reg"], SWEEP), max(SWEEP), seconds)
    print(f"{task}, reg, by batch size (frames/s, median [quartiles])")
    for batch, rate in found.items():
        print(f"    {batch:3} at once {rate}", flush=True)
    return {"task": task, "what": "batch sizes", "rates": found}


STREAM = """if True:
    import sys, time, psutil
    from regcls import runtime, video
    task, root, clip, frames = sys.argv[1:]
    import onnx, onnxruntime, pandas
    process = psutil.Process()
    idle = peak = process.memory_info().rss
    pair = runtime.load_pair(task, root)
    size = (pair.reg.card.input["height"], pair.reg.card.input["width"])
    started, seen = time.perf_counter(), 0
    for batch in video.overlapped(video.sampled(video.open_video(clip, "clip"), int(frames), size)):
        runtime.run_pair(pair, batch.frames)
        seen += len(batch.frames)
        peak = max(peak, process.memory_info().rss)
    print(seen, peak - idle, time.perf_counter() - started)
"""


def stream(task: str, root: Path, frames: int, clip: Path) -> dict:
    """Peak memory above idle of a pair that reads a long video."""
    command = [sys.executable, "-c", STREAM, task, str(root), str(ways.write_clip(clip, frames))]
    done = subprocess.run([*command, str(frames)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ContractError(done.stderr.strip().splitlines()[-1])
    seen, above, seconds = map(float, done.stdout.split())
    print(
        f"{task}, a video of {seen:.0f} frames: {above / 1e6:.0f} MB above idle at most, "
        f"{seen / seconds:.1f} frames/s",
        flush=True,
    )
    return {"task": task, "what": "stream", "frames": seen, "bytes": above, "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of the pairs")
    parser.add_argument("--task", action="append", choices=TASKS, help="may be repeated; else all")
    parser.add_argument("--quick", action="store_true", help="a second a row at least, not 15")
    parser.add_argument("--batches", action="store_true", help="only: which batch size is fastest")
    parser.add_argument("--stream", type=int, metavar="FRAMES", help="only: memory of a long video")
    parser.add_argument("--json", action="store_true", help="last line: one JSON object")
    args = parser.parse_args()
    os.environ[session.OVERRIDE] = "cpu"
    torch.set_num_threads(session.threads())
    busy = psutil.cpu_percent(1.0)
    print(f"{session.threads()} threads; the machine was {busy:.0f} % busy before the start")
    if busy > 20:
        print("That is too busy: these ratios will not hold.")
    seconds = 1.0 if args.quick else 15.0
    tasks = args.task or [task for task in TASKS if (args.models / task).is_dir()]
    rows: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        for task in tasks:
            if args.stream:
                rows.append(stream(task, args.models, args.stream, clip))
            elif args.batches:
                rows.append(sweep(task, args.models, seconds))
            else:
                for row in chain(
                    image_rows(task, args.models, seconds),
                    pair_rows(task, args.models, seconds, clip),
                ):
                    show(row)
                    rows.append(row)
    if args.json:
        print(
            json.dumps({"threads": session.threads(), "busy": busy, "rows": rows}, default=_plain)
        )


def _plain(value: object) -> object:
    """For JSON: rates as objects."""
    return asdict(value) if isinstance(value, Rate) else float(value)


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(str(error))
