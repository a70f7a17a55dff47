"""The photos of one session, with the true ages that the user enters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from regcls.exceptions import sentence
from regcls.io import images, labelled_zip
from regcls.tasks import gallery, pairs
from regcls.tasks.age import predict, table
from regcls.tasks.age.predict import FaceAges, PhotoAges
from regcls.tasks.pairs import Pair

ZIP_NAME = "The zip"  # of problems that concern the zip file itself


@dataclass
class Entry:
    """A photo of a gallery.

    Attributes
    ----------
    photo : PhotoAges
        Its predictions.
    truths : dict of int to float
        True ages in years, by index of the face.
    centre : bool
        Whether the user accepts the centre crop where no face was detected.
    """

    photo: PhotoAges
    truths: dict[int, float] = field(default_factory=dict)
    centre: bool = False

    @property
    def name(self) -> str:
        """Name that is shown."""
        return self.photo.name

    @property
    def faces(self) -> tuple[FaceAges, ...]:
        """Detected faces, or the centre crop if it is accepted."""
        return self.photo.faces if self.photo.found or self.centre else ()


class Gallery(gallery.Gallery[Entry]):
    """The photos of one session; see `regcls.tasks.gallery.Gallery`."""

    def add(self, data: bytes, name: str, pair: Pair, truth: float | None = None) -> str | None:
        """Predict for a photo, unless its content is already in the gallery.

        Parameters
        ----------
        data : bytes
            Content of the file.
        name : str
            Name of the file.
        pair : Pair
            The models.
        truth : float, optional
            True age of the largest face, in years.

        Returns
        -------
        str or None
            Key of the entry; None if the photo cannot be read, which is added to ``problems``.
        """
        key = self.key_of(data)
        if key not in self.entries:
            try:
                photo = predict.predict_photo(data, name, pair)
            except images.MediaError as error:
                self.refuse(name, error)
                return None
            self.entries[key] = Entry(replace(photo, name=self.free_name(name)))
        if truth is not None:
            self.entries[key].truths[0] = truth
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
                self.entries[key] = Entry(replace(photo, name=self.free_name(sample.title)))
        return self.add(data, sample.title, pair, sample.age)

    def add_zip(self, data: bytes, pair: Pair, report: Callable[[float], object]) -> str | None:
        """Add the photos of a labelled zip. The label is the true age of the largest face.

        Parameters
        ----------
        data : bytes
            Content of the zip file.
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
            photos = labelled_zip.read_labelled_zip(data)
        except images.MediaError as error:
            self.refuse(ZIP_NAME, error)
            return None
        keys = []
        for number, (name, content, truth, problem) in enumerate(photos, start=1):
            if problem:
                self.problems.append((name, sentence(problem)))
            if content is not None:
                keys.append(self.add(content, name, pair, truth))
            report(number / len(photos))
        return next((key for key in keys if key), None)

    def update_predictions(self, pair: Pair) -> None:
        """Predict again for the photos whose predictions come from other models.

        Parameters
        ----------
        pair : Pair
            The models.
        """
        for entry in self.entries.values():
            photo = entry.photo
            if set(photo.milliseconds) != set(pairs.sessions(pair)):
                crops = np.stack([face.views for face in photo.faces])
                doubts = [face.doubts for face in photo.faces]
                faces, milliseconds = predict.predict_faces(crops, pair, doubts)
                entry.photo = replace(photo, faces=tuple(faces), milliseconds=milliseconds)

    def labelled_faces(self) -> list[tuple[FaceAges, float]]:
        """Return all faces with a known age, with that age in years."""
        return [
            (entry.faces[i], truth)
            for entry in self.entries.values()
            for i, truth in sorted(entry.truths.items())
            if i < len(entry.faces)
        ]

    def records(self) -> list[dict[str, Any]]:
        """Return one record per face, and one for each photo without a face."""
        records: list[dict[str, Any]] = []
        for entry in self.entries.values():
            photo = entry.photo
            records += [
                table.row(photo.name, i + 1, face, photo.found, entry.truths.get(i))
                for i, face in enumerate(entry.faces)
            ]
            if not entry.faces:
                records.append({"photo": photo.name, "face": "none found"})
        return records
