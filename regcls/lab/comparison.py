"""One comparison of the Lab, trained to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from regcls.lab import cost
from regcls.lab.run import Lab
from regcls.lab.settings import LabSettings


def train_comparison(
    settings: LabSettings, csv: Path | None, report: Callable[[int, int], None]
) -> dict[str, Any]:
    """Train one comparison to its end.

    Parameters
    ----------
    settings : LabSettings
        Settings of the runs.
    csv : Path or None
        File for the test error of each epoch, model and run.
    report : callable
        Called with the completed and the total number of epochs after each epoch.

    Returns
    -------
    dict
        Settings, median test MSE by model, verdicts and errors per target range.

    Raises
    ------
    UserError
        If the runs need more memory than allowed.
    """
    cost.estimate(settings).check()
    lab = Lab(settings)
    while not lab.done:
        lab.advance_epoch()
        report(lab.epoch, settings.epochs)
    if csv is not None:
        lab.history.to_csv(csv, index=False)
    median = lab.history_bands()
    last = median[median["epoch"] == median["epoch"].max()].set_index("model")["median"]
    return {
        "settings": asdict(settings),
        "test_mse": last.to_dict(),
        "verdicts": [
            {"a": "reg+cls", "b": v.other, "words": v.words, **asdict(v.paired)}
            for v in lab.verdicts()
        ],
        "errors": lab.errors().table().to_dict("records"),
    }
