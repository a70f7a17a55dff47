"""Errors that the person using the product can put right, and how they are worded."""

from __future__ import annotations

import re

# A first word such as "faces.zip" or "target.low": names keep their spelling.
_NAME_FIRST = re.compile(r"\S+\.[A-Za-z]\w*(?=[\s:]|$)")


class UserError(ValueError):
    """Invalid input that the user can correct: a file, a setting or an option.

    The message names what is wrong with which file or field, what is expected and what to do
    next. It is written without a capital and without a full stop, so that it can follow a prefix;
    `sentence` adds both.

    Examples
    --------
    >>> UserError("epochs must be from 1 to 1000, not 0").sentence
    'Epochs must be from 1 to 1000, not 0.'
    """

    @property
    def sentence(self) -> str:
        """The message as one complete sentence."""
        return sentence(self)


def sentence(error: BaseException | str) -> str:
    """Return an error's message as one line that starts with a capital and ends with a stop.

    Parameters
    ----------
    error : BaseException or str
        The error, or its message. Line breaks become spaces; an ``OSError`` is reduced to its file
        and reason; an error without a message is named by its type. A message that starts with the
        name of a file or field gets no capital.

    Returns
    -------
    str
        The sentence, as the command line and the pages show it.

    Examples
    --------
    >>> sentence(FileNotFoundError(2, "No such file or directory", "faces.zip"))
    'faces.zip: No such file or directory.'
    >>> sentence("faces.zip is empty")
    'faces.zip is empty.'
    """
    if isinstance(error, OSError) and error.strerror:
        # A file name keeps its own spelling: no capital is forced on it.
        reason = f"{error.strerror[:1].upper()}{error.strerror[1:]}"
        text = f"{error.filename}: {error.strerror}" if error.filename else reason
    else:
        words = " ".join(str(error).split())
        text = words or type(error).__name__
        if not _NAME_FIRST.match(text):
            text = text[0].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."
