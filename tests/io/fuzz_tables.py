"""Tables in random dialects, written from known numbers, and what reading them gives.

python -m tests.io.fuzz_tables [--examples 50000] [--seed 0] [--json]
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st

from regcls.exceptions import UserError
from regcls.io.numbers import as_numbers
from regcls.io.reading import SEPARATORS, Reading
from regcls.io.tables import Table, read_table

TRUSTED = ("comma", "bar", "space")  # where 1.234 without any other proof has a decimal point
THOUSANDS = ("", "", "", ",", ".", " ", "\u00a0", "\u202f", "'", "’", "indian")
MINUS = ("-", "-", "-", "−", "–", "－")
MARKS = ("", "", "NA", "N/A", "#N/A", "NaN", "nan", "null", "None", "-", "?", ".", "—")
ENCODINGS = (
    "utf-8",
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "cp1252",
    "cp1251",
    "gbk",
    "cp932",
)
NAMES = {
    "cp1251": ("возраст", "прогноз", "модель два", "ошибка"),
    "gbk": ("年龄", "预测", "模型", "误差"),
    "cp932": ("年齢", "予測", "モデル", "誤差"),
    "cp1252": ("größe", "prévision", "modèle", "año"),
    "": ("y_true", "pred", "model b", "error (m)"),
}
WORDS = ("north", "south-west", "a b", "5in", "ok", "x,y", "u;v", 'say "hi"', "two\nlines", "é")
ABOVE = ("", "", "", "# run 12\n# fold 3\n", "Results 2024\n\n", "\n\n", "# a, b; c\n", "sep")
FOOTERS = ("", "", "", "", "(end of file)\n", "\n\n", "40 rows\n")


@dataclass(frozen=True)
class Written:
    """A file, and the numbers that it was written from."""

    data: bytes
    name: str
    columns: list[list[float]]
    names: list[str] | None
    words: list[str] | None
    reading: Reading
    clear: bool  # something proves how it is to be read
    convention: bool = False  # points group digits, and nothing proves it
    dialect: dict[str, object] = field(default_factory=dict)


@st.composite
def tables(draw: st.DrawFn) -> Written:
    """A table in a random dialect."""
    separator = draw(st.sampled_from(["comma", "semicolon", "tab", "bar", "space"]))
    decimal = draw(st.sampled_from(["point", "comma"]))
    grouping = draw(st.sampled_from(THOUSANDS))
    if grouping == {"point": ".", "comma": ","}[decimal] or (
        grouping == "indian" and decimal == "comma"
    ):
        grouping = ""
    if separator == "space" and grouping == " ":
        grouping = ""
    minus = draw(st.sampled_from(MINUS))
    mark = draw(st.sampled_from(MARKS))
    if separator == "space" and not mark:
        mark = "NA"
    rows = draw(st.integers(2, 25))
    texts, columns = [], []
    count = draw(st.integers(1, 4))
    if count == 1 and not mark:
        mark = "NA"  # an empty line is no row
    for _ in range(count):
        # Numbers come from one seed: only the dialect is worth shrinking, and it is faster.
        random = Random(draw(st.integers(0, 2**32)))
        canonical = _column(random, rows)
        gaps = random.choice([0.0, 0.0, 0.2])
        # The first and the last row are filled: empty rows at the end are skipped.
        missing = [0 < row < rows - 1 and random.random() < gaps for row in range(rows)]
        columns.append(
            [math.nan if m else float(t) for m, t in zip(missing, canonical, strict=True)]
        )
        style = draw(st.sampled_from(["plain"] * 12 + ["list", "tensor", "percent"]))
        texts.append(
            [
                mark if m else _formatted(t, decimal, grouping, minus, style)
                for m, t in zip(missing, canonical, strict=True)
            ]
        )
        if style == "percent":
            columns[-1] = [value / 100 for value in columns[-1]]
    words = None
    if separator != "space" and len(columns) > 1 and draw(st.booleans()):
        words = [random.choice(WORDS) for _ in range(rows)]
    return _written(draw, separator, decimal, mark, texts, columns, words)


def _column(random: Random, rows: int) -> list[str]:
    """Numbers of one column as printed with a decimal point."""
    kind = random.choice(["integers", "large", "fixed", "varied", "science", "thousandths"])
    places, scale = random.randint(1, 6), random.choice([1, 10, 1000, 1e6])
    low = random.choice([-1, 0])
    numbers = [random.uniform(low, 1) for _ in range(rows)]
    if kind in ("integers", "large"):
        factor = 100 if kind == "integers" else 5e7
        return [str(round(number * factor)) for number in numbers]
    if kind == "thousandths":
        return [f"{number * scale:.3f}" for number in numbers]
    if kind == "fixed":
        return [f"{number * scale:.{places}f}" for number in numbers]
    if kind == "science":
        return [f"{number * scale:.{places}e}" for number in numbers]
    return [repr(round(number * scale, places)) for number in numbers]


def _formatted(text: str, decimal: str, grouping: str, minus: str, style: str) -> str:
    if style in ("list", "tensor"):
        return f"[{text}]" if style == "list" else f"tensor({text}, device='cuda:0')"
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, point, rest = digits.partition(".")
    if grouping and "e" not in text:
        whole = _indian(whole) if grouping == "indian" else f"{int(whole):,}".replace(",", grouping)
    mark = "," if decimal == "comma" else "."
    end = "%" if style == "percent" else ""
    return (minus if sign else "") + whole + (mark if point else "") + rest + end


def _indian(whole: str) -> str:
    head, tail = whole[:-3], whole[-3:]
    groups = []
    while head:
        groups.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*groups, tail])


def _written(draw, separator, decimal, mark, texts, columns, words) -> Written:
    encoding = draw(st.sampled_from(ENCODINGS))
    names = list(NAMES.get(encoding, NAMES[""])[: len(columns)])
    if separator == "space":
        names = [name.replace(" ", "_") for name in names]
    body = [list(cells) for cells in texts]
    labels: list[str] | None = list(names)
    if words is not None:
        body.append(list(words))
        labels.append("note")
    if labels and len(columns) > 1 and draw(st.integers(0, 9)) == 0:
        labels = None  # no column names
        body = body[: len(columns)]
        words = None
    elif draw(st.integers(0, 9)) == 0 and separator != "space":
        body.insert(0, [str(i) for i in range(len(texts[0]))])
        labels.insert(0, draw(st.sampled_from(["", "Unnamed: 0"])))
    cells = [list(row) for row in zip(*body, strict=True)]
    if labels is not None:
        cells.insert(0, labels)
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    text = (
        _spaced(cells, draw)
        if separator == "space"
        else _delimited(cells, separator, quoting, draw)
    )
    above = draw(st.sampled_from(ABOVE))
    if above == "sep":
        above = f"sep={SEPARATORS[separator]}\n" if separator != "space" else ""
    if labels is None and above.startswith(("Results", "\n")):
        above = ""
    if len(cells[0]) == 1:
        above = above if above.startswith("#") else ""
    text = above + text + (draw(st.sampled_from(FOOTERS)) if len(cells[0]) > 1 else "")
    if draw(st.booleans()):
        text = text.rstrip("\n")
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = text.replace("\n", end)
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        encoding = "utf-8"
        data = text.encode()
    single = len(cells[0]) == 1
    clear, convention = _clear(texts, "" if single else separator, decimal)
    reading = Reading(decimal=decimal) if draw(st.integers(0, 5)) == 0 else Reading()
    shown = list(names) if labels is not None else None
    legacy = encoding not in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le")
    return Written(
        data,
        "t.csv",
        columns,
        None if legacy else shown,
        words,
        reading,
        clear or reading.decimal is not None,
        convention and reading.decimal is None,
        {"separator": separator, "encoding": encoding, "above": above, "mark": mark},
    )


def _spaced(cells, draw) -> str:
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    if draw(st.booleans()):
        lines = ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
    else:
        lines = [" ".join(row) for row in cells]
    return "\n".join(line for line in lines) + "\n"


def _delimited(cells, separator, quoting, draw) -> str:
    out = io.StringIO()
    if len(cells[0]) > 1 and draw(st.integers(0, 9)) == 0:
        cells = [[*row, ""] for row in cells]  # a separator at the end of each row
    if (
        separator == "bar"
        and draw(st.booleans())
        and not any("\n" in c or "|" in c or '"' in c for r in cells for c in r)
    ):
        rows = [f"| {' | '.join(row)} |" for row in cells]
        rows.insert(1, "|" + "---|" * len(cells[0]))
        if all(cells[0]) and not cells[1][0].startswith("-"):
            return "\n".join(rows) + "\n"
    csv.writer(
        out, delimiter=SEPARATORS[separator], quoting=quoting, lineterminator="\n"
    ).writerows(cells)
    return out.getvalue()


_UNCLEAR = re.compile(r"^[^0-9]?[1-9][0-9]{0,2}[.,][0-9]{3}$")


def _clear(texts: list[list[str]], separator: str, decimal: str) -> tuple[bool, bool]:
    """Whether the numbers prove their decimal mark; whether only a convention decides."""
    marked = [
        cell.rstrip("%")
        for column in texts
        for cell in column
        if re.search("[0-9][.,]", cell) and not re.match(r"[\[t]", cell)
    ]
    if not marked:
        return True, False
    if any(not _UNCLEAR.match(cell) for cell in marked):
        return True, False
    points = not any("," in cell for cell in marked)
    if separator in TRUSTED and points:
        return decimal == "point", decimal == "comma"
    return False, False


# The check


def outcome(written: Written) -> str:
    """Read a table: "equal", "asked", "refused" or "convention"; raise if it is different."""
    try:
        table = read_table(written.data, written.name, written.reading)
    except UserError as error:
        assert str(error), "an error has a sentence"
        return f"refused: {error}"
    if table.questions:
        assert not written.reading.decimal
        return "asked"
    if written.convention:
        return "convention"
    return _compared(table, written)


def _compared(table: Table, written: Written) -> str:
    frame = table.frame
    assert len(frame) == len(written.columns[0]), f"{len(frame)} rows: {table.notes}"
    wanted = len(written.columns) + (written.words is not None)
    assert frame.shape[1] == wanted, f"columns {list(frame)}: {table.notes}"
    if written.names is not None:
        assert list(frame)[: len(written.columns)] == written.names, list(frame)
    for position, column in enumerate(written.columns):
        found = frame.iloc[:, position]
        if not pd.api.types.is_numeric_dtype(found):
            try:
                found = pd.Series(as_numbers(found, written.reading.decimal)[0])
            except UserError as error:
                return f"refused: {error}"
        np.testing.assert_array_equal(found.to_numpy(float), column, str(table.notes))
    if written.words is not None and written.names is not None:
        text = frame.iloc[:, -1].tolist()
        assert [str(cell) for cell in text] == written.words, text
    return "equal"


def run(examples: int, seed: int | None = None, stop: bool = False) -> dict[str, Any]:
    """Read many random tables; return how often each outcome came, and the failures."""
    counts: Counter[str] = Counter()
    failures: list[dict[str, object]] = []
    refusals: list[dict[str, object]] = []
    start = time.perf_counter()

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=False,
    )
    @given(tables())
    def check(written: Written) -> None:
        try:
            found = outcome(written)
        except AssertionError as error:
            if stop:
                raise
            found = "different"
            failures.append({"data": repr(written.data), "error": str(error), **written.dialect})
        except Exception as error:
            if stop:
                raise
            found = "crashed"
            failures.append({"data": repr(written.data), "error": repr(error), **written.dialect})
        counts["all"] += 1
        if written.clear and found.startswith(("refused", "asked")):
            refusals.append({"data": repr(written.data), "error": found, **written.dialect})
        found = found.partition(":")[0]
        counts[found] += 1
        if written.clear:
            counts["clear"] += 1
            counts["clear, refused"] += found == "refused"
            counts["clear, asked"] += found == "asked"

    (with_seed(seed)(check) if seed is not None else check)()
    seconds = time.perf_counter() - start
    return {
        "counts": dict(counts),
        "seconds": round(seconds, 1),
        "failures": failures,
        "refusals": refusals,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=2000, help="number of tables")
    parser.add_argument("--seed", type=int, default=None, help="seed of the random tables")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found = run(options.examples, options.seed)
    if options.json:
        print(json.dumps(found))
        return
    print(found["counts"], f"{found['seconds']} s")
    for kind in ("failures", "refusals"):
        for example in found[kind][:20]:
            print(kind, example)


if __name__ == "__main__":
    main()
