"""Throughput of the shipped pairs: ONNX Runtime against eager PyTorch, with and without decoding.

    python benchmarks/inference.py [--models models] [--task age …] [--quick] [--batches] [--json]
    python benchmarks/inference.py --stream 10000 [--task progress]

Images: each model by itself, inference only. Photos and video: both models of a pair, end to end
(decode, resize, infer; the frames of a video are decoded while the models run) and inference only;
the video is 640 × 480 H.264, and every frame is used. The PyTorch side is the network from which
the files were exported, newly built: eval mode, ``inference_mode``, as many threads as ONNX Runtime;
with contiguous tensors and, for images, also with channels_last. Where a GPU works, images run on
it as well. All variants of a row take turns; rates are medians with quartiles over the turns.

``--stream`` runs a video of that many frames through a pair in a separate process and reports by how
much its peak memory exceeds that of a process that has only loaded the libraries.

Measure on an idle machine. Beside another busy process, the threads of eager PyTorch wait for one
another, which can slow it down a hundredfold and makes the ratios meaningless. The load of the
machine before the start is printed.
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

from regcls.exceptions import UserError
from regcls.inference import providers
from regcls.inference.contract import TASKS
from regcls.inference.provider_options import VARIABLE
from regcls.tasks import pairs

ROOT = Path(__file__).resolve().parent.parent
BATCHES = (1, 8, 32)
SWEEP = (1, 2, 4, 8, 16, 32)
FRAMES = {"age": 320, "depth": 64, "progress": 320}  # of the video, by task
MIN_SPEEDUP = {"age": 3.0, "depth": 1.5, "progress": 3.0}  # of ONNX over torch, by task
MIN_SHARE = 0.6  # of the inference rate that a video reaches end to end
MIN_TURNS = 3


@dataclass(frozen=True)
class Rate:
    """Frames per second: median and quartiles over a number of turns."""

    median: float
    low: float
    high: float
    turns: int

    def __str__(self) -> str:
        return f"{self.median:7.1f} [{self.low:.1f}, {self.high:.1f}]"


@torch.inference_mode()
def rates(calls: Mapping[str, ways.Way], frames: int, seconds: float) -> dict[str, Rate]:
    """Frames per second of each variant; they take turns of at least 0.1 s until the time is up."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(spent.values()))) < MIN_TURNS:
        for name, call in calls.items():
            spent[name].append(_turn(call))
    return {
        name: Rate(*map(float, frames / np.quantile(times, [0.5, 0.75, 0.25])), len(times))
        for name, times in spent.items()
    }


def _turn(call: ways.Way) -> float:
    """Seconds per call over at least 0.1 s; the first call of a short one warms the cache."""
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
            yield _row(task, f"{variant}, batches of {batch}", found, least=MIN_SPEEDUP[task])


def pair_rows(task: str, root: Path, seconds: float, clip: Path) -> Iterator[dict]:
    pair = pairs.load_pair(task, root)
    found = rates(ways.photo_ways(pair), ways.TORCH_BATCH, seconds)
    yield _row(task, "photos, both models", found)
    frames = FRAMES[task]
    found = rates(ways.video_ways(pair, ways.write_clip(clip, frames), frames), frames, seconds)
    yield _row(task, "video, both models", found, least=MIN_SPEEDUP[task])


def _row(task: str, what: str, found: dict[str, Rate], least: float | None = None) -> dict:
    """Row of the table with ratios of medians; ``least``: required ratio of ONNX to torch."""
    end_to_end = "onnx, end to end" in found
    onnx, other = ("onnx, infer only", "torch, infer only") if end_to_end else ("onnx", "torch")
    row: dict = {"task": task, "what": what, "rates": found, "passed": {}}
    row["onnx to torch"] = found[onnx].median / found[other].median
    if least:
        row["passed"]["onnx to torch"] = row["onnx to torch"] >= least
    if end_to_end:
        row["end to end to infer only"] = found["onnx, end to end"].median / found[onnx].median
        if "video" in what:
            row["passed"]["end to end to infer only"] = row["end to end to infer only"] >= MIN_SHARE
    for name in ("torch channels_last", "onnx on the GPU"):
        if name in found:
            row[f"onnx to {name}"] = found["onnx"].median / found[name].median
    return row


def show(row: dict) -> None:
    print(f"{row['task']}, {row['what']} (frames/s, median [quartiles])")
    for name, rate in row["rates"].items():
        print(f"    {name:20} {rate}")
    for name in [key for key in row if " to " in key]:
        verdict = {True: ", passed", False: ", FAILED", None: ""}[row["passed"].get(name)]
        print(f"    {name}: {row[name]:.2f}{verdict}", flush=True)


def sweep(task: str, root: Path, seconds: float) -> dict:
    """Throughput of the reg model by batch size."""
    found = rates(ways.batch_ways(root / task / ways.FILES["reg"], SWEEP), max(SWEEP), seconds)
    print(f"{task}, reg, by batch size (frames/s, median [quartiles])")
    for batch, rate in found.items():
        print(f"    {batch:3} per batch {rate}", flush=True)
    return {"task": task, "what": "batch sizes", "rates": found}


STREAM = """if True:
    import sys, time, psutil
    from regcls.io import video
    from regcls.io.prefetch import prefetch
    from regcls.tasks import pairs
    task, root, clip, frames = sys.argv[1:]
    import onnx, onnxruntime, pandas
    process = psutil.Process()
    idle = peak = process.memory_info().rss
    pair = pairs.load_pair(task, root)
    size = (pair.reg.card.input["height"], pair.reg.card.input["width"])
    started, seen = time.perf_counter(), 0
    for batch in prefetch(video.sample_frames(video.open_video(clip, "clip"), int(frames), size)):
        pairs.run_pair(pair, batch.frames)
        seen += len(batch.frames)
        peak = max(peak, process.memory_info().rss)
    print(seen, peak - idle, time.perf_counter() - started)
"""


def stream(task: str, root: Path, frames: int, clip: Path) -> dict:
    """Peak memory above idle of a pair that processes a long video."""
    command = [sys.executable, "-c", STREAM, task, str(root), str(ways.write_clip(clip, frames))]
    done = subprocess.run([*command, str(frames)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise UserError(done.stderr.strip().splitlines()[-1])
    seen, above, seconds = map(float, done.stdout.split())
    print(
        f"{task}, a video of {seen:.0f} frames: {above / 1e6:.0f} MB above idle at peak, "
        f"{seen / seconds:.1f} frames/s",
        flush=True,
    )
    return {"task": task, "what": "stream", "frames": seen, "bytes": above, "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of the pairs")
    parser.add_argument(
        "--task", action="append", choices=TASKS, help="may be repeated; default: all"
    )
    parser.add_argument("--quick", action="store_true", help="at least 1 s per row instead of 15")
    parser.add_argument("--batches", action="store_true", help="only compare batch sizes")
    parser.add_argument(
        "--stream", type=int, metavar="FRAMES", help="only measure the memory of a long video"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object as the last line"
    )
    args = parser.parse_args()
    os.environ[VARIABLE] = "cpu"
    torch.set_num_threads(providers.threads())
    busy = psutil.cpu_percent(1.0)
    print(f"{providers.threads()} threads; the machine was {busy:.0f} % busy before the start")
    if busy > 20:
        print("The machine is too busy: the ratios are not reliable.")
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
            json.dumps({"threads": providers.threads(), "busy": busy, "rows": rows}, default=_plain)
        )


def _plain(value: object) -> object:
    """Convert rates and NumPy numbers for JSON."""
    return asdict(value) if isinstance(value, Rate) else float(value)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(error.sentence)
