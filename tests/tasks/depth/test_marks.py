"""Marks for unknown depth are left out and counted; far depths stay."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.tasks.depth import marks


def scene(low: float = 500.0, high: float = 6000.0) -> np.ndarray:
    """100 × 100 different depths, as integers."""
    return np.rint(np.linspace(low, high, 10_000)).astype(np.float32).reshape(100, 100)


def with_mark(values: np.ndarray, mark: float, count: int) -> np.ndarray:
    values = values.copy()
    values.ravel()[:count] = mark
    return values


MARKS = {
    "65535": (with_mark(scene(), 65535, 2000), "2,000 pixels (20%) with the value 65535"),
    "65535 once": (with_mark(scene(), 65535, 1), "1 pixel (0.01%) with the value 65535"),
    "65535 beside × 5000": (with_mark(scene(2500, 30_000), 65535, 50), "a common mark"),
    "65.535 m": (with_mark(scene() / 1000, 65.535, 50), "the value 65.535, far outside"),
    "1e10": (with_mark(scene() / 1000, 1e10, 50), "50 pixels (0.50%) with the value 1e+10"),
    "1e10 once": (with_mark(scene() / 1000, 1e10, 1), "1 pixel (0.01%) with the value 1e+10"),
    "minus one": (with_mark(scene(), -1, 300), "300 pixels (3%) with negative values"),
}


@pytest.mark.parametrize(("values", "words"), MARKS.values(), ids=MARKS.keys())
def test_a_mark_is_left_out_with_a_note(values, words):
    cleaned, notes = marks.removed(values, "d.png")
    (note,) = notes
    assert note.startswith("Left out of d.png as unknown: ") and words in note
    outside = (values < 0) | (values == values.max() if values.min() > 0 else False)
    assert (cleaned[outside] == 0).all()
    np.testing.assert_array_equal(cleaned[~outside], values[~outside])


def test_two_marks_give_two_notes():
    values = with_mark(with_mark(scene(), 65535, 100), 4e9, 10)
    cleaned, notes = marks.removed(values, "d.png")
    assert len(notes) == 2 and (cleaned == 0).sum() == 100


def test_zeros_and_nan_are_the_convention_and_get_no_note():
    values = scene()
    values[0] = 0
    values[1] = np.nan
    values[2] = np.inf
    cleaned, notes = marks.removed(values, "d.png")
    assert notes == () and (cleaned[:3] == 0).all() and (cleaned[3:] > 0).all()


KEPT = {
    "a clip at 10 m": with_mark(scene(500, 9900) / 1000, 10.0, 3000),
    "one far pixel": with_mark(scene() / 1000, 60.0, 1),
    "a window": with_mark(scene() / 1000, 25.0, 500),
    "two walls": np.repeat(np.array([[1.0, 9.0]], np.float32), 50, 1),
    "65535 among fractions": with_mark(scene(9000, 65_000) + 0.5, 65535, 100),
}


@pytest.mark.parametrize("values", KEPT.values(), ids=KEPT.keys())
def test_far_depths_are_kept(values):
    cleaned, notes = marks.removed(values, "d.png")
    assert notes == ()
    np.testing.assert_array_equal(cleaned, values)
