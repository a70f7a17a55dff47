"""Size limits of files, and the wording that all readers share."""

from __future__ import annotations

from regcls.exceptions import UserError

DAMAGED = "is damaged or incomplete and cannot be read"  # after a file's name


def check_size(size: int, limit: int, name: str, error: type[UserError]) -> None:
    """Check that a file is not too large to be read.

    Parameters
    ----------
    size : int
        Its bytes.
    limit : int
        Maximum number of bytes.
    name : str
        Its name in the message.
    error : type of UserError
        What to raise.

    Raises
    ------
    UserError
        Of the given type, with both numbers.

    Examples
    --------
    >>> check_size(3_000_000, 2_000_000, "big.csv", UserError)
    Traceback (most recent call last):
    regcls.exceptions.UserError: big.csv has 3 MB; at most 2 MB are allowed
    """
    if size > limit:
        raise error(f"{name} has {size / 1e6:.0f} MB; at most {limit / 1e6:.0f} MB are allowed")
