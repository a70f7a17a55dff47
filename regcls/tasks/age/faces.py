"""Faces in a photo, and each one cropped as the training photos are.

The detector is YuNet (Wu et al., *YuNet: A Tiny Millisecond-level Face Detector*, 2023; MIT
licence), run by OpenCV. It gives five landmarks a face, and the crop is the similarity transform
that puts them where they are in the median UTKFace crop.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

WEIGHTS = Path(__file__).with_name("yunet_2023mar.onnx")
# Long sides, in pixels, at which a photo is searched: the detector is made for faces of 10 to 300
# pixels, so the large one finds groups and the small one faces that fill the photo.
SEARCH_SIDES = (1280, 320)
MIN_SCORE = 0.7
MAX_OVERLAP = 0.3  # intersection over union
MAX_FACES = 12
# The landmarks of a tilted face lean towards upright, so each face is looked at again, turned
# upright by what is known so far and drawn this large, its crop in the middle half.
REFINING_SIDE, REFINEMENTS = 320, 2
# Where right eye, left eye, nose tip and mouth corners lie in a training crop, as shares of its
# side: medians over 800 training photos of UTKFace (all 800 were detected).
TEMPLATE = np.array(
    [[0.2865, 0.2925], [0.6840, 0.2970], [0.4760, 0.5065], [0.3120, 0.6800], [0.6425, 0.6860]]
)
_detector_lock = threading.Lock()  # one detector: its input size is state


@dataclass(frozen=True)
class Face:
    """``box``: left, top, width, height; ``points``: five (x, y), both in pixels; ``score`` 0..1."""

    box: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...]
    score: float

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        return self.box[2] * self.box[3]


def detect(pixels: np.ndarray) -> list[Face]:
    """All faces of an RGB photo uint8 (H, W, 3), the largest first; at most ``MAX_FACES``."""
    longest = max(pixels.shape[:2])
    sides = sorted({min(side, longest) for side in SEARCH_SIDES}, reverse=True)
    found = [face for side in sides for face in _detect_at(pixels, side)]
    largest = sorted(_without_doubles(found), key=lambda face: -face.area)[:MAX_FACES]
    return [_refined(pixels, face) for face in largest]


def crop(pixels: np.ndarray, face: Face, side: int) -> np.ndarray:
    """The face turned, scaled and shifted as in a training crop: uint8 (side, side, 3)."""
    return _warp(pixels, _similarity(np.array(face.points), TEMPLATE), side)


def centre_crop(pixels: np.ndarray, side: int) -> np.ndarray:
    """The largest square in the middle of the photo, for when no face is found."""
    height, width = pixels.shape[:2]
    scale = 1 / min(height, width)
    left, top = (width * scale - 1) / 2, (height * scale - 1) / 2
    return _warp(pixels, np.array([[scale, 0, -left], [0, scale, -top]]), side)


@lru_cache(maxsize=1)
def _detector():
    import cv2

    logging = cv2.utils.logging
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_ERROR)  # it warns of a default target; nothing is wrong
    try:
        return cv2.FaceDetectorYN.create(str(WEIGHTS), "", (320, 320), MIN_SCORE, MAX_OVERLAP)
    finally:
        logging.setLogLevel(level)


def _detect_at(pixels: np.ndarray, side: int) -> list[Face]:
    """Faces found when the photo's long side is shrunk to ``side``, in the photo's own pixels."""
    import cv2

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    if scale < 1:
        pixels = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    with _detector_lock:
        detector = _detector()
        detector.setInputSize(small)
        _, rows = detector.detect(np.ascontiguousarray(pixels[:, :, ::-1]))
    if rows is None:
        return []
    x, y = width / small[0], height / small[1]
    to_photo = np.array([x, y] * 7 + [1.0])
    return [_face(row) for row in rows * to_photo if np.isfinite(row).all()]


def _refined(pixels: np.ndarray, face: Face) -> Face:
    """The same face with better landmarks; as it is when it is not found again."""
    for _ in range(REFINEMENTS):
        middle = _similarity(np.array(face.points), 0.25 + TEMPLATE / 2)
        again = _detect_at(_warp(pixels, middle, REFINING_SIDE), REFINING_SIDE)
        if not again:
            return face
        central = min(again, key=_distance_from_middle)
        if _distance_from_middle(central) > REFINING_SIDE / 8:
            return face
        turn = np.linalg.inv(middle[:, :2])
        points = (np.array(central.points) / REFINING_SIDE - middle[:, 2]) @ turn.T
        face = replace(face, points=tuple((float(x), float(y)) for x, y in points))
    return face


def _distance_from_middle(face: Face) -> float:
    """From the centre of the face's landmarks to the centre of the refining view, in pixels."""
    return float(np.hypot(*(np.mean(face.points, axis=0) - REFINING_SIDE / 2)))


