"""Time and memory that a Lab run would take."""

from __future__ import annotations

from dataclasses import dataclass

from regcls.lab.data import TEST_POINTS
from regcls.lab.settings import LabSettings
from regcls.nn.cost import comparison_seconds, count_units, count_weights

SLOW_SECONDS = 60.0
MEMORY_BUDGET = 1.5e9  # bytes


@dataclass(frozen=True)
class Estimate:
    """What a whole run would cost on a machine like ours (two cores)."""

    seconds: float
    bytes: float

    @property
    def warning(self) -> str | None:
        """A sentence to show before the start, None when there is nothing to say."""
        if self.bytes > MEMORY_BUDGET:
            return (
                f"This setting needs about {self.bytes / 1e9:.1f} GB of memory, more than the "
                f"{MEMORY_BUDGET / 1e9:.1f} GB the Lab allows. Take fewer repeats or samples."
            )
        if self.seconds > SLOW_SECONDS:
            minutes = self.seconds / 60
            return (
                f"This setting takes about {minutes:.0f} minute{'s' if minutes >= 1.5 else ''} "
                "to train. Fewer repeats, epochs or classes are faster."
            )
        return None

    @property
    def fits(self) -> bool:
        return self.bytes <= MEMORY_BUDGET


def estimate(settings: LabSettings) -> Estimate:
    """Time and memory of ``settings`` before anything is built, from a cost model (no torch)."""
    units, weights = count_units(settings.hidden), count_weights(settings.hidden)
    seconds = comparison_seconds(
        settings.hidden,
        settings.classes,
        runs=settings.repeats,
        batch=settings.batch,
        steps=settings.epochs * max(settings.steps_per_epoch, 1),
    )
    data = (
        settings.repeats * settings.samples * 8 * 5
    )  # as generated, and float32 for two ensembles
    activations = 4 * settings.repeats * settings.batch * (12 * units + 4 * settings.classes)
    heads = 4 * 5 * 3 * settings.repeats * (weights + settings.hidden[-1] * settings.classes)
    testing = 4 * 3 * settings.repeats * TEST_POINTS * 2 * max(settings.hidden)
    return Estimate(seconds, data + activations + heads + testing)
