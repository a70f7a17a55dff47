"""Tables in: every format, every kind of number, and a sentence for whatever is no table."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from regcls.io import numbers, tables
from regcls.io.numbers import as_numbers
from regcls.io.tables import TableError, read_table, safe_csv

FRAME = pd.DataFrame({"y": [1.5, 2.5, 3.5], "name": ["a", "b", "c"], "n": [1, 2, 3]})


def parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out)
    return out.getvalue()


def excel(**sheets: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    with pd.ExcelWriter(out, engine="openpyxl") as writer:
        for name, frame in sheets.items():
            frame.to_excel(writer, sheet_name=name, index=False)
    return out.getvalue()


FILES = {
    "csv": FRAME.to_csv(index=False).encode(),
    "semicolons": FRAME.to_csv(index=False, sep=";").encode(),
    "tabs": FRAME.to_csv(index=False, sep="\t").encode(),
    "windows line ends": FRAME.to_csv(index=False, lineterminator="\r\n").encode(),
    "with a mark": FRAME.to_csv(index=False).encode("utf-8-sig"),
    "utf-16": FRAME.to_csv(index=False).encode("utf-16"),
    "parquet": parquet(FRAME),
    "excel": excel(one=FRAME),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES.keys())
def test_every_format_gives_the_same_table(data):
    frame = read_table(data, "t.any").frame
    assert frame.columns.tolist() == ["y", "name", "n"]
    assert as_numbers(frame["y"])[0].tolist() == [1.5, 2.5, 3.5]
    assert frame["name"].tolist() == ["a", "b", "c"]


def test_an_excel_file_names_its_sheets_and_gives_the_one_asked_for():
    data = excel(first=FRAME, second=FRAME.assign(y=0))
    table = read_table(data, "t.xlsx")
    assert table.sheets == ("first", "second") and "sheet first of 2" in table.notes[0]
    assert read_table(data, "t.xlsx", "second").frame["y"].tolist() == [0, 0, 0]
    with pytest.raises(TableError, match="no sheet 'third'; it has first, second"):
        read_table(data, "t.xlsx", "third")


def test_another_encoding_is_read_and_said():
    table = read_table("größe;y\nmüller;1\nweiß;2\n".encode("cp1252"), "t.csv")
    assert table.frame.columns.tolist() == ["größe", "y"]
    assert table.notes == ("t.csv was read as Windows-1252.",)


def test_columns_of_one_name_are_told_apart():
    table = read_table(b"y,x,x,,x\n1,2,3,4,5\n", "t.csv")
    assert table.frame.columns.tolist() == ["y", "x", "x (2)", "column 4", "x (3)"]
    assert "x (2), x (3)" in table.notes[0]


def test_columns_of_lists_are_left_out_with_a_word():
    table = read_table(parquet(FRAME.assign(boxes=[[1, 2], [3], []])), "t.parquet")
    assert "boxes" not in table.frame and "boxes" in table.notes[0]


def test_quoted_cells_keep_their_delimiters_and_lines():
    frame = read_table(b'y,text\n1,"a, b"\n2,"two\nlines"\n', "t.csv").frame
    assert frame["text"].tolist() == ["a, b", "two\nlines"]


def zip_of(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


BAD = {
    "empty": (b"", "t.csv is empty"),
    "header only": (b"y,x\n", "no rows below"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), "is no table"),
    "a page": (b"<html><table></table></html>", "is no table"),
    "a pdf": (b"%PDF-1.7 ...", "is no table"),
    "bytes": (bytes(range(256)) * 4, "is no table"),
    "ragged": (b"a,b\n1,2\n3\n", "a row has 1 cells where the first has 2"),
    "parquet cut short": (parquet(FRAME)[:100], "damaged or cut short"),
    "a zip": (zip_of("a.txt", b"words"), "neither an Excel file nor another table"),
    "a zip bomb": (zip_of("xl/workbook.xml", bytes(60_000_000)), "unpacks to 60 MB"),
    "too many columns": (",".join(["x"] * 6000).encode() + b"\n1\n", "6,000 columns"),
    "an empty sheet": (excel(one=pd.DataFrame()), "the sheet one is empty"),
}


@pytest.mark.parametrize(("data", "words"), BAD.values(), ids=BAD.keys())
def test_what_is_no_table_gets_a_sentence(data, words):
    with pytest.raises(TableError) as caught:
        read_table(data, "t.csv")
    assert words in str(caught.value) and str(caught.value).startswith("t.csv")
    assert str(caught.value).endswith(".")


def test_sizes_are_limited(monkeypatch):
    monkeypatch.setattr(tables, "MAX_ROWS", 2)
    for data in (b"y\n1\n2\n3\n4\n", parquet(FRAME)):
        with pytest.raises(TableError, match="at most 2 are read"):
            read_table(data, "t.csv")
    monkeypatch.setattr(tables, "MAX_BYTES", 10)
    with pytest.raises(TableError, match="at most 0 MB"):
        read_table(b"y\n" * 20, "t.csv")


# Numbers


NUMBERS = {
    "points": (["1.5", "-2", "3e2"], [1.5, -2, 300], ""),
    "thousands": (["1,234.5", "2,000,000", "7"], [1234.5, 2e6, 7], "thousands separators"),
    "decimal commas": (["1,5", "1.234,25", "7"], [1.5, 1234.25, 7], "decimal points"),
    "spaces": (["1 234,5", "12\u00a0000,0", "3,25"], [1234.5, 12000, 3.25], "decimal points"),
    "ambiguous": (["1,234", "5,678"], [1234, 5678], "thousands separators"),
    "percent": (["50 %", "12.5%"], [0.5, 0.125], "shares"),
    "gaps": (["1", "", None, "NA", "-"], [1, np.nan, np.nan, np.nan, np.nan], ""),
    "one word": (["1", "2", "3", "lost"], [1, 2, 3, np.nan], "1 texts that are no numbers"),
}


@pytest.mark.parametrize(("texts", "values", "note"), NUMBERS.values(), ids=NUMBERS.keys())
def test_texts_become_numbers(texts, values, note):
    found, said = as_numbers(pd.Series(texts, name="y", dtype="string"))
    np.testing.assert_allclose(found, values)
    assert note in said and bool(said) == bool(note)


def test_numbers_stay_numbers():
    for values in ([1, 2], [1.5, np.nan], [True, False], pd.array([1, None], "Int64")):
        found, said = as_numbers(pd.Series(values, name="y"))
        assert found.dtype == np.float64 and said == ""


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["red", "green"], "words, such as 'red'"),
        (["2024-01-05", "2024-02-06"], "holds dates"),
        (["05/01/2024", "16.02.2024"], "holds dates"),
        (pd.to_datetime(["2024-01-05", "2024-02-06"]), "holds dates"),
        (["", None], "is empty"),
    ],
)
def test_what_are_no_numbers_gets_a_sentence(values, words):
    with pytest.raises(TableError, match=words):
        as_numbers(pd.Series(values, name="y"))


def test_what_is_not_finite_is_counted_and_named():
    good, said = numbers.finite(np.array([1, np.nan, np.inf, -np.inf]), "y")
    assert good.tolist() == [True, False, False, False]
    assert "column y" in said and "1 without a number" in said and "2 infinite" in said
    assert numbers.finite(np.array([1.0]), "y")[1] == ""


# Out again


def test_formulas_are_never_run_and_never_written():
    risky = pd.DataFrame({"=cmd": ["=1+1", "@SUM(A1)", "-2+3", "fine"], "n": [-1.5, 2, 3, 4]})
    text = safe_csv(risky)
    rows = text.splitlines()
    assert rows[0] == "'=cmd,n"
    assert [row.split(",")[0] for row in rows[1:]] == ["'=1+1", "'@SUM(A1)", "'-2+3", "fine"]
    assert rows[1].endswith("-1.5")  # a number is no formula
    read = read_table(b"y,z\n1,=1+1\n", "t.csv").frame
    assert read["z"].tolist() == ["=1+1"]
