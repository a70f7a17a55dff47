"""Model cards: what is stored about a model in its ONNX file, and the checks of these fields."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from regcls.exceptions import UserError
from regcls.stats.readouts import STATISTICS

KEY = "regcls"  # of the metadata entry that holds the card
SCHEMA = 2
READABLE = (1, 2)  # in schema 1, a card has no read-outs and one calibration, that of the value
TASKS = ("age", "depth", "progress")
VARIANTS = ("reg", "reg+cls")
READOUTS = ("value", "recalibrated", "class", "mixed")  # those of reg first

# Required fields of each part of a card; a part may have more.
_REQUIRED: dict[str, tuple[str, ...]] = {
    "target": ("name", "unit", "low", "high"),
    "input": ("height", "width"),
    "training_histogram": ("edges", "counts"),
    "metrics": ("overall", "shots", "seeds"),
    "training": (),
}


class ContractError(UserError):
    """A model file that violates the contract, or a model that cannot be run."""


@dataclass(frozen=True)
class Card:
    """Model card, stored as JSON in the metadata of the ONNX file.

    Attributes
    ----------
    task : str
        One of ``TASKS`` for models that have a page.
    variant : str
        ``"reg"`` or ``"reg+cls"``.
    target : dict
        ``name``, ``unit``, ``low``, ``high``.
    input : dict
        ``height`` and ``width`` in pixels.
    training_histogram : dict
        ``edges`` (K + 1,) in target units and ``counts`` (K,).
    metrics : dict
        Held-out metrics: ``overall``, ``shots``, ``seeds``.
    training : dict
        Data set, splits, seed, recipe, versions.
    licence, citation : str
        Of the model.
    classes : dict, optional
        ``edges`` (C + 1,) and ``kind``; None for reg.
    calibration : dict, optional
        By read-out: ``edges`` (K + 1,) over predictions, ``radius`` (K,) in target units, None in
        ranges with too few units, ``level``, and ``counts`` (K,), the units in each range.
    readouts : dict, optional
        See `regcls.inference.readouts`: ``metric``, ``val_error`` by read-out and ``best``;
        ``recalibrated`` with the knots ``x`` and ``y``; for reg+cls, ``prior`` (C,), and ``class``
        and ``mixed`` with ``tau``, ``statistic`` and ``weight``.
    schema : int
        Version of this layout.
    """

    task: str
    variant: str
    target: dict[str, Any]
    input: dict[str, int]
    training_histogram: dict[str, list[Any]]
    metrics: dict[str, Any]
    training: dict[str, Any]
    licence: str
    citation: str
    classes: dict[str, Any] | None = None
    calibration: dict[str, Any] | None = None
    readouts: dict[str, Any] | None = None
    schema: int = field(default=SCHEMA)

    @property
    def class_count(self) -> int:
        """Number of classes C; 0 for reg."""
        return len(self.classes["edges"]) - 1 if self.classes else 0

    def to_json(self) -> str:
        """Return the card as JSON, with null for NaN and infinities."""
        return json.dumps(_plain(asdict(self)), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Parse and check a card.

        Parameters
        ----------
        text : str
            JSON, as written by ``to_json``.

        Returns
        -------
        Card
            The card; unknown fields are ignored.

        Raises
        ------
        ContractError
            If it is not valid, with all missing fields.
        """
        try:
            data = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:  # the latter: nested too deeply
            raise ContractError(f"metadata '{KEY}' is not valid JSON ({error})") from error
        if not isinstance(data, dict):
            raise ContractError(f"metadata '{KEY}' is not a JSON object")
        _check_complete(data)
        if data["schema"] == 1:
            old = data.pop("calibration", None)
            data |= {"schema": SCHEMA, "calibration": old and {"value": old}, "readouts": None}
        known = {f.name for f in fields(cls)}
        card = cls(**{name: value for name, value in data.items() if name in known})
        _check_values(card)
        return card


def _check_complete(data: Mapping[str, Any]) -> None:
    if data.get("schema") not in READABLE:
        raise ContractError(
            f"the metadata has schema {data.get('schema')!r}; this version reads schemas "
            f"{' and '.join(map(str, READABLE))}"
        )
    optional = ("classes", "calibration", "readouts")
    required = [f.name for f in fields(Card) if f.name not in optional]
    missing = [name for name in required if data.get(name) in (None, "")]
    for part, names in _REQUIRED.items():
        if part in missing:
            continue
        if not isinstance(data[part], dict):
            raise ContractError(f"metadata '{part}' is not a JSON object")
        missing += [f"{part}.{name}" for name in names if data[part].get(name) is None]
    if missing:
        raise ContractError(f"the metadata lacks {', '.join(missing)}")


