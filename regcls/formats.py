"""How numbers are written in sentences, tables and labels: one minus sign, one per cent sign."""

from __future__ import annotations

MINUS = "−"


def number(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """Return a number with so many significant digits.

    Parameters
    ----------
    value : float
        The number.
    digits : int
        Significant digits.
    signed : bool
        Whether positive numbers have a plus sign.

    Returns
    -------
    str
        With the minus sign of typography.

    Examples
    --------
    >>> number(-0.24187), number(7), number(0.5, signed=True)
    ('−0.242', '7', '+0.5')
    """
    return f"{value:{'+' * signed}.{digits}g}".replace("-", MINUS)


def fixed(value: float, places: int, *, signed: bool = False) -> str:
    """Return a number with so many decimal places; a rounded zero has no minus sign.

    Examples
    --------
    >>> fixed(-1.25, 1), fixed(-0.01, 1), fixed(3, 2, signed=True)
    ('−1.2', '0.0', '+3.00')
    """
    return f"{value:{'+' * signed}z.{places}f}".replace("-", MINUS)


def percent(share: float, places: int = 0, *, signed: bool = False) -> str:
    """Return a share in per cent.

    Examples
    --------
    >>> percent(0.95), percent(-0.0825, 1, signed=True)
    ('95%', '−8.2%')
    """
    return f"{fixed(100 * share, places, signed=signed)}%"
