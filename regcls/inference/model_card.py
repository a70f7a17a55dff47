"""Model cards: what is stored about a model in its ONNX file, and the checks of these fields."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from regcls.exceptions import UserError

KEY = "regcls"  # of the metadata entry that holds the card
SCHEMA = 1
TASKS = ("age", "depth", "progress")
VARIANTS = ("reg", "reg+cls")

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
        ``edges`` (K + 1,) over predictions, ``radius`` (K,) in target units, ``level``,
        ``counts`` (K,).
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
        known = {f.name for f in fields(cls)}
        card = cls(**{name: value for name, value in data.items() if name in known})
        _check_values(card)
        return card


def _check_complete(data: Mapping[str, Any]) -> None:
    if data.get("schema") != SCHEMA:
        raise ContractError(
            f"the metadata has schema {data.get('schema')!r}; this version reads schema {SCHEMA}"
        )
    required = [f.name for f in fields(Card) if f.name not in ("classes", "calibration")]
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
    if card.calibration is not None:
        _check_table("calibration", card.calibration, ("radius", "counts"))
        level = card.calibration.get("level")
        if not isinstance(level, int | float) or not 0 < level < 1:
            raise ContractError("calibration.level must be a number between 0 and 1")


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
