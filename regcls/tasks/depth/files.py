"""Files to download from the Depth page: differences, errors on a photo and point clouds."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from regcls.io.tables import safe_csv
from regcls.tasks.depth import ground_truth, predict
from regcls.tasks.depth.ground_truth import TrueDepth
from regcls.tasks.depth.predict import PhotoDepth


def difference_npy(photo: PhotoDepth) -> bytes:
    """Return the difference between the shipped models' maps as an .npy file.

    Parameters
    ----------
    photo : PhotoDepth
        Predictions for a photo.

    Returns
    -------
    bytes
        float32 array of the photo's height and width: reg+cls minus reg, in metres.
    """
    gap = predict.enlarged(photo, "reg+cls") - predict.enlarged(photo, "reg")
    return ground_truth.as_npy(gap)


def errors_csv(errors: pd.DataFrame, measured: TrueDepth) -> str:
    """Return the errors on a photo as CSV, with the file of true depth and its unit.

    Parameters
    ----------
    errors : DataFrame
        Result of `regcls.tasks.depth.gallery.own_metrics`.
    measured : TrueDepth
        The true depth, with a reading.

    Returns
    -------
    str
        One row per model: the errors, and how the true depth was read.
    """
    assert measured.reading is not None, "errors need a unit"
    table = errors.assign(
        true_depth=measured.name,
        unit=measured.reading.unit,
        median_ratio_to_prediction=round(measured.reading.ratio, 4),
    )
    return safe_csv(table)


def cloud_ply(points: pd.DataFrame) -> str:
    """Return a point cloud as a PLY file, which 3D viewers open.

    Parameters
    ----------
    points : DataFrame
        Result of `regcls.tasks.depth.predict.point_cloud`.

    Returns
    -------
    str
        ASCII PLY: x, y and z in metres to the right, up and towards the viewer, and colours. The
        camera is at the origin.

    Examples
    --------
    >>> points = pd.DataFrame({"x": [0.5], "y": [1.0], "z": [2.0], "colour": ["rgb(1,2,3)"]})
    >>> cloud_ply(points).splitlines()[-1]
    '0.5000 1.0000 -2.0000 1 2 3'
    """
    header = [
        "ply",
        "format ascii 1.0",
        "comment metres, camera at the origin, y up, z towards the viewer",
        f"element vertex {len(points)}",
        *(f"property float {axis}" for axis in "xyz"),
        *(f"property uchar {colour}" for colour in ("red", "green", "blue")),
        "end_header",
    ]
    places = np.stack([points["x"], points["y"], -points["z"]], axis=1)  # right-handed axes
    rows = [
        f"{x:.4f} {y:.4f} {z:.4f} {' '.join(re.findall(r'[0-9]+', colour))}"
        for (x, y, z), colour in zip(places, points["colour"], strict=True)
    ]
    return "\n".join([*header, *rows]) + "\n"
