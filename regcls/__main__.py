"""The commands: `python -m regcls --help`, or `regcls --help` where it is installed."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from regcls import __version__, commands
from regcls.study_time import duration

BAD_INPUT = 2  # exit code; 0 is success

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


class Task(StrEnum):
    """The tasks on real data."""

    age = "age"


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")]
TaskName = Annotated[Task, typer.Argument(help="Which task: age.")]
Data = Annotated[
    Path, typer.Option(help="Zip or folder of face photos (UTKFace names or an index).")
]
Index = Annotated[
    Path | None,
    typer.Option(help="Index with the columns age, path, split (IMDB-WIKI-DIR, AgeDB-DIR)."),
]
GridName = Annotated[str, typer.Argument(help="A grid's name, or a TOML file.")]
StorePath = Annotated[Path, typer.Option("--store", help="The file that keeps the results.")]
STORE = Path("runs/study.sqlite")
Runs = Annotated[Path, typer.Option(help="Folder of the training runs; finished ones are kept.")]


def plainly(command: Callable) -> Callable:
    """Bad input ends with one sentence on stderr and exit code 2, never with a traceback."""

    @functools.wraps(command)
    def wrapped(*args, **kwargs):
        try:
            return command(*args, **kwargs)
        except ModuleNotFoundError as error:
            say(f"The library {error.name} is missing: pip install -r requirements-training.txt.")
        except (ValueError, OSError) as error:
            say(sentence(error))
        except KeyboardInterrupt:
            say("Stopped.")
        raise typer.Exit(BAD_INPUT)

    return wrapped


def sentence(error: Exception) -> str:
    """The error's message as one line that starts and ends as a sentence does."""
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        text = " ".join(str(error).split()) or type(error).__name__
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def show_json(value: Any) -> None:
    print(json.dumps(commands.plain(value), allow_nan=False))


def show_table(records: list[dict], columns: list[str] | None = None) -> None:
    import pandas as pd

    table = pd.DataFrame(records, columns=columns)
    print(table.to_string(index=False, float_format=lambda v: f"{v:.4g}", na_rep="–"))


def show_report(report, as_json: bool) -> None:
    record = commands.report_record(report)
    if as_json:
        return show_json(record)
    show_table(record["ranges"], ["model", "low", "high", "train", "test", "mae", "rmse", "bias"])
    print()
    show_table(record["overall"], ["model", "mae", "mae_low", "mae_high", "rmse", "balanced_mae"])
    if "difference" in record:
        d = record["difference"]
        print(
            f"\n{d['a']} minus {d['b']}, MAE: {d['difference']:.4g} "
            f"[{d['low']:.4g}, {d['high']:.4g}] ({report.level:.0%} interval; negative: {d['a']} is better)"
        )


def progress(text: str) -> None:
    """One line that is written over; only where a person watches."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


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
    settings = commands.lab_settings(preset, values)
    result = commands.run_lab(settings, csv, lambda epoch, of: progress(f"epoch {epoch} of {of}"))
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


@app.command()
@plainly
def errors(
    predictions: Annotated[Path, typer.Argument(help="CSV with y_true and one column a model.")],
    ranges: Annotated[int, typer.Option(help="How many equal target ranges.")] = 10,
    edges: Annotated[str | None, typer.Option(help="Or the ranges' edges: 0,10,20,50.")] = None,
    train: Annotated[Path | None, typer.Option(help="CSV of the training targets.")] = None,
    as_json: AsJson = False,
):
    """Errors per target range of predictions in a file, with bootstrap intervals."""
    numbers = None if edges is None else [_number("edges", part) for part in edges.split(",")]
    show_report(commands.errors_of_file(predictions, ranges, numbers, train), as_json)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(
            f"{name} must be numbers with commas between them, not {text!r}"
        ) from error


@app.command()
@plainly
def predict(
    task: TaskName,
    files: Annotated[list[Path], typer.Argument(help="Photos.")],
    as_json: AsJson = False,
):
    """What both models say about each face; exit code 2 if any file could not be read."""
    from regcls.tasks.age import predict_files

    records = predict_files(files)
    good = [record for record in records if "problem" not in record]
    bad = [record for record in records if "problem" in record]
    if as_json:
        show_json({"task": task, "faces": good, "problems": bad})
    elif good:
        show_table(good)
    for record in bad:
        say(record["problem"])
    if bad:
        raise typer.Exit(BAD_INPUT)


@app.command()
@plainly
def evaluate(
    task: TaskName,
    data: Annotated[
        Path | None, typer.Option(help="Labelled faces; without it, the shipped test predictions.")
    ] = None,
    csv: Index = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    as_json: AsJson = False,
):
    """The pair's errors per target range, on its own test split or on your labelled photos."""
    show_report(commands.evaluate_age(data, csv, split), as_json)


