"""Views of a face: the aligned crop, its mirror image and shifted crops; and what is doubtful of it.

A prediction that changes from view to view hangs on details of the crop that have nothing to do with
the age. The predicted age and its interval are those of the aligned crop alone, for which the models
are calibrated; the views show how stable they are.

On validation photos, the mean over the views was not significantly better: the MAE differs by −0.07
[−0.23, 0.10] years for reg and by −0.07 [−0.22, 0.08] for reg+cls. Faces reduced to 64, 48 and 32 pixels
raised it by 0.2, 1.3 and 3.0 years, as they are predicted too young. After a change of the models,
``python -m regcls.training.age.views`` measures this again.
"""

from __future__ import annotations

import numpy as np

from regcls.tasks.age import faces

STEP = 1 / 32  # of the crop's side, by which views are shifted
# Steps to the right and down, and whether the view is mirrored. The first is the aligned crop.
VIEWS = (
    (0, 0, False),
    (0, 0, True),
    (-1, 0, False),
    (1, 0, True),
    (0, -1, True),
    (0, 1, False),
)
# A crop drawn from fewer pixels per side than this is said to be unsure.
FEWEST_PIXELS = 64
MOST_TURNED = 60.0  # degrees; a face turned by more is said to be unsure


def crops(pixels: np.ndarray, to_unit: np.ndarray, side: int) -> np.ndarray:
    """Return all views of a face.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        RGB photo.
    to_unit : ndarray, shape (2, 3)
        Map from its pixels to the unit square of the aligned crop.
    side : int
        Side of the views in pixels.

    Returns
    -------
    ndarray of uint8, shape (V, side, side, 3)
        One view per entry of `VIEWS`.
    """
    margin = round(side * STEP)
    drawn = faces.oversampled(pixels, to_unit, side, margin)
    return np.stack([_view(drawn, side, margin, *view) for view in VIEWS])


def _view(
    drawn: np.ndarray, side: int, margin: int, right: int, down: int, mirrored: bool
) -> np.ndarray:
    finer = len(drawn) // (side + 2 * margin)
    left, top = (finer * margin * (1 + steps) for steps in (right, down))
    part = drawn[top : top + finer * side, left : left + finer * side]
    view = faces.reduced(np.ascontiguousarray(part), side)
    return view[:, ::-1] if mirrored else view


def doubts(to_unit: np.ndarray) -> tuple[str, ...]:
    """Return why the prediction for a face is unsure, as sentences.

    Parameters
    ----------
    to_unit : ndarray, shape (2, 3)
        Map from the pixels of the photo to the unit square of the face's crop.

    Returns
    -------
    tuple of str
        Empty if nothing is unusual.

    Examples
    --------
    >>> doubts(np.array([[1 / 200, 0, 0], [0, 1 / 200, 0]]))
    ()
    >>> doubts(np.array([[-1 / 40, 0, 1], [0, -1 / 40, 1]]))[1]
    'The face is upside down in the photo; it was turned upright, but such faces look different.'
    """
    found = []
    pixels = 1 / max(float(np.hypot(to_unit[0, 0], to_unit[1, 0])), 1e-9)
    if pixels < FEWEST_PIXELS:
        found.append(
            f"The face is only {pixels:.0f} pixels wide. Predictions for faces of fewer than "
            f"{FEWEST_PIXELS} pixels are unsure and mostly too young, and their intervals too narrow."
        )
    turned = abs(float(np.degrees(np.arctan2(to_unit[1, 0], to_unit[0, 0]))))
    if turned > MOST_TURNED:
        place = "is upside down" if turned > 120 else "lies on its side"
        found.append(
            f"The face {place} in the photo; it was turned upright, but such faces look different."
        )
    return tuple(found)
