"""Measure on validation photos what the page Age does with faces: views, crops, sizes and times.

``python -m regcls.training.age.views --data utkface_8k.zip`` prints, for both models of the pair in
``models/``, against the aligned crop of the page: photos resized as in training, the mean over the views
of `regcls.tasks.age.views`, and photos reduced to fewer pixels; and the time per face.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from regcls.formats import with_interval
from regcls.tasks import pairs
from regcls.tasks.age import faces, views
from regcls.tasks.pairs import Pair
from regcls.training.age.data import Faces, load_faces
from regcls.training.age.recipe import STORED_SIDE

SIZES = (64, 48, 32, 24)  # pixels per side, to which photos are reduced
OLD = 60  # years; errors from here on are reported too
RESAMPLES = 1000


def measure(pair: Pair, val: Faces) -> pd.DataFrame:
    """Compare inputs made from validation photos with the aligned crop of the page.

    Parameters
    ----------
    pair : Pair
        The models.
    val : Faces
        Validation photos of `STORED_SIDE` pixels.

    Returns
    -------
    DataFrame
        One row per input and model: MAE, its difference to the crop with a 95% bootstrap interval
        over photos, and MAE and bias from `OLD` years on, in years.
    """
    rows = []
    base: dict[str, np.ndarray] = {}
    for name, crops in _inputs(val.images, pair.input_size[0]):
        found = _answers(pair, crops)
        base = base or found
        rows += [_row(name, model, found[model], base[model], val.ages) for model in found]
    return pd.DataFrame(rows)


def _inputs(photos: np.ndarray, side: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the views (N, V, side, side, 3) of each way to make inputs."""
    whole = np.stack([views.crops(photo, faces.centre(photo), side) for photo in photos])
    yield "crop of the page", whole[:, :1]
    yield "resized as in training", np.stack([np.asarray(_reduced(p, side))[None] for p in photos])
    yield "mean of crop and mirror image", whole[:, :2]
    yield f"mean of {len(views.VIEWS)} views", whole
    for size in SIZES:
        small = [np.asarray(_reduced(photo, size)) for photo in photos]
        yield (
            f"reduced to {size} pixels",
            np.stack([faces.centre_crop(photo, side)[None] for photo in small]),
        )


def _reduced(photo: np.ndarray, size: int) -> Image.Image:
    return Image.fromarray(photo).resize((size, size), Image.Resampling.LANCZOS)


def _answers(pair: Pair, crops: np.ndarray) -> dict[str, np.ndarray]:
    """Return the mean over the views of each model's best read-out, by model."""
    flat = np.ascontiguousarray(crops.reshape(-1, *crops.shape[2:]))
    found = pairs.best(pair, pairs.run_pair(pair, flat))
    return {
        m: np.asarray(ages, float).reshape(crops.shape[:2]).mean(1) for m, ages in found.items()
    }


def _row(
    name: str, model: str, ages: np.ndarray, base: np.ndarray, truth: np.ndarray
) -> Mapping[str, object]:
    errors, old = np.abs(ages - truth), truth >= OLD
    gaps = errors - np.abs(base - truth)
    rng = np.random.default_rng(0)
    means = gaps[rng.integers(0, len(gaps), (RESAMPLES, len(gaps)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "input": name,
        "model": model,
        "MAE": round(float(errors.mean()), 2),
        "difference": with_interval(float(gaps.mean()), low, high),
        f"MAE from {OLD}": round(float(errors[old].mean()), 2),
        f"bias from {OLD}": round(float((ages - truth)[old].mean()), 2),
    }


def milliseconds(pair: Pair, photo: np.ndarray, repeats: int = 15) -> dict[str, float]:
    """Measure the time per face.

    Parameters
    ----------
    pair : Pair
        The models.
    photo : ndarray of uint8, shape (H, W, 3)
        A photo.
    repeats : int, default 15
        Measurements, of which the median is taken.

    Returns
    -------
    dict of str to float
        Milliseconds for all views of a face: to draw them, and for each model.
    """
    side = pair.input_size[0]
    times: dict[str, list[float]] = {"views": [], "reg": [], "reg+cls": []}
    for _ in range(repeats + 1):
        started = time.perf_counter()
        crops = views.crops(photo, faces.centre(photo), side)
        times["views"].append(time.perf_counter() - started)
        for name, session in (("reg", pair.reg), ("reg+cls", pair.regcls)):
            started = time.perf_counter()
            session.run(crops)
            times[name].append(time.perf_counter() - started)
    return {name: 1000 * float(np.median(found[1:])) for name, found in times.items()}


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data set for load_faces")
    parser.add_argument("--models", type=Path, help="folder of the pairs; by default models/")
    parser.add_argument("--times", action="store_true", help="measure the time per face only")
    chosen = parser.parse_args()
    pair = pairs.load_pair("age", chosen.models) if chosen.models else pairs.load("age")
    val = load_faces(chosen.data, STORED_SIDE)["val"]
    if not chosen.times:
        sys.stdout.write(measure(pair, val).to_string(index=False) + "\n")
    found = ", ".join(f"{n} {ms:.1f} ms" for n, ms in milliseconds(pair, val.images[0]).items())
    sys.stdout.write(f"per face, {len(views.VIEWS)} views: {found}\n")


if __name__ == "__main__":
    main()