@app.command()
@plainly
def train(
    task: TaskName,
    data: Data,
    out: Runs = Path("runs/age"),
    csv: Index = None,
    part: Annotated[str, typer.Option(help="Only reg or only regcls, to share the work.")] = "",
    as_json: AsJson = False,
):
    """Train the pair: search on val, then three seeds of each variant. Can be stopped and resumed."""

    def report(name: str, p) -> None:
        left = f"{p.seconds_left / 60:.0f} min left in this run"
        progress(f"{name}: {p.done:.0%}, epoch {p.epoch} of {p.epochs}, loss {p.loss:.3f}, {left}")

    record = commands.train_age(data, out, csv, part, report)
    progress("")
    if as_json:
        return show_json({"task": task, "runs": record})
    for variant, run in record.items():
        for seed, result in run["seeds"].items():
            print(f"{variant} seed {seed}: MAE {result['val_mae']:.2f} years on val")


@app.command()
@plainly
def export(
    task: TaskName,
    data: Data,
    runs: Runs = Path("runs/age"),
    out: Annotated[Path, typer.Option(help="Folder of the pair.")] = Path("models/age"),
    csv: Index = None,
    as_json: AsJson = False,
):
    """Write the trained pair as ONNX with its card and predictions; the median seed ships."""
    records = commands.export_age(data, runs, out, csv)
    show_json({"task": task, "models": records}) if as_json else show_table(records)


@models.command("list")
@plainly
def list_models(
    root: Annotated[Path | None, typer.Option(help="Another folder than models/.")] = None,
    as_json: AsJson = False,
):
    """All models, with task, variant, size and held-out error."""
    records = commands.list_models(root)
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
    """Does this file keep the contract? If not: one sentence, and exit code 2."""
    record = commands.check_model(file)
    if as_json:
        show_json(record)
    else:
        print(f"{file.name} keeps the contract: {record['task']}, {record['variant']}.")


@study.command("plan")
@plainly
def plan_study(name: GridName, store: StorePath = STORE, as_json: AsJson = False):
    """What a grid would train, what of it is stored, and about how long the rest takes."""
    from regcls import commands_study

    record = commands_study.plan(name, store)
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
    from regcls import commands_study

    if not (as_json or fresh):
        plan_study(name, store)

    def report(p) -> None:
        progress(f"{p.done} of {p.models} models, {p.share:.0%}, {duration(p.seconds_left)} left")

    record = commands_study.run(name, store, jobs, scheduler, on_lost, fresh, report, say)
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
    from regcls import commands_study

    record = commands_study.status(name, store)
    if as_json:
        return show_json(record)
    left = (
        f"; the rest takes about {duration(record['seconds_left'])}" if record["share"] < 1 else ""
    )
    print(f"{record['done']} of {record['models']} models are stored, {record['share']:.0%}{left}.")
    for runner in record["runners"]:
        print(f"Process {runner['pid']} on {runner['host']} is at work on {runner['grid']}.")


@study.command("show")
@plainly
def show_study(name: GridName, store: StorePath = STORE, as_json: AsJson = False):
    """Every cell: mean test errors, reg+cls against reg and the control, and published figures."""
    from regcls import commands_study

    record = commands_study.show(name, store)
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
    from regcls import commands_study

    record = commands_study.export(name, store, out, compact)
    if as_json:
        return show_json(record)
    print(f"{record['models']} models are in {out}, {record['bytes'] / 1e6:.2f} MB.")


if __name__ == "__main__":
    app(prog_name="python -m regcls")
