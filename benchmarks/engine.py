"""Model-epochs per second of ``regcls.nn.ensemble`` and of two ways to train one model at a time.

    python benchmarks/engine.py [--quick] [--json]

All three train the 1D network (1 → 6 → 15 → 1, and C classes) on 20 000 samples in batches of 256
with Adam on the CPU. They take turns within one run, and the median over the turns is reported.

- ours: an ``Ensemble`` of R replicas, whole epochs including shuffling, float32.
- paper's way: one ``Dataset`` item per sample through a ``DataLoader`` with one worker, float64,
  autograd. Only part of an epoch is timed, with the worker running, and extrapolated to an epoch of
  78 batches.
- tight loop: tensors in memory, ``nn.Sequential``, autograd, fused Adam, float32. Also part of an
  epoch, extrapolated in the same way.

The last two train one model at a time, so R models take R times as long and their model-epochs per
second do not depend on R. Measure on an idle machine: other processes slow them down much more than
the ensemble, and the ratios are then too favourable.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import psutil
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from regcls.nn.ensemble import Ensemble
from regcls.nn.spec import Network, Training
from regcls.stats import bins

CLASSES = (0, 4, 64, 1024)
REPLICAS = (1, 10, 50)
SAMPLES, BATCH, HIDDEN = 20_000, 256, (6, 15)
STEPS = SAMPLES // BATCH
REG_WEIGHT = 100.0


def data(replicas: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and labels, each (replicas, SAMPLES)."""
    x = np.random.default_rng(0).uniform(-1, 1, (replicas, SAMPLES))
    y = 0.8 * np.sin(22 * x) + 0.7 * np.sin(7 * x)
    cut = bins.make("equal-width", y.ravel(), max(classes, 2))
    return x, y, cut.label(y.ravel()).reshape(y.shape)


class OneModel(nn.Module):
    """The network as an ordinary torch module."""

    def __init__(self, classes: int):
        super().__init__()
        first, second = HIDDEN
        self.body = nn.Sequential(
            nn.Linear(1, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU()
        )
        self.value = nn.Linear(second, 1)
        self.logits = nn.Linear(second, classes) if classes else None

    def loss(self, x: torch.Tensor, y: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch."""
        features = self.body(x)
        loss = REG_WEIGHT * nn.functional.mse_loss(self.value(features), y)
        if self.logits is not None:
            loss = loss + nn.functional.cross_entropy(self.logits(features), labels)
        return loss


class Samples(Dataset):
    """One item per sample: x (1,), y (1,) in float64, and the class."""

    def __init__(self, classes: int):
        x, y, labels = data(1, classes)
        self.x, self.y, self.labels = x[0, :, None], y[0, :, None], labels[0]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return torch.tensor(self.x[i]), torch.tensor(self.y[i]), torch.tensor(self.labels[i])


def paper_batches(classes: int) -> Iterator[tuple[torch.Tensor, ...]]:
    loader = DataLoader(Samples(classes), BATCH, shuffle=True, drop_last=True, num_workers=1)
    return itertools.chain.from_iterable(itertools.repeat(loader))


def tight_batches(classes: int) -> Iterator[tuple[torch.Tensor, ...]]:
    x, y, labels = data(1, classes)
    x, y = (torch.tensor(a[0, :, None], dtype=torch.float32) for a in (x, y))
    labels = torch.tensor(labels[0])
    while True:
        order = torch.randperm(SAMPLES)
        for take in order[: STEPS * BATCH].split(BATCH):
            yield x[take], y[take], labels[take]


def single_model(
    batches: Iterator, classes: int, dtype: torch.dtype, fused: bool, steps: int
) -> Callable[[], float]:
    """Return a function that trains ``steps`` batches and returns epochs per second."""
    model = OneModel(classes).to(dtype)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-3, fused=fused)

    def train(count: int) -> None:
        for x, y, labels in itertools.islice(batches, count):
            adam.zero_grad()
            model.loss(x, y, labels).backward()
            adam.step()

    def turn() -> float:
        train(4)  # a loader's worker has two batches ready, which would distort the timing
        started = time.perf_counter()
        train(steps)
        return steps / STEPS / (time.perf_counter() - started)

    return turn


def our_way(replicas: int, classes: int, seconds: float) -> Callable[[], float]:
    """Return a function that trains whole epochs for at least ``seconds``: model-epochs per second."""
    x, y, labels = data(replicas, classes)
    ensemble = Ensemble(
        Network(HIDDEN, classes=classes),
        Training(batch=BATCH),
        x,
        y,
        labels=labels if classes else None,
        seeds=range(replicas),
        reg_weight=REG_WEIGHT,
    )
    ensemble.advance(3)

    def turn() -> float:
        started, epochs = time.perf_counter(), 0
        while epochs == 0 or time.perf_counter() - started < seconds:
            ensemble.advance(STEPS)
            epochs += 1
        return replicas * epochs / (time.perf_counter() - started)

    return turn


def measure(classes: int, turns: int, steps: int, seconds: float) -> list[dict]:
    """Return one row per number of replicas."""
    ways = {
        "paper_way": single_model(paper_batches(classes), classes, torch.float64, False, steps),
        "tight_loop": single_model(tight_batches(classes), classes, torch.float32, True, 2 * steps),
    } | {r: our_way(r, classes, seconds) for r in REPLICAS}
    rates = {name: [] for name in ways}
    for _ in range(turns):
        for name, turn in ways.items():
            rates[name].append(turn())
    median = {name: statistics.median(values) for name, values in rates.items()}
    paper, tight = median["paper_way"], median["tight_loop"]
    return [
        {
            "replicas": r,
            "classes": classes,
            "ours": round(median[r], 2),
            "paper_way": round(paper, 3),
            "tight_loop": round(tight, 2),
            "ratio_paper_way": round(median[r] / paper, 1),
            "ratio_tight_loop": round(median[r] / tight, 2),
        }
        for r in REPLICAS
    ]


def peak_bytes() -> int:
    """Return the peak resident memory of this process, without the loader's worker."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def print_row(row: dict) -> None:
    print(
        f"{row['classes']:7d} {row['replicas']:8d} {row['ours']:9.1f} {row['paper_way']:10.2f}"
        f" {row['tight_loop']:10.1f} {row['ratio_paper_way']:9.0f}× {row['ratio_tight_loop']:8.1f}×",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="finish within 50 s")
    parser.add_argument("--json", action="store_true", help="print a JSON object as the last line")
    options = parser.parse_args()
    turns, steps, seconds = (3, 39, 0.3) if options.quick else (5, STEPS, 1.0)
    busy = psutil.cpu_percent(1.0)
    if busy > 20:
        print(f"CPU load from other processes: {busy:.0f} %. These ratios are not reliable.")
    print("Model-epochs per second; paper's way and tight loop extrapolated from part of an epoch")
    print("classes replicas      ours  paper way tight loop  vs paper  vs tight")
    rows = []
    for classes in CLASSES:
        for row in measure(classes, turns, steps, seconds):
            rows.append(row)
            print_row(row)
    print(f"Peak memory of all of the above: {peak_bytes() / 1e6:.0f} MB")
    if options.json:
        print(json.dumps({"busy": busy, "rows": rows}))


if __name__ == "__main__":
    main()