def _check_values(card: Card) -> None:
    if card.variant not in VARIANTS:
        raise ContractError(f"variant must be one of {', '.join(VARIANTS)}, not {card.variant!r}")
    if (card.variant == "reg+cls") != bool(card.classes):
        raise ContractError(
            "the metadata of a reg+cls model needs classes with edges and kind; "
            "that of a reg model must have no classes"
        )
    try:
        valid = float(card.target["low"]) < float(card.target["high"])
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise ContractError("target.low must be a number below target.high")
    _check_table("training_histogram", card.training_histogram, ("counts",))
    if card.classes:
        _check_table("classes", card.classes, ())
        if not card.classes.get("kind"):
            raise ContractError("the metadata lacks classes.kind")
    for name, table in _entries("calibration", card.calibration).items():
        part = f"calibration.{name}"
        _check_table(part, table, ("radius", "counts"))
        level = table.get("level")
        if not isinstance(level, int | float) or not 0 < level < 1:
            raise ContractError(f"{part}.level must be a number between 0 and 1")
    if card.readouts is not None:
        _check_readouts(card.readouts, card.class_count)


def _entries(part: str, value: Any) -> dict[str, Any]:
    """Return a part of a card that is an object or missing."""
    if value is not None and not isinstance(value, dict):
        raise ContractError(f"metadata '{part}' is not a JSON object")
    return value or {}


def _check_readouts(found: Any, classes: int) -> None:
    """Check that the parameters of each read-out are numbers of the right shape."""
    known = READOUTS if classes else READOUTS[:2]
    if _entries("readouts", found).get("best") not in known:
        raise ContractError(f"readouts.best must be one of {', '.join(known)}")
    try:
        _check_monotone(found["recalibrated"])
        if classes:
            _check_class_readouts(found, classes)
    except ContractError:
        raise
    except KeyError as error:
        raise ContractError(f"the metadata 'readouts' lacks {error}") from error
    except (TypeError, ValueError) as error:
        raise ContractError("metadata 'readouts' has an entry of the wrong type") from error


def _check_monotone(knots: Any) -> None:
    x, y = (np.asarray(knots[axis], np.float64) for axis in "xy")
    valid = x.ndim == 1 and x.shape == y.shape and len(x) > 0
    if not valid or not (np.diff(x) > 0).all() or not (np.diff(y) >= 0).all():
        raise ContractError("readouts.recalibrated must have ascending x and y of one length")


def _check_class_readouts(found: Mapping[str, Any], classes: int) -> None:
    prior = np.asarray(found["prior"], np.float64)
    if prior.shape != (classes,) or not (prior >= 0).all() or not prior.sum() > 0:
        raise ContractError(f"readouts.prior must be {classes} shares of classes")
    for name in ("class", "mixed"):
        numbers = [float(found[name][key]) for key in ("tau", "weight")]
        if found[name]["statistic"] not in STATISTICS or not np.isfinite(numbers).all():
            raise ContractError(f"readouts.{name} needs tau, weight and statistic")


def _check_table(part: str, table: Any, columns: tuple[str, ...]) -> None:
    """``edges`` must ascend; each column needs one number per range."""
    if not isinstance(table, dict):
        raise ContractError(f"metadata '{part}' is not a JSON object")
    try:
        edges = np.asarray(table["edges"], dtype=np.float64)
        values = {name: np.asarray(table[name], dtype=np.float64) for name in columns}
    except KeyError as error:
        raise ContractError(f"the metadata lacks {part}.{error.args[0]}") from error
    except (TypeError, ValueError) as error:
        raise ContractError(f"metadata '{part}' has an entry that is not a number") from error
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ContractError(f"{part}.edges must be two or more ascending numbers")
    for name, column in values.items():
        if column.shape != (len(edges) - 1,):
            raise ContractError(f"{part}.{name} must have {len(edges) - 1} numbers")


def _plain(value: Any) -> Any:
    """Convert NumPy values to plain Python, NaN and infinities to None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
