"""The commands: `python -m regcls --help`, or `regcls --help` where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regcls import __version__
from regcls.cli import advise, errors, tasks, theory
from regcls.cli import models as cli_models
from regcls.cli.output import (
    BAD_INPUT,
    AsJson,
    plainly,
    progress,
    say,
    sentence,
    show_json,
    show_table,
)
from regcls.utils.text import duration

app = typer.Typer(
    help="Does classification help regression? Train, predict, evaluate and compare.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
models = typer.Typer(help="The shipped models: list them, or check a file against the contract.")
app.add_typer(models, name="models", no_args_is_help=True)
study = typer.Typer(help="Grids of 1D experiments: plan, run, watch, read and export them.")
app.add_typer(study, name="study", no_args_is_help=True)
errors.register(app)
tasks.register(app)
theory.register(app)
advise.register(app)


GridName = Annotated[str, typer.Argument(help="A grid's name, or a TOML file.")]
StorePath = Annotated[Path, typer.Option("--store", help="The file that keeps the results.")]
STORE = Path("runs/study.sqlite")


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False):
    if version:
        print(__version__)


@app.command()
@plainly
def lab(
    preset: Annotated[str | None, typer.Option(help="A preset of the Lab page, by name.")] = None,
    scenario: Annotated[str | None, typer.Option(help="clean, noisy or ood.")] = None,
    sampling: Annotated[str | None, typer.Option(help="uniform, mild, moderate or severe.")] = None,
    classes: Annotated[int | None, typer.Option(help="Number of classes C.")] = None,
    weight: Annotated[
        float | None, typer.Option(help="λ, the weight of the regression loss.")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Runs, each with its own data.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the first run.")] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any setting of the Lab's address."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write the test errors of all epochs here.")
    ] = None,
    as_json: AsJson = False,
):
    """Train one comparison: reg, reg+cls, and the control (reg with reg+cls's loss scale)."""
    named = {
        "scenario": scenario, "sampling": sampling, "classes": classes, "weight": weight,
        "lr": lr, "repeats": repeats, "epochs": epochs, "seed": seed,
    }  # fmt: skip
    values = {name: str(value) for name, value in named.items() if value is not None}
    for text in sets or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set needs NAME=VALUE, not {text!r}")
        values[name.strip()] = value.strip()
    settings = cli_models.lab_settings(preset, values)
    result = cli_models.run_lab(settings, csv, lambda epoch, of: progress(f"epoch {epoch} of {of}"))
    progress("")
    if as_json:
        return show_json(result)
    show_table([{"model": m, "median test MSE": v} for m, v in result["test_mse"].items()])
    print()
    for verdict in result["verdicts"]:
        line = (
            f"reg+cls against {verdict['b']}: {verdict['words']} Won {verdict['wins']:.0%} of runs"
        )
        print(f"{line}; median ratio of test errors {verdict['median_ratio']:.3f}.")


@models.command("list")
@plainly
def list_models(
    root: Annotated[Path | None, typer.Option(help="Another folder than models/.")] = None,
    as_json: AsJson = False,
):
    """All models, with task, variant, size and held-out error."""
    records = cli_models.list_models(root)
    if as_json:
        show_json({"models": records})
    elif records:
        show_table(records, ["file", "task", "variant", "classes", "megabytes", "mae", "unit"])
    else:
        print("There are no models yet.")


@models.command("check")
@plainly
def check_model(
    file: Annotated[Path, typer.Argument(help="An ONNX file.")], as_json: AsJson = False
):
    """Does this file keep the contract, and run? If not: one sentence, and exit code 2."""
    record = cli_models.check_model(file)
    if as_json:
        show_json(record)
    else:
        print(f"{file.name} keeps the contract and runs: {record['task']}, {record['variant']}.")


@study.command("plan")
@plainly
def plan_study(name: GridName, store: StorePath = STORE, as_json: AsJson = False):
    """What a grid would train, what of it is stored, and about how long the rest takes."""
    from regcls.cli import study as cli_study

    record = cli_study.plan(name, store)
    if as_json:
        return show_json(record)
    print(f"{record['grid']}: {record['title']}.")
    print(
        f"{record['cells']} cells, {record['models']} models, {record['regcls']} of them reg+cls; "
        f"{record['done']} are stored. The rest takes about {duration(record['seconds'])}."
    )


@study.command("run")
@plainly
def run_study(
    name: GridName,
    store: StorePath = STORE,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; all cores if not said.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler whose workers train.")
    ] = None,
    on_lost: Annotated[
        str, typer.Option(help="If the scheduler is lost: local or stop.")
    ] = "local",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Put a damaged store aside and start a new one.")
    ] = False,
    as_json: AsJson = False,
):
    """Train all that is missing of a grid. Can be stopped (Ctrl-C) and started again at any time."""
    from regcls.cli import study as cli_study

    if not (as_json or fresh):
        plan_study(name, store)

    def report(p) -> None:
        progress(f"{p.done} of {p.models} models, {p.share:.0%}, {duration(p.seconds_left)} left")

    record = cli_study.run(name, store, jobs, scheduler, on_lost, fresh, report, say)
    progress("")
    if record["note"]:
        say(sentence(ValueError(record["note"])))
    if as_json:
        show_json(record)
    else:
        print(
            f"{'Stopped' if record['stopped'] else 'Finished'}: {record['done']} of "
            f"{record['models']} models are stored, {record['trained']} of them trained now, in "
            f"{duration(record['seconds'])}."
        )
    if record["note"] and record["stopped"]:
        raise typer.Exit(BAD_INPUT)


