"""Predictions for photos of rooms as records, with the errors where the true depth is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from regcls.exceptions import UserError
from regcls.io import images
from regcls.io.limits import check_size
from regcls.tasks.depth import depth_zip, formats, ground_truth, predict
from regcls.tasks.depth.ground_truth import TrueDepth
from regcls.tasks.depth.metrics import metrics
from regcls.tasks.depth.predict import PhotoDepth
from regcls.tasks.depth.units import AUTO, CHOICES, UNITS
from regcls.tasks.pairs import Pair

TRUTH = "true depth"  # key of a record: everything about the photo's depth file


def row(name: str, photo: PhotoDepth, measured: TrueDepth | None = None) -> dict[str, Any]:
    """Return the predictions for one photo as a flat record that can be written as JSON.

    Parameters
    ----------
    name : str
        Name of the photo.
    photo : PhotoDepth
        Its predictions.
    measured : TrueDepth, optional
        Its true depth.

    Returns
    -------
    dict
        Median, nearest (5% quantile) and farthest (95%) depth per model, and the mean absolute
        difference between the shipped models, in metres. With a true depth whose unit is known,
        also the unit it is read in, its median, and the mean absolute error per model.
    """
    record: dict[str, Any] = {"photo": name}
    for model, metres in photo.depth.items():
        low, middle, high = np.quantile(metres, [0.05, 0.5, 0.95])
        record[f"{model} median"] = round(float(middle), 2)
        record[f"{model} nearest"] = round(float(low), 2)
        record[f"{model} farthest"] = round(float(high), 2)
    gap = np.abs(photo.depth["reg"] - photo.depth["reg+cls"]).mean()
    record["mean difference"] = round(float(gap), 2)
    if measured is None or measured.reading is None:
        return record
    truth, median = measured.metres, measured.median
    assert truth is not None and median is not None, "it has a reading"
    known = truth > 0
    record["true median"] = round(median, 2)
    for model, metres in photo.depth.items():
        record[f"{model} MAE"] = round(float(np.abs(metres - truth)[known].mean()), 3)
    return record | {"true depth read as": UNITS[measured.reading.unit].words}


def truth_record(measured: TrueDepth, photo: PhotoDepth) -> dict[str, Any]:
    """Return everything about a photo's true depth as a record that can be written as JSON.

    Parameters
    ----------
    measured : TrueDepth
        The true depth.
    photo : PhotoDepth
        Predictions for the photo.

    Returns
    -------
    dict
        File, format, unit and the evidence for it, notes, and the metrics per model. Without a
        known unit, the ``problem``.
    """
    record: dict[str, Any] = {"file": measured.name, "format": measured.stored.kind}
    if measured.reading is None or measured.metres is None:
        return record | {"problem": measured.problem}
    reading, truth = measured.reading, measured.metres
    known = truth > 0
    return record | {
        "unit": reading.unit,
        "unit chosen": reading.chosen,
        "unit certain": not reading.doubt,
        "median ratio to the prediction": reading.ratio,
        "rank correlation with the prediction": reading.rank,
        "files in this format": reading.files,
        "read as": reading.sentence,
        "notes": list(measured.notes),
        "known share": float(known.mean()),
        "metrics": {model: metrics(truth[known], d[known]) for model, d in photo.depth.items()},
    }


def predict_files(
    paths: Iterable[str | Path],
    pair: Pair,
    truths: Sequence[str | Path] = (),
    unit: str = AUTO,
) -> list[dict[str, Any]]:
    """Predict the depth maps of photo files, and report the errors against their true depth.

    Parameters
    ----------
    paths : iterable of path-like
        Photos.
    pair : Pair
        The models.
    truths : sequence of path-like, optional
        True depth: one file per photo in the same order, or one folder with files of the same
        names. The unit is decided once for all files of the same format.
    unit : str, default "auto"
        Unit of the true depth, a key of `regcls.tasks.depth.units.UNITS`, or "auto" to guess it.

    Returns
    -------
    list of dict
        One record per photo, with `truth_record` as `TRUTH`; a file that cannot be read gives a
        record with a ``problem``.

    Raises
    ------
    UserError
        If the unit is not known, or the number of files of true depth does not fit.
    """
    if unit not in CHOICES:
        raise UserError(f"the unit of depth must be one of {', '.join(CHOICES)}, not {unit!r}")
    photos = [Path(path) for path in paths]
    wanted = _matched(photos, [Path(path) for path in truths])
    records: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    waiting: list[_Waiting] = []
    for path, truth in zip(photos, wanted, strict=True):
        try:
            photo = predict.predict_photo(images.read_file(path), path.name, pair)
            records.append(row(str(path), photo))
            if truth is not None:
                measured = ground_truth.read(_read_file(truth), truth.name, photo)
                # The copies of many photos would fill the memory.
                small = replace(photo, pixels=np.empty((0, 0, 3), np.uint8))
                waiting.append(_Waiting(len(records) - 1, str(path), small, measured))
        except images.MediaError as error:
            problems.append({"photo": str(path), "problem": error.sentence})
    _add_truth(records, waiting, unit)
    problems += [
        {"photo": record["photo"], "problem": f"{truth['file']}: {truth['problem']}"}
        for record in records
        if "problem" in (truth := record.get(TRUTH, {}))
    ]
    return records + problems


@dataclass(frozen=True)
class _Waiting:
    """A photo whose true depth has been read, but not its unit."""

    place: int
    name: str
    photo: PhotoDepth
    measured: TrueDepth


def _add_truth(records: list[dict[str, Any]], waiting: Sequence[_Waiting], unit: str) -> None:
    """Add the true depth to the records of its photos, once all files have been read."""
    decided = ground_truth.decided([one.measured for one in waiting], unit)
    for one, measured in zip(waiting, decided, strict=True):
        record = row(one.name, one.photo, measured)
        records[one.place] = record | {TRUTH: truth_record(measured, one.photo)}


def _matched(photos: Sequence[Path], truths: Sequence[Path]) -> list[Path | None]:
    """Return the file of true depth of each photo, None for a photo without one."""
    if not truths:
        return [None] * len(photos)
    if len(truths) == 1 and truths[0].is_dir():
        return _of_folder(photos, truths[0])
    if len(truths) != len(photos):
        raise UserError(
            f"--truth must be given once per photo, in the same order, or name a folder; there are "
            f"{len(photos)} photos and {len(truths)} files of true depth"
        )
    return list(truths)


def _of_folder(photos: Sequence[Path], folder: Path) -> list[Path | None]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower().lstrip(".") in formats.SUFFIXES:
            key = depth_zip.name_key(path.name)
            if path in photos:
                continue
            if key in found:
                raise UserError(
                    f"{folder} has two files for one photo, {found[key].name} and {path.name}; "
                    "keep one"
                )
            found[key] = path
    matched = [found.get(depth_zip.name_key(photo.name)) for photo in photos]
    if not any(matched):
        raise UserError(
            f"{folder} has no depth file of the name of a photo; expected {formats.IN_WORDS}"
        )
    return matched


def _read_file(path: Path) -> bytes:
    try:
        check_size(path.stat().st_size, formats.MAX_FILE_BYTES, path.name, images.MediaError)
        return path.read_bytes()
    except OSError as error:
        raise images.MediaError(f"{path} cannot be read: {error.strerror}") from error
