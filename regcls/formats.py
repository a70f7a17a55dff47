"""How numbers are written in sentences, tables and labels: one minus sign, one per cent sign."""

from __future__ import annotations

import math

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
    """Return a number with so many decimal places; what rounds to zero has no sign.

    Examples
    --------
    >>> fixed(-1.25, 1), fixed(-0.01, 1, signed=True), fixed(3, 2, signed=True)
    ('−1.2', '0.0', '+3.00')
    """
    plus = "+" if signed and round(value, places) != 0 else ""
    return f"{value:{plus}z.{places}f}".replace("-", MINUS)


def grouped(value: float, places: int = 0) -> str:
    """Return a number with so many decimal places and commas between its thousands.

    Examples
    --------
    >>> grouped(-12345.6), grouped(3), grouped(1234.5, 2)
    ('−12,346', '3', '1,234.50')
    """
    return f"{value:z,.{places}f}".replace("-", MINUS)


def counted(count: int, unit: str) -> str:
    """Return a number of things, with the plural of their name where it needs one.

    Examples
    --------
    >>> counted(1, "row"), counted(1234, "row"), counted(0, "input")
    ('1 row', '1,234 rows', '0 inputs')
    """
    return f"{grouped(count)} {unit}{'s' * (count != 1)}"


def percent(share: float, places: int = 0, *, signed: bool = False, short: bool = False) -> str:
    """Return a share in per cent.

    Parameters
    ----------
    share : float
        1 for all.
    places : int
        Decimal places.
    signed : bool
        Whether positive shares have a plus sign.
    short : bool
        Whether decimal places that are all zero are left out.

    Returns
    -------
    str

    Examples
    --------
    >>> percent(0.95), percent(-0.0825, 1, signed=True)
    ('95%', '−8.2%')
    >>> percent(0.9512, 1, short=True), percent(1, 1, short=True)
    ('95.1%', '100%')
    """
    text = fixed(100 * share, places, signed=signed)
    return f"{text.removesuffix('.' + '0' * places) if short else text}%"


def with_interval(value: float, low: float, high: float) -> str:
    """Return a value with its interval, if there is one, with the same decimal places.

    The largest of the numbers has three significant digits. There are more where an end would be
    printed as zero, which would contradict a verdict.

    Parameters
    ----------
    value, low, high : float
        A value and the ends of its interval, which are NaN without one.

    Returns
    -------
    str

    Examples
    --------
    >>> with_interval(-1.24, -2.063, -0.4192), with_interval(0.0622, 0.00196, 0.123)
    ('−1.24 [−2.06, −0.42]', '0.062 [0.002, 0.123]')
    >>> with_interval(0.05, 0.0004, 0.1), with_interval(12345.6, math.nan, math.nan)
    ('0.0500 [0.0004, 0.1000]', '12,346')
    """
    numbers = [value] if math.isnan(low) else [value, low, high]
    sizes = [abs(n) for n in numbers if n and math.isfinite(n)]
    if sizes and not 1e-4 < max(sizes) < 1e9:
        texts = [number(n) for n in numbers]
    else:
        places = _places(min(sizes, default=1.0), max(sizes, default=1.0))
        texts = [grouped(n, places) for n in numbers]
    return texts[0] + (f" [{', '.join(texts[1:])}]" if texts[1:] else "")


def rounded(value: float) -> str:
    """Return a number as `with_interval` does where there is no interval.

    Examples
    --------
    >>> rounded(18.0), rounded(0.66), rounded(12345.6)
    ('18.0', '0.660', '12,346')
    """
    return with_interval(value, math.nan, math.nan)


def plus_minus(value: float, spread: float) -> str:
    """Return a value with its spread, which has two significant digits, with the same decimal places.

    Parameters
    ----------
    value, spread : float
        A mean and its standard deviation, from 0.

    Returns
    -------
    str

    Examples
    --------
    >>> plus_minus(6.9, 0.1123), plus_minus(6.87, 0.0562), plus_minus(104.4, 12.3), plus_minus(7, 0)
    ('6.90 ± 0.11', '6.870 ± 0.056', '104 ± 12', '7.00 ± 0.00')
    """
    places = 1 - math.floor(math.log10(spread)) if spread > 0 else 2
    return f"{grouped(value, max(0, places))} ± {grouped(spread, max(0, places))}"


def _places(smallest: float, largest: float) -> int:
    """Return the decimal places of numbers of these sizes."""
    places = max(0, 2 - math.floor(math.log10(largest)))
    printed = (p for p in range(places, places + 4) if smallest >= 0.5 * 10.0**-p)
    return next(printed, places)
