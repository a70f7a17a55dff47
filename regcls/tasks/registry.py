"""The tasks: their names, what their files show, and where their parts are."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from regcls.exceptions import UserError

if TYPE_CHECKING:
    import pandas as pd

    from regcls.stats.errors import ErrorReport
    from regcls.tasks.pairs import Pair


@dataclass(frozen=True)
class Task:
    """One task of the shipped pairs. Its modules are imported on first use.

    Attributes
    ----------
    name : str
        Name in commands, addresses, folders and cards.
    title : str
        Name in headings.
    records : str
        What there is one record for: faces, photos or videos.
    unit : str
        Unit of the errors.
    has_frames : bool
        Whether the files are videos, read frame by frame.
    """

    name: str
    title: str
    records: str
    unit: str
    has_frames: bool = False

    def load(self) -> Pair:
        """Load the shipped pair; see `regcls.tasks.pairs.load`."""
        from regcls.tasks import pairs

        return pairs.load(self.name)

    def pair_report(self, pair: Pair) -> ErrorReport:
        """Return the errors of a pair on its test predictions, per target range.

        Parameters
        ----------
        pair : Pair
            A pair of this task.

        Returns
        -------
        ErrorReport
            Errors in `unit`.
        """
        report: ErrorReport = self._module("predict").pair_report(pair)
        return report

    def readout_table(self, pair: Pair) -> pd.DataFrame:
        """Return the test errors of all read-outs of a pair.

        Parameters
        ----------
        pair : Pair
            A pair of this task.

        Returns
        -------
        DataFrame
            See `regcls.tasks.reports.held_out_readouts`; errors in `unit`.
        """
        table: pd.DataFrame = self._module("predict").readout_table(pair)
        return table

    def predict_files(
        self, files: Iterable[Path], frames: int | None = None, part: bool = False
    ) -> list[dict[str, Any]]:
        """Predict for files with both models of the shipped pair.

        Parameters
        ----------
        files : iterable of Path
            Photos or videos.
        frames : int, optional
            Largest number of frames to read per video. Videos only.
        part : bool, default False
            Whether the videos do not show the whole activity, so that no true progress is known.
            Videos only.

        Returns
        -------
        list of dict
            One record per face, photo or video; a file that cannot be read gives a record with a
            ``problem``.

        Raises
        ------
        ContractError
            If there is no valid pair.
        UserError
            If an option does not apply to this task or is out of range.
        """
        table = self._module("table")
        if not self.has_frames:
            if frames is not None or part:
                raise UserError(f"--frames and --part are for videos, not for {self.name}")
            records: list[dict[str, Any]] = table.predict_files(files, self.load())
            return records
        if frames is not None and frames < 1:
            raise UserError(f"--frames must be at least 1, not {frames}")
        budget = {} if frames is None else {"budget": frames}
        records = table.predict_files(files, self.load(), whole=not part, **budget)
        return records

    def _module(self, part: str) -> ModuleType:
        return importlib.import_module(f"regcls.tasks.{self.name}.{part}")


TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task("age", "Age", "faces", "years"),
        Task("depth", "Depth", "photos", "m"),
        Task("progress", "Progress", "videos", "percentage points", has_frames=True),
    )
}


def get(name: str) -> Task:
    """Return the task of a name.

    Parameters
    ----------
    name : str
        Name of the task.

    Returns
    -------
    Task
        The task.

    Raises
    ------
    UserError
        If there is no such task.

    Examples
    --------
    >>> get("depth").records
    'photos'
    """
    if name not in TASKS:
        raise UserError(f"there is no task {name!r}; choose from {', '.join(TASKS)}")
    return TASKS[name]