def _face(row: np.ndarray) -> Face:
    points = tuple((float(x), float(y)) for x, y in row[4:14].reshape(5, 2))
    return Face(tuple(map(float, row[:4])), points, float(row[14]))


def _without_doubles(found: list[Face]) -> list[Face]:
    """The surest face of each place: the same face is found at several sizes of the photo."""
    kept: list[Face] = []
    for face in sorted(found, key=lambda face: -face.score):
        if all(_overlap(face, other) < MAX_OVERLAP for other in kept):
            kept.append(face)
    return kept


def _overlap(a: Face, b: Face) -> float:
    """Intersection over union of two boxes."""
    width = min(a.box[0] + a.box[2], b.box[0] + b.box[2]) - max(a.box[0], b.box[0])
    height = min(a.box[1] + a.box[3], b.box[1] + b.box[3]) - max(a.box[1], b.box[1])
    common = max(width, 0) * max(height, 0)
    return common / max(a.area + b.area - common, 1e-9)


def _similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least-squares rotation, scale and shift (2, 3) from ``source`` (P, 2) to ``target`` (P, 2).

    In the complex plane, where it is m·z + t, the least-squares m is a single quotient.
    """
    z, w = source @ [1, 1j], target @ [1, 1j]
    centred, aim = z - z.mean(), w - w.mean()
    m = np.vdot(centred, aim) / max(np.vdot(centred, centred).real, 1e-9)
    t = w.mean() - m * z.mean()
    return np.array([[m.real, -m.imag, t.real], [m.imag, m.real, t.imag]])


def _warp(pixels: np.ndarray, to_unit: np.ndarray, side: int) -> np.ndarray:
    """Resample so that ``to_unit`` maps the photo onto the unit square, drawn ``side`` pixels wide.

    Drawn several times larger and then averaged where the photo is finer than the crop, since
    bilinear sampling alone would alias. Outside the photo its edge is repeated.
    """
    import cv2

    scale = np.hypot(to_unit[0, 0], to_unit[1, 0]) * side
    finer = int(np.clip(np.ceil(1 / max(scale, 1e-9)), 1, 16))
    large = side * finer
    matrix = to_unit * large
    # Pixel centres lie at halves of the unit squares that the matrix speaks of.
    matrix[:, 2] += matrix[:, 0] * 0.5 + matrix[:, 1] * 0.5 - 0.5
    drawn = cv2.warpAffine(
        pixels, matrix, (large, large), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if finer == 1:
        return drawn
    return cv2.resize(drawn, (side, side), interpolation=cv2.INTER_AREA)


def outlined(pixels: np.ndarray, found: list[Face], longest: int = 480) -> np.ndarray:
    """A small copy of the photo with each face's box and number (1 is the largest) drawn on it."""
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    for number, face in enumerate(found, start=1):
        left, top, across, down = (round(v * scale) for v in face.box)
        for colour, thick in (((0, 0, 0), 4), ((255, 255, 255), 2)):  # seen on any background
            cv2.rectangle(small, (left, top), (left + across, top + down), colour, thick)
            at = (left + 4, top + 20)
            cv2.putText(small, str(number), at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, thick)
    return small
