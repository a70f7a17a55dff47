"""Durations in words."""


def duration(seconds: float) -> str:
    """In the unit a person would use.

    >>> duration(5400)
    '1 h 30 min'
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
