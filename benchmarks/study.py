"""Time the paper's grid: with regcls and in the paper's way, each estimated from a part of it.

    python benchmarks/study.py [--quick] [--json]

- regcls: `regcls.study.run` on all cores, including the store, for one scenario, one sampling and
  one data seed per function: 70 of the grid's 4 200 models, a sixtieth of each kind. It runs with
  few and with more epochs. The time that additional epochs take is scaled to 80 epochs; the rest
  (data, starting batches, evaluation, storing) counts once. The sum is multiplied by sixty.
- the paper's way: one process for each of the 3 000 pairs (no control), which trains reg and
  reg+cls in one loop in float64, loads samples one by one through a `DataLoader` with one worker,
  and evaluates on the validation set after each epoch. Timed are the start of a process and of a
  loader's worker, and some training and validation batches; the rest is multiplied. Processes run
  one after another, as in the authors' script. Generating the data is not included.

Reported times are medians over several turns. Measure on an idle machine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil
import torch
from engine import BATCH, STEPS, OneModel, Samples
from torch.utils.data import DataLoader

from regcls import study

EPOCHS = 80
SLICE = {"scenario": ("clean",), "sampling": ("severe",), "data_seeds": 1}
PAIRS = 3000
EVALUATION = -(-20_000 // BATCH)  # batches of validation, and of the final test


def our_run(epochs: int) -> tuple[float, int]:
    """Return the seconds that the part of the grid takes, and its number of models."""
    grid = study.load("paper")
    grid = replace(grid, **SLICE, protocol=replace(grid.protocol, epochs=epochs))
    with (
        tempfile.TemporaryDirectory() as folder,
        study.Store(Path(folder) / "study.sqlite") as store,
    ):
        started = time.perf_counter()
        progress = study.run(grid, store)
        return time.perf_counter() - started, progress.trained


def our_way(few: int, more: int, turns: int) -> dict[str, float]:
    """Estimate the seconds of the whole grid with regcls."""
    models = our_run(1)[1]  # warm-up: starts the workers
    short, long = (
        statistics.median(our_run(epochs)[0] for _ in range(turns)) for epochs in (few, more)
    )
    parts = len(study.load("paper").models()) / models
    per_epoch = (long - short) / (more - few)
    fixed = max(short - few * per_epoch, 0.0)
    return {
        "models": models,
        "seconds_per_epoch": per_epoch,
        "seconds_besides": fixed,
        "grid_seconds": parts * (fixed + EPOCHS * per_epoch),
    }


def process_start() -> float:
    """Return the seconds until a process has imported its libraries."""
    started = time.perf_counter()
    code = "import torch, numpy, torch.utils.data"
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def paper_pair(classes: int, batches: int) -> dict[str, float]:
    """Return the seconds of one pair, and the measured parts."""
    pair = [OneModel(count).double() for count in (0, classes)]
    adams = [torch.optim.Adam(m.parameters(), lr=1e-3, weight_decay=1e-3) for m in pair]
    data = Samples(classes)

    def train(x, y, labels) -> None:
        for model, adam in zip(pair, adams, strict=True):
            adam.zero_grad()
            model.loss(x, y, labels).backward()
            adam.step()

    def evaluate(x, y, labels) -> None:
        for model in pair:
            model.loss(x, y, labels)

    timed = {}
    for name, step in (("train", train), ("evaluate", evaluate)):
        started = time.perf_counter()
        loader = iter(DataLoader(data, BATCH, shuffle=True, drop_last=True, num_workers=1))
        step(*next(loader))
        timed[f"{name}_start"] = time.perf_counter() - started
        for batch in itertools.islice(loader, 3):  # skip the batches that the worker has prefetched
            step(*batch)
        started = time.perf_counter()
        for batch in itertools.islice(loader, batches):
            step(*batch)
        timed[name] = (time.perf_counter() - started) / batches
    epoch = timed["train_start"] + STEPS * timed["train"]
    evaluation = timed["evaluate_start"] + EVALUATION * timed["evaluate"]
    return timed | {"pair": process_start() + EPOCHS * (epoch + evaluation) + evaluation}


def paper_way(classes: tuple[int, ...], batches: int, turns: int) -> dict[str, float]:
    """Estimate the seconds of a pair, as a mean over ``classes``, and of the whole grid."""
    medians = [
        statistics.median(paper_pair(count, batches)["pair"] for _ in range(turns))
        for count in classes
    ]
    pair = statistics.mean(medians)
    return {"pair_seconds": pair, "grid_seconds": PAIRS * pair}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="take less than 50 s")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object as the last line"
    )
    options = parser.parse_args()
    busy = psutil.cpu_percent(1.0)
    if busy > 20:
        print(f"Other processes use {busy:.0f} % of the CPU: these times are not reliable.")
    quick = options.quick
    ours = our_way(*((1, 3, 1) if quick else (2, 10, 3)))
    paper = paper_way((4, 1024) if quick else (4, 16, 64, 256, 1024), 20, 1 if quick else 3)
    ratio = paper["grid_seconds"] / ours["grid_seconds"]
    print(f"regcls: the paper's grid with its controls in {ours['grid_seconds'] / 60:.0f} minutes")
    print(
        f"the paper's way: {paper['pair_seconds']:.0f} s per pair, the grid without controls in "
        f"{paper['grid_seconds'] / 3600:.0f} hours, {ratio:.0f} times as long"
    )
    if options.json:
        print(json.dumps({"busy": busy, "ours": ours, "paper_way": paper, "ratio": ratio}))


if __name__ == "__main__":
    main()
