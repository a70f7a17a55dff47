"""Units of stored depth: guess the unit from a model's prediction, and convert to metres.

The unit is the one in which the median ratio of true to predicted depth is nearest to 1 on a log
scale. On the shipped pair's 654 test photos that ratio is 0.54 to 1.75, while the units differ by
factors of at least 2.56. Inverse depth falls where the prediction rises, so their rank correlation
is negative.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regcls.io.images import MediaError

AUTO = "auto"
PLAUSIBLE = 2.5  # a ratio up to this factor from 1 may be the error of a model
POSSIBLE = 6.0  # with a ratio farther from 1 in each unit, the unit is not guessed
OPPOSITE = -0.3  # a rank correlation below this means inverse depth; 1 of 654 test photos has less
ALIKE = 0.3  # a rank correlation above this means depth
# × 256 and × 5000 are ways to write depth as integers, so other numbers are less likely in them.
_NOT_WHOLE = math.log(1.5)
_MOST_PIXELS = 20_000  # for the rank correlation


@dataclass(frozen=True)
class Unit:
    """A unit in which depth is stored.

    Attributes
    ----------
    words : str
        Name, as in "read as metres × 256".
    factor : float
        Stored value of one metre.
    for_integers : bool
        Whether it is only in use to write depth as integers.
    inverse : bool
        Whether the stored value is 1 / depth.
    """

    words: str
    factor: float
    for_integers: bool = False
    inverse: bool = False


UNITS: Mapping[str, Unit] = {
    "m": Unit("metres", 1.0),
    "mm": Unit("millimetres", 1000.0),
    "cm": Unit("centimetres", 100.0),
    "x256": Unit("metres × 256", 256.0, for_integers=True),
    "x5000": Unit("metres × 5000", 5000.0, for_integers=True),
    "inverse": Unit("inverse depth (1/m)", 1.0, inverse=True),
}
CHOICES = (AUTO, *UNITS)


@dataclass(frozen=True)
class Comparison:
    """Stored values held against a prediction, before the unit is known.

    Attributes
    ----------
    ratio : float
        Median of stored value / predicted depth, in log units.
    product : float
        Median of stored value × predicted depth, in log units.
    rank : float
        Spearman's rank correlation of stored values and predicted depth; 0 if one is constant.
    whole : bool
        Whether all stored values are integers.
    """

    ratio: float
    product: float
    rank: float
    whole: bool

    def distance(self, unit: str) -> float:
        """Return the log of the median ratio of true to predicted depth in a unit."""
        chosen = UNITS[unit]
        return -self.product if chosen.inverse else self.ratio - math.log(chosen.factor)


@dataclass(frozen=True)
class Reading:
    """In which unit a depth file, or a set of files, is read, and why.

    Attributes
    ----------
    unit : str
        A key of `UNITS`.
    chosen : bool
        Whether the user chose it; otherwise it was guessed.
    kind : str
        Format of the files.
    ratio : float
        Median ratio of true to predicted depth in this unit.
    rank : float
        Rank correlation of stored values and predicted depth.
    files : int
        Number of files.
    doubt : str
        Why the unit should be checked, as a sentence; "" if it is clear.
    """

    unit: str
    chosen: bool
    kind: str
    ratio: float
    rank: float
    files: int = 1
    doubt: str = ""

    @property
    def sentence(self) -> str:
        """The unit, the evidence for it, and what speaks against it."""
        chosen = ", as chosen" if self.chosen else ""
        files = f", {self.files} files" if self.files > 1 else ""
        predictions = "predictions" if self.files > 1 else "prediction"
        rank = f" and the rank correlation {self.rank:.2f}" if UNITS[self.unit].inverse else ""
        text = (
            f"Depth read as {UNITS[self.unit].words}{chosen} ({self.kind}{files}): the median "
            f"ratio to the {predictions} is {self.ratio:.3g}{rank}."
        )
        return f"{text} {self.doubt}" if self.doubt else text


def compare(stored: np.ndarray, prediction: np.ndarray) -> Comparison:
    """Compare stored values with a predicted depth map.

    Parameters
    ----------
    stored : ndarray, shape (h, w)
        Stored values, 0 where unknown; at least one is positive.
    prediction : ndarray, shape (h, w)
        Predicted depth in metres.

    Returns
    -------
    Comparison
        The medians over all pixels with a known depth.
    """
    from scipy import stats

    known = stored > 0
    values = np.log(stored[known].astype(np.float64))
    predicted = np.log(np.maximum(prediction[known].astype(np.float64), 1e-6))
    step = -(-len(values) // _MOST_PIXELS)
    varied = np.ptp(values[::step]) > 0 and np.ptp(predicted[::step]) > 0
    rank = stats.spearmanr(values[::step], predicted[::step]).statistic if varied else 0.0
    whole = bool((stored == np.rint(stored)).all())
    return Comparison(
        float(np.median(values - predicted)),
        float(np.median(values + predicted)),
        float(rank),
        whole,
    )


def read_as(comparisons: Sequence[Comparison], kind: str, unit: str = AUTO) -> Reading:
    """Decide the unit of a set of files of one format.

    Parameters
    ----------
    comparisons : sequence of Comparison
        One per file, at least one.
    kind : str
        Format of the files, for the sentence.
    unit : str, default "auto"
        A key of `UNITS`, or "auto" to guess it.

    Returns
    -------
    Reading
        The unit and the evidence.

    Raises
    ------
    MediaError
        If the unit is to be guessed and none fits.

    Examples
    --------
    >>> stored, predicted = np.array([[2500.0, 3100.0]]), np.array([[2.4, 3.0]])
    >>> read_as([compare(stored, predicted)], "16-bit PNG").sentence
    'Depth read as millimetres (16-bit PNG): the median ratio to the prediction is 1.04.'
    """
    pooled = _pooled(comparisons)
    guess, doubt = _guess(pooled)
    if unit == AUTO:
        if guess is None:
            raise MediaError(doubt)
        read = guess
    else:
        read, doubt = unit, _contradiction(pooled, unit, guess)
    return Reading(
        read,
        unit != AUTO,
        kind,
        math.exp(pooled.distance(read)),
        pooled.rank,
        len(comparisons),
        doubt,
    )


def metres(stored: np.ndarray, unit: str) -> np.ndarray:
    """Convert stored values to metres.

    Parameters
    ----------
    stored : ndarray
        Stored values, 0 where unknown.
    unit : str
        A key of `UNITS`.

    Returns
    -------
    ndarray of float32
        Depth in metres, 0 where unknown.

    Examples
    --------
    >>> metres(np.array([0, 256, 512]), "x256").tolist()
    [0.0, 1.0, 2.0]
    >>> metres(np.array([0, 0.5]), "inverse").tolist()
    [0.0, 2.0]
    """
    values = np.asarray(stored, np.float32)
    if not UNITS[unit].inverse:
        return values / np.float32(UNITS[unit].factor)
    with np.errstate(divide="ignore", over="ignore"):
        inverse = 1 / values
    return np.where(np.isfinite(inverse), inverse, np.float32(0))


def _pooled(comparisons: Sequence[Comparison]) -> Comparison:
    return Comparison(
        float(np.median([c.ratio for c in comparisons])),
        float(np.median([c.product for c in comparisons])),
        float(np.median([c.rank for c in comparisons])),
        all(c.whole for c in comparisons),
    )


def _guess(found: Comparison) -> tuple[str | None, str]:
    """Return the unit and what makes it doubtful, or None and why there is none."""
    if found.rank < OPPOSITE:
        return _guess_inverse(found)
    costs = {key: abs(found.distance(key)) for key in UNITS if _is_candidate(key, found)}
    for key in costs:
        if UNITS[key].for_integers and not found.whole:
            costs[key] += _NOT_WHOLE
    first, *others = sorted(costs, key=costs.__getitem__)
    ratio = math.exp(found.distance(first))
    if not _within(ratio, POSSIBLE):
        return None, (
            f"the unit of the true depth is not clear: the median ratio to the prediction is "
            f"{ratio:.3g} in {UNITS[first].words}, and farther from 1 in all other units; choose "
            "the unit, and check that the file is absolute depth and belongs to this photo"
        )
    also = [key for key in others if _within(math.exp(found.distance(key)), PLAUSIBLE)]
    if also:
        listed = " and ".join(
            f"{UNITS[key].words} ({math.exp(found.distance(key)):.3g})" for key in also
        )
        return first, f"Also plausible by the ratio: {listed}; check the unit."
    if not _within(ratio, PLAUSIBLE):
        return first, "That is far from 1; check the unit, and that the file is of this photo."
    if UNITS[first].inverse:
        return first, "The rank correlation does not show whether it is inverse; check the unit."
    return first, ""


def _is_candidate(unit: str, found: Comparison) -> bool:
    """Whether a unit is possible: inverse depth in 1/m is no integer and does not rise with depth."""
    return not UNITS[unit].inverse or (not found.whole and found.rank <= ALIKE)


def _guess_inverse(found: Comparison) -> tuple[str | None, str]:
    ratio = math.exp(found.distance("inverse"))
    if _within(ratio, PLAUSIBLE):
        return "inverse", ""
    return None, (
        f"the values fall where the predicted depth rises (rank correlation {found.rank:.2f}), but "
        f"they are not 1/m either (median ratio {ratio:.3g}): this looks like disparity or relative "
        "inverse depth, which has no unit; convert it to metres, or choose the unit"
    )


def _contradiction(found: Comparison, unit: str, guess: str | None) -> str:
    """Return what speaks against a unit that was chosen."""
    if guess in (None, unit) or _within(math.exp(found.distance(unit)), PLAUSIBLE):
        return ""
    other = math.exp(found.distance(guess))
    return f"In {UNITS[guess].words} it would be {other:.3g}; check the unit."


def _within(ratio: float, factor: float) -> bool:
    return 1 / factor <= ratio <= factor
