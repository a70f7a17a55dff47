"""Checks of the arrays that statistics take, and their numerical floor."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

TINY = 1e-9  # floor of an absolute error in a logarithm, and of an error in a denominator


def vector(name: str, values: ArrayLike, length: int | None = None) -> NDArray[np.float64]:
    """Return values as a finite one-dimensional array.

    Parameters
    ----------
    name : str
        Name of the argument, for the error message.
    values : array-like of shape (N,)
        Numbers.
    length : int, optional
        Required number of values.

    Returns
    -------
    ndarray of shape (N,)
        The values as float64.

    Raises
    ------
    ValueError
        If there is no value, a value is not a finite number, or the length differs.

    Examples
    --------
    >>> vector("y_true", [1, 2])
    array([1., 2.])
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must contain numbers only") from error
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name} must be a non-empty list of numbers, not of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains values that are not finite (NaN or infinity)")
    if length is not None and len(array) != length:
        raise ValueError(f"{name} must have {length} values, not {len(array)}")
    return array


def checked_edges(edges: ArrayLike) -> NDArray[np.float64]:
    """Return the edges of ranges as an array.

    Parameters
    ----------
    edges : array-like of shape (K + 1,)
        Ascending numbers.

    Returns
    -------
    ndarray of shape (K + 1,)
        The edges as float64.

    Raises
    ------
    ValueError
        If there are fewer than two edges, or they do not ascend strictly.

    Examples
    --------
    >>> checked_edges([0, 5, 10])
    array([ 0.,  5., 10.])
    """
    array = vector("edges", edges)
    if len(array) < 2 or not (np.diff(array) > 0).all():
        raise ValueError("edges must be two or more ascending numbers")
    return array


def check_options(level: float, resamples: int, margin: float) -> None:
    """Check the options of intervals and verdicts.

    Parameters
    ----------
    level : float
        Coverage of intervals.
    resamples : int
        Number of bootstrap resamples.
    margin : float
        Share of an error below which a difference does not matter.

    Raises
    ------
    ValueError
        If one is out of its range; the message names it.

    Examples
    --------
    >>> check_options(0.95, 1000, 0.05)
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, not {level}")
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    if not 0 <= margin < 1:
        raise ValueError(f"margin must be from 0 to below 1, not {margin}")
