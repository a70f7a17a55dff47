"""Files of what the Depth page draws with Plotly: the difference of two maps and point clouds."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from regcls.tasks.depth import ground_truth, predict
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
