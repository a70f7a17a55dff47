"""The chart of a task's test errors per target range, with the visitor's own errors."""

from __future__ import annotations

from dataclasses import replace

from pages.components import charts, task_models
from regcls.exceptions import sentence
from regcls.stats.errors import ErrorReport

# The name of a dashed line, and the target values that it marks.
Mark = tuple[str, float | list[float] | None]


def draw(
    task: str,
    unit: str,
    caption: str,
    own: ErrorReport | None,
    own_name: str,
    mark: Mark | None = None,
) -> None:
    """Draw the errors of the task's pair, with ``own`` errors as diamonds."""
    from regcls.plotting.errors import errors_per_range

    _, report = task_models.models(task)
    name, at = mark or ("", None)
    picture = errors_per_range(report, unit, task, mark=at, extra=own)
    legend = [f"dashed line: {name}"] if mark else []
    legend += [f"diamonds: {own_name}"] if own is not None else []
    key = f" {sentence('; '.join(legend))}" if legend else ""
    charts.draw(replace(picture, caption=caption + key))
