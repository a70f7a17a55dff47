"""The photos of one session, with the measured depth that the user adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from regcls.inference.contract import Card
from regcls.io import images
from regcls.stats.errors import ErrorReport
from regcls.tasks import gallery, pairs, reports
from regcls.tasks.depth import depth_zip, ground_truth, predict
from regcls.tasks.depth.ground_truth import TrueDepth
from regcls.tasks.depth.metrics import metrics
from regcls.tasks.depth.predict import EDGES, PhotoDepth
from regcls.tasks.depth.units import AUTO
from regcls.tasks.pairs import Pair

ZIP_NAME = "The zip"  # of problems that concern the zip file itself
TILE = 12  # pixels per side of the tiles that intervals resample: errors of neighbours correlate


@dataclass
class Entry:
    """A photo of a gallery.

    Attributes
    ----------
    photo : PhotoDepth
        Its predictions.
    measured : TrueDepth or None
        Its depth file, if there is one.
    """

    photo: PhotoDepth
    measured: TrueDepth | None = None

    @property
    def name(self) -> str:
        """Name that is shown."""
        return self.photo.name

    @property
    def truth(self) -> np.ndarray | None:
        """True depth in metres at the size of the maps, 0 where unknown; None if not known."""
        return None if self.measured is None else self.measured.metres


class Gallery(gallery.Gallery[Entry]):
    """The photos of one session; see `regcls.tasks.gallery.Gallery`."""

    def add(self, data: bytes, name: str, pair: Pair) -> str | None:
        """Predict for a photo, unless its content is already in the gallery.

        Parameters
        ----------
        data : bytes
            Content of the file.
        name : str
            Name of the file.
        pair : Pair
            The models.

        Returns
        -------
        str or None
            Key of the entry; None if the photo cannot be read, which is added to ``problems``.
        """
        key = self.key_of(data)
        if key not in self.entries:
            try:
                self.entries[key] = Entry(predict.predict_photo(data, name, pair))
            except images.MediaError as error:
                self.refuse(name, error)
                return None
        return key

    def add_sample(self, sample: predict.Sample, pair: Pair) -> str | None:
        """Add a shipped sample; the predictions stored with the app are used if they fit.

        Parameters
        ----------
        sample : Sample
            The sample.
        pair : Pair
            The models.

        Returns
        -------
        str or None
            Key of the entry; see `add`.
        """
        data = sample.read()
        key = self.key_of(data)
        if key not in self.entries and sample == predict.FIRST_SAMPLE:
            photo = predict.first_sample(pair)
            if photo is not None:
                self.entries[key] = Entry(photo)
        return self.add(data, sample.title, pair)

    def add_truth(self, key: str, data: bytes, name: str, unit: str = AUTO) -> bool:
        """Add the true depth of a photo; it replaces one that was added before.

        Parameters
        ----------
        key : str
            Key of the entry.
        data : bytes
            Content of a file for `ground_truth.read`.
        name : str
            Name of the file.
        unit : str, default "auto"
            A key of `regcls.tasks.depth.units.UNITS`, or "auto" to guess it.

        Returns
        -------
        bool
            Whether the file could be read; if not, the reason is added to ``problems``. Its unit
            can still be unknown, see `TrueDepth.problem`.
        """
        try:
            measured = ground_truth.read(data, name, self.entries[key].photo)
        except images.MediaError as error:
            self.refuse(name, error)
            return False
        (self.entries[key].measured,) = ground_truth.decided([measured], unit)
        return True

    def remove_truth(self, key: str) -> None:
        """Remove the true depth of a photo, and forget the problems of earlier files.

        Parameters
        ----------
        key : str
            Key of the entry.
        """
        self.entries[key].measured = None
        self.problems.clear()

    def set_unit(self, key: str, unit: str) -> None:
        """Change the unit of a photo's true depth, and of the files that share its decision.

        Parameters
        ----------
        key : str
            Key of the entry, which has a true depth.
        unit : str
            A key of `regcls.tasks.depth.units.UNITS`, or "auto" to guess it.
        """
        first = self.entries[key].measured
        assert first is not None, "the photo has no true depth"
        alike = [entry for entry in self.entries.values() if _share(entry.measured, first)]
        self._decide(alike, unit)

    def add_zip(self, data: bytes, pair: Pair, report: Callable[[float], object]) -> str | None:
        """Add the photos of a zip with their depth files, whose unit is decided once per format.

        Parameters
        ----------
        data : bytes
            Content of the zip file; see `depth_zip.read`.
        pair : Pair
            The models.
        report : callable
            Called with the share of the photos that are done, 0 to 1.

        Returns
        -------
        str or None
            Key of the first photo; None if no photo could be added.
        """
        try:
            photos, problems = depth_zip.read(data)
        except images.MediaError as error:
            self.refuse(ZIP_NAME, error)
            return None
        self.problems += problems
        keys: list[str] = []
        joined: list[Entry] = []
        set_key = self.key_of(data)
        for number, found in enumerate(photos, start=1):
            key = self.add(found.photo, found.name, pair)
            if key is not None:
                keys.append(key)
                if found.depth_name and self.add_truth(key, found.depth, found.depth_name):
                    joined.append(self._joined(key, set_key))
            report(number / len(photos))
        self._decide(joined, AUTO)
        return keys[0] if keys else None

    def _joined(self, key: str, set_key: str) -> Entry:
        """Let a file share the decision about its unit with those of its format in its zip."""
        entry = self.entries[key]
        assert entry.measured is not None
        kind = entry.measured.stored.kind
        entry.measured = replace(entry.measured, set_key=f"{set_key} {kind}")
        return entry

    @staticmethod
    def _decide(entries: Iterable[Entry], unit: str) -> None:
        measured = [(entry, entry.measured) for entry in entries if entry.measured is not None]
        decided = ground_truth.decided([file for _, file in measured], unit)
        for (entry, _), file in zip(measured, decided, strict=True):
            entry.measured = file

    def update_predictions(self, pair: Pair) -> None:
        """Predict again for the photos whose predictions come from other models.

        The models run on the copies that are kept of the photos.

        Parameters
        ----------
        pair : Pair
            The models.
        """
        for entry in self.entries.values():
            photo = entry.photo
            if set(photo.depth) != set(pairs.sessions(pair)):
                again = predict.predict_photo(predict.png(photo.pixels), photo.name, pair)
                entry.photo = replace(again, notes=photo.notes, pixels=photo.pixels)

    def report(self, card: Card) -> ErrorReport | None:
        """Return the errors over all photos with a true depth whose unit is known.

        Parameters
        ----------
        card : Card
            Card of a shipped model, for the training counts.

        Returns
        -------
        ErrorReport or None
            Errors in metres, per metre of depth; None without a true depth.
        """
        return own_report(self.entries.values(), card)


def _share(measured: TrueDepth | None, first: TrueDepth) -> bool:
    """Whether two files share the decision about their unit."""
    if measured is None or not first.set_key:
        return measured is first
    return measured.set_key == first.set_key


def own_report(entries: Iterable[Entry], card: Card) -> ErrorReport | None:
    """Return the errors of photos with a true depth, in the ranges of `predict.pair_report`.

    Parameters
    ----------
    entries : iterable of Entry
        Photos; those without a true depth are left out.
    card : Card
        Card of a shipped model, for the training counts.

    Returns
    -------
    ErrorReport or None
        Errors in metres up to the end of the last range; None without a true depth there. Intervals
        resample tiles of `TILE` pixels.
    """
    known = [
        (entry.photo, truth)
        for entry in entries
        if (truth := entry.truth) is not None and _in_ranges(truth).any()
    ]
    if not known:
        return None
    models = reports.common_models(photo.depth for photo, _ in known)
    truths: list[np.ndarray] = []
    tiles: list[np.ndarray] = []
    predictions: dict[str, list[np.ndarray]] = {model: [] for model in models}
    first = 0
    for photo, truth in known:
        v, u = np.nonzero(_in_ranges(truth))
        truths.append(truth[v, u])
        across = -(-truth.shape[1] // TILE)
        tiles.append(first + v // TILE * across + u // TILE)
        first = tiles[-1].max() + 1
        for model in models:
            predictions[model].append(photo.depth[model][v, u])
    return ErrorReport.from_predictions(
        np.concatenate(truths),
        {model: np.concatenate(parts) for model, parts in predictions.items()},
        EDGES,
        train_counts=reports.train_counts(card, EDGES),
        clusters=np.concatenate(tiles),
    )


def _in_ranges(truth: np.ndarray) -> np.ndarray:
    """Mask the pixels with a depth in the ranges of the report; depth farther away has none."""
    return (truth > 0) & (truth <= EDGES[-1])


def own_metrics(entry: Entry) -> pd.DataFrame:
    """Return the metrics of a photo with a true depth.

    Parameters
    ----------
    entry : Entry
        The photo.

    Returns
    -------
    DataFrame
        One row per model: ``model`` and `regcls.tasks.depth.metrics.METRICS`.
    """
    whole = entry.truth
    assert whole is not None, "the photo has no true depth"
    known = whole > 0
    truth = whole[known]
    rows = [{"model": m, **metrics(truth, d[known])} for m, d in entry.photo.depth.items()]
    return pd.DataFrame(rows).round(3)
