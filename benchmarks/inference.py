"""Images per second of the shipped ONNX models against the same network in eager torch, on the CPU.

    python benchmarks/inference.py [--models models] [--task age] [--quick] [--json]

The torch side is a freshly built ``ImageRegressor`` with as many classes: the weights' values do
not change its speed. It runs in eval mode under ``inference_mode`` with the same number of
threads, once as people write it (contiguous tensors) and once in channels_last. The ways take
turns, a few calls each, and the medians count. Measure on an idle machine: beside another busy
process, eager torch's threads wait for one another and it can slow down a hundredfold, which says
nothing about the models. How busy the machine was before the start is printed ("busy", percent).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import torch

from regcls import runtime
from regcls.training.networks import ImageRegressor

ROOT = Path(__file__).resolve().parent.parent
BATCHES = (1, 8, 32)
FILES = ("reg.onnx", "regcls.onnx")


def ways(path: Path, batch: int) -> dict[str, Callable[[], object]]:
    """One call per way, each over the same ``batch`` random images."""
    session = runtime.session(path)
    side = session.card.input["height"]
    images = np.random.default_rng(0).integers(0, 256, (batch, side, side, 3), np.uint8)
    tensor = torch.from_numpy(images)
    plain = ImageRegressor(session.card.class_count, pretrained=True).eval()
    last = ImageRegressor(session.card.class_count, pretrained=True).eval()
    last = last.to(memory_format=torch.channels_last)
    return {
        "onnx": lambda: session.run(images),
        "torch": lambda: plain(tensor),
        "torch_channels_last": lambda: last(tensor),
    }


@torch.inference_mode()
def images_per_second(
    calls: dict[str, Callable[[], object]], batch: int, seconds: float
) -> dict[str, float]:
    """Median over calls; in each turn a way makes one call to warm up and up to 0.1 s that count."""
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, call in calls.items():
            call()
            turn = time.perf_counter()
            while not times[name] or time.perf_counter() < turn + 0.1:
                times[name].append(_seconds(call))
    return {name: batch / float(np.median(spent)) for name, spent in times.items()}


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def measure(models: Path, task: str, seconds: float) -> list[dict]:
    """One row a model file and batch size. Raises ``ContractError`` for a missing or bad file."""
    rows = []
    for name in FILES:
        path = models / task / name
        variant = runtime.session(path).card.variant
        for batch in BATCHES:
            speed = images_per_second(ways(path, batch), batch, seconds)
            row = {"task": task, "variant": variant, "batch": batch, **speed}
            row["ratio"] = speed["onnx"] / speed["torch"]
            row["ratio_channels_last"] = speed["onnx"] / speed["torch_channels_last"]
            rows.append(row)
            print(
                f"{task} {variant:7} batch {batch:2}: ONNX {speed['onnx']:7.1f} images/s, "
                f"torch {speed['torch']:6.1f} ({row['ratio']:.2f}x), channels_last "
                f"{speed['torch_channels_last']:6.1f} ({row['ratio_channels_last']:.2f}x)",
                flush=True,
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of the pairs")
    parser.add_argument("--task", default="age")
    parser.add_argument("--quick", action="store_true", help="done within 50 s")
    parser.add_argument("--json", action="store_true", help="last line: one JSON object")
    args = parser.parse_args()
    os.environ[runtime.OVERRIDE] = "cpu"
    torch.set_num_threads(runtime.threads())
    busy = psutil.cpu_percent(1.0)
    if busy > 20:
        print(f"The machine is {busy:.0f} % busy with other work: these ratios will not hold.")
    rows = measure(args.models, args.task, 4.0 if args.quick else 15.0)
    if args.json:
        rounded = [
            {k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()} for row in rows
        ]
        print(json.dumps({"threads": runtime.threads(), "busy": busy, "rows": rounded}))


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(str(error))