@study.command("status")
@plainly
def study_status(name: GridName, store: StorePath = STORE, as_json: AsJson = False):
    """How far a grid is, how long the rest takes, and who is at work."""
    from regcls.cli import study as cli_study

    record = cli_study.status(name, store)
    if as_json:
        return show_json(record)
    left = (
        f"; the rest takes about {duration(record['seconds_left'])}" if record["share"] < 1 else ""
    )
    print(f"{record['done']} of {record['models']} models are stored, {record['share']:.0%}{left}.")
    for runner in record["runners"]:
        print(f"Process {runner['pid']} on {runner['host']} is at work on {runner['grid']}.")
    for run in record["elsewhere"]:
        print(f"Process {run['pid']} is at work on {run['grid']}, into {run['store']}.")


@study.command("show")
@plainly
def show_study(name: GridName, store: StorePath = STORE, as_json: AsJson = False):
    """Every cell: mean test errors, reg+cls against reg and the control, and published figures."""
    from regcls.cli import study as cli_study

    record = cli_study.show(name, store)
    if as_json:
        return show_json(record)
    where = "which ship with regcls" if record["source"] == "shipped" else f"in {store}"
    print(f"{record['grid']}: {record['models']} of {record['planned']} models, {where}.\n")
    show_table(
        record["cells"],
        [
            *record["varied"], "runs", "reg_mse", "control_mse", "regcls_mse", "ratio",
            "ratio_low", "ratio_high", "wins", "p_holm", "control_ratio", "control_ratio_low",
            "control_ratio_high", "control_wins", "control_p_holm",
        ],
    )  # fmt: skip
    print(
        "\nratio: median over runs of the test MSE of reg+cls over that of reg (control_ratio: over "
        "that of reg with the same loss scale), with 95 % intervals; p: Wilcoxon, Holm-corrected."
    )


@study.command("export")
@plainly
def export_study(
    name: GridName,
    out: Annotated[Path, typer.Argument(help="A .parquet or .csv file to write.")],
    store: StorePath = STORE,
    compact: Annotated[
        bool, typer.Option("--compact", help="Less precise, and less about a search's models.")
    ] = False,
    as_json: AsJson = False,
):
    """Write a row a trained model: its configuration, errors, curve and versions."""
    from regcls.cli import study as cli_study

    record = cli_study.export(name, store, out, compact)
    if as_json:
        return show_json(record)
    print(f"{record['models']} models are in {out}, {record['bytes'] / 1e6:.2f} MB.")


if __name__ == "__main__":
    app(prog_name="python -m regcls")
