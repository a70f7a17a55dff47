"""Estimated time and memory of a Lab run."""

from __future__ import annotations

from dataclasses import dataclass

from regcls.exceptions import UserError
from regcls.lab.data import TEST_POINTS
from regcls.lab.settings import LabSettings
from regcls.nn.cost import comparison_seconds, count_units, count_weights

SLOW_SECONDS = 60.0  # the page warns of longer runs
MEMORY_BUDGET = 1.5e9  # bytes


@dataclass(frozen=True)
class Estimate:
    """Estimated cost of a whole run on two CPU cores.

    Attributes
    ----------
    seconds : float
        Training time.
    bytes : float
        Memory.
    """

    seconds: float
    bytes: float

    @property
    def fits(self) -> bool:
        """Whether the run stays within the memory limit."""
        return self.bytes <= MEMORY_BUDGET

    @property
    def warning(self) -> str | None:
        """A sentence to show before the run starts; None if it is neither large nor slow."""
        if not self.fits:
            return self._too_large().sentence
        if self.seconds > SLOW_SECONDS:
            minutes = self.seconds / 60
            return (
                f"Training takes about {minutes:.0f} minute{'s' if minutes >= 1.5 else ''} with "
                "these settings. Fewer repeats, epochs or classes are faster."
            )
        return None

    def check(self) -> None:
        """Check that the run stays within the memory limit.

        Raises
        ------
        UserError
            If it does not.
        """
        if not self.fits:
            raise self._too_large()

    def _too_large(self) -> UserError:
        return UserError(
            f"these settings need about {self.bytes / 1e9:.1f} GB of memory, but the limit is "
            f"{MEMORY_BUDGET / 1e9:.1f} GB; use fewer repeats or samples"
        )


def estimate(settings: LabSettings) -> Estimate:
    """Estimate the cost of a run without building anything.

    Parameters
    ----------
    settings : LabSettings
        Settings of the run.

    Returns
    -------
    Estimate
        Seconds and bytes.

    Examples
    --------
    >>> estimate(LabSettings(repeats=1)).fits
    True
    """
    units, weights = count_units(settings.hidden), count_weights(settings.hidden)
    seconds = comparison_seconds(
        settings.hidden,
        settings.classes,
        runs=settings.repeats,
        batch=settings.batch,
        steps=settings.epochs * max(settings.steps_per_epoch, 1),
    )
    # Data as generated, and as float32 for two ensembles.
    data = settings.repeats * settings.samples * 8 * 5
    activations = 4 * settings.repeats * settings.batch * (12 * units + 4 * settings.classes)
    parameters = 4 * 5 * 3 * settings.repeats * (weights + settings.hidden[-1] * settings.classes)
    testing = 4 * 3 * settings.repeats * TEST_POINTS * 2 * max(settings.hidden)
    return Estimate(seconds, data + activations + parameters + testing)
