"""What the galleries of all tasks share: one session's files, stored by content."""

from __future__ import annotations

import hashlib
from itertools import count
from typing import Generic, Protocol, TypeVar

from regcls.exceptions import UserError


class Named(Protocol):
    """An entry of a gallery."""

    @property
    def name(self) -> str:
        """Name that is shown."""
        ...


E = TypeVar("E", bound=Named)


class Gallery(Generic[E]):
    """The files of one session: each is processed once and identified by its content.

    Attributes
    ----------
    entries : dict of str to E
        Entries by the SHA-256 of their file, in the order they were added.
    problems : list of tuple
        File name and message, as a sentence, of each file that could not be used.

    Examples
    --------
    >>> gallery = Gallery()
    >>> gallery.key_of(b"")[:12]
    'e3b0c44298fc'
    """

    def __init__(self) -> None:
        self.entries: dict[str, E] = {}
        self.problems: list[tuple[str, str]] = []

    @staticmethod
    def key_of(data: bytes) -> str:
        """Return the key of a file: the SHA-256 of its content, in hexadecimal."""
        return hashlib.sha256(data).hexdigest()

    def remove(self, key: str) -> None:
        """Remove an entry, and forget the problems of earlier files.

        Parameters
        ----------
        key : str
            Key of the entry.
        """
        del self.entries[key]
        self.problems.clear()

    def free_name(self, name: str) -> str:
        """Return a name that no entry has: ``name``, else with a number, such as "photo.jpg (2)".

        Parameters
        ----------
        name : str
            Name of the file.

        Returns
        -------
        str
            The name to show.
        """
        taken = {entry.name for entry in self.entries.values()}
        options = (f"{name} ({number})" if number > 1 else name for number in count(1))
        return next(option for option in options if option not in taken)

    def refuse(self, name: str, error: UserError) -> None:
        """Record that a file could not be used.

        Parameters
        ----------
        name : str
            Name of the file.
        error : UserError
            The reason.
        """
        self.problems.append((name, error.sentence))
