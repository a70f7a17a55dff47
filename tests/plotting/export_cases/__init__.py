"""Every chart of the app, made from small data, with the tables that the pages show beside it."""

from __future__ import annotations

from collections.abc import Callable

from tests.plotting.export_cases import own_data, studies, synthetic, tasks
from tests.plotting.export_cases.shown import Case

# By the function that draws it; a second case of the same function has a word after its name.
CASES: dict[str, Callable[[], Case]] = {
    "regcls.plotting.errors.errors_per_range": tasks.errors_per_range,
    "regcls.plotting.errors.errors_per_range own": tasks.own_errors,
    "regcls.plotting.errors.probabilities": tasks.probabilities,
    "regcls.plotting.mixture.reweighted": own_data.reweighted,
    "regcls.lab.charts.predictions": synthetic.lab_predictions,
    "regcls.lab.charts.function": synthetic.lab_function,
    "regcls.lab.charts.history": synthetic.lab_history,
    "regcls.lab.charts.class_map": synthetic.lab_class_map,
    "regcls.theory.charts.per_range": synthetic.theory_per_range,
    "regcls.theory.charts.by_bins": synthetic.theory_by_bins,
    "regcls.theory.charts.over_imbalance": synthetic.theory_over_imbalance,
    "regcls.inference.charts.training": tasks.inference_training,
    "regcls.tasks.depth.charts.shares": tasks.depth_shares,
    "regcls.tasks.progress.charts.over_time": tasks.progress_over_time,
    "regcls.lab.replay_chart.last_frame": synthetic.home_replay,
    "regcls.tabular.charts.target": own_data.tabular_target,
    "regcls.tabular.charts.changes": own_data.tabular_changes,
    "regcls.tabular.charts.per_range": own_data.tabular_per_range,
    "regcls.predictions.charts.distribution": own_data.prediction_distribution,
    "regcls.predictions.charts.errors": own_data.prediction_errors,
    "regcls.predictions.charts.differences": own_data.prediction_differences,
    "regcls.predictions.charts.coverage": own_data.prediction_coverage,
    "regcls.predictions.charts.density": own_data.prediction_density,
    "regcls.predictions.charts.residuals": own_data.prediction_residuals,
    "regcls.study.effect_chart.effect_map": studies.study_effects,
    "regcls.study.effect_chart.effect_map control": lambda: studies.study_effects("control"),
    "regcls.study.error_chart.error_curves": studies.study_errors,
    "regcls.study.range_chart.range_errors": studies.study_ranges,
}
