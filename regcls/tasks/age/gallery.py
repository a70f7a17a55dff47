"""The photos of one visitor, with true ages where they are given."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from regcls.io import images, labelled_zip
from regcls.tasks import pairs as tasks_pairs
from regcls.tasks.age.predict import FaceAges, PhotoAges, ask, look
from regcls.tasks.age.table import row
from regcls.tasks.pairs import Pair


@dataclass
class Entry:
    """A photo of an album; ``truths`` in years by face (0 is the largest). ``centre``: whether the
    visitor takes the centre crop for want of a face."""

    photo: PhotoAges
    truths: dict[int, float] = field(default_factory=dict)
    centre: bool = False

    @property
    def faces(self) -> tuple[FaceAges, ...]:
        """The faces that count: none where none was found and the centre crop was not taken."""
        return self.photo.faces if self.photo.found or self.centre else ()


class Gallery:
    """A visitor's photos, each looked at once and told apart by content; problems by file name."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.problems: list[tuple[str, str]] = []

    def add(self, data: bytes, name: str, pair: Pair, truth: float | None = None) -> str | None:
        """Look at a photo unless it is here already; its key, or None with a new problem."""
        key = hashlib.sha256(data).hexdigest()
        if key not in self.entries:
            try:
                photo = look(data, name, pair)
            except images.MediaError as error:
                self.problems.append((name, str(error)))
                return None
            self.entries[key] = Entry(replace(photo, name=self._free_name(name)))
        if truth is not None:
            self.entries[key].truths[0] = truth
        return key

    def update_predictions(self, pair: Pair) -> None:
        """Ask all of a pair's models where other ones have answered."""
        for entry in self.entries.values():
            photo = entry.photo
            if set(photo.milliseconds) != set(tasks_pairs.sessions(pair)):
                faces, times = ask(np.stack([face.crop for face in photo.faces]), pair)
                entry.photo = replace(photo, faces=tuple(faces), milliseconds=times)

    def add_zip(self, data: bytes, pair: Pair, tell: Callable[[float], None]) -> str | None:
        """Add a labelled zip; the first photo's key. ``tell`` hears the share done, 0..1.

        A true age is taken to be that of the largest face.
        """
        try:
            photos = labelled_zip.read_labelled_zip(data)
        except images.MediaError as error:
            self.problems.append(("The zip", str(error)))
            return None
        keys = []
        for number, (name, content, truth, problem) in enumerate(photos, start=1):
            if problem:
                self.problems.append((name, problem))
            if content is not None:
                keys.append(self.add(content, name, pair, truth))
            tell(number / len(photos))
        return next((key for key in keys if key), None)

    def labelled_faces(self) -> list[tuple[FaceAges, float]]:
        """Every face whose true age is known."""
        return [
            (entry.faces[i], truth)
            for entry in self.entries.values()
            for i, truth in sorted(entry.truths.items())
            if i < len(entry.faces)
        ]

    def records(self) -> list[dict]:
        """A record a face; photos without a face are named as well."""
        records: list[dict] = []
        for entry in self.entries.values():
            photo = entry.photo
            records += [
                row(photo.name, i + 1, face, photo.found, entry.truths.get(i))
                for i, face in enumerate(entry.faces)
            ]
            if not entry.faces:
                records.append({"photo": photo.name, "face": "none found"})
        return records

    def _free_name(self, name: str) -> str:
        taken = {entry.photo.name for entry in self.entries.values()}
        options = (f"{name} ({number})" if number > 1 else name for number in count(1))
        return next(option for option in options if option not in taken)
