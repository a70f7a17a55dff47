"""Text for people: durations, and suggestions for misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def duration(seconds: float) -> str:
    """Return a duration in words.

    Parameters
    ----------
    seconds : float
        The duration in seconds.

    Returns
    -------
    str
        In seconds below 90 s, in minutes below 90 min, else in hours and minutes.

    Examples
    --------
    >>> duration(12.3), duration(600), duration(5400)
    ('12 s', '10 min', '1 h 30 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most similar to a misspelt one.

    Parameters
    ----------
    word : str
        The unknown word.
    known : iterable of str
        The words to choose from.

    Returns
    -------
    str or None
        None if no known word is similar.

    Examples
    --------
    >>> closest("seviere", ["mild", "moderate", "severe"])
    'severe'
    """
    return next(iter(difflib.get_close_matches(word, sorted(known), 1, 0.5)), None)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the end of an error message about an unknown word.

    Parameters
    ----------
    word : str
        The unknown word.
    known : iterable of str
        The words to choose from.

    Returns
    -------
    str
        A clause that begins with a semicolon: the closest known word, or else all of them.

    Examples
    --------
    >>> suggestion("seviere", ["mild", "moderate", "severe"])
    "; did you mean 'severe'?"
    >>> suggestion("x", ["mild", "severe"])
    '; choose from: mild, severe'
    """
    known = sorted(known)
    if near := closest(word, known):
        return f"; did you mean {near!r}?"
    return f"; choose from: {', '.join(known)}"
