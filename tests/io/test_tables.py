"""regcls.io.tables: every format, invalid files, size limits, and CSV output without formulas."""

from __future__ import annotations

import io
import zipfile

import pandas as pd
import pytest

from regcls.io import table_limits, tables
from regcls.io.reading import Reading, TableError
from regcls.io.tables import read_table, safe_csv
from tests.helpers.made_tables import excel, excel_rows, parquet

FRAME = pd.DataFrame({"y": [1.5, 2.5, 3.5], "name": ["a", "b", "c"], "n": [1, 2, 3]})


FILES = {
    "csv": FRAME.to_csv(index=False).encode(),
    "semicolons": FRAME.to_csv(index=False, sep=";").encode(),
    "tabs": FRAME.to_csv(index=False, sep="\t").encode(),
    "windows line ends": FRAME.to_csv(index=False, lineterminator="\r\n").encode(),
    "with a byte order mark": FRAME.to_csv(index=False).encode("utf-8-sig"),
    "utf-16": FRAME.to_csv(index=False).encode("utf-16"),
    "parquet": parquet(FRAME),
    "excel": excel(one=FRAME),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES.keys())
def test_every_format_gives_the_same_table(data):
    frame = read_table(data, "t.any").frame
    assert frame.columns.tolist() == ["y", "name", "n"]
    assert frame["y"].tolist() == [1.5, 2.5, 3.5] and frame["n"].dtype == "int64"
    assert frame["name"].tolist() == ["a", "b", "c"]


def test_an_excel_file_lists_its_sheets_and_any_can_be_read():
    data = excel(first=FRAME, second=FRAME.assign(y=0))
    table = read_table(data, "t.xlsx")
    assert table.sheets == ("first", "second") and "Sheet first of 2 sheets" in table.notes[0]
    assert read_table(data, "t.xlsx", Reading(sheet="second")).frame["y"].tolist() == [0, 0, 0]
    with pytest.raises(TableError, match="no sheet 'third'; choose from: first, second"):
        read_table(data, "t.xlsx", Reading(sheet="third"))


def test_the_first_sheet_with_a_table_is_read():
    table = read_table(excel(info=pd.DataFrame(), data=FRAME), "t.xlsx")
    assert table.reading.sheet == "data" and table.frame["y"].tolist() == [1.5, 2.5, 3.5]
    assert table.summary == "Read as Excel, sheet data."


def test_titles_and_empty_rows_of_a_sheet_are_skipped_with_a_note():
    rows = [("Results 2024",), (), ("y", "p"), (6, 5.99), (), (8.18, 8.19), ("Total", 14.18)]
    table = read_table(excel_rows(rows), "t.xlsx")
    assert list(table.frame) == ["y", "p"] and table.frame["y"].tolist() == [6, 8.18]
    assert table.summary.endswith("; 2 rows above the column names skipped.")
    assert "1 empty row was skipped, first row 5 of the sheet" in table.notes[0]
    assert "The last row is a total and was left out (Total, 14.18)" in table.notes[1]


def test_numbers_stored_as_text_in_a_sheet_are_numbers():
    table = read_table(excel_rows([("y", "p"), ("1,5", 2.125), ("2,25", "3,5")]), "t.xlsx")
    assert table.frame.to_numpy().tolist() == [[1.5, 2.125], [2.25, 3.5]]
    asked = read_table(excel_rows([("y", "p"), ("6,096", 1), ("7,001", 2)]), "t.xlsx")
    assert "6,096 can be 6.096" in asked.questions[0]


def test_another_encoding_is_read_and_noted():
    table = read_table("größe;y\nmüller;1\nweiß;2\n".encode("cp1252"), "t.csv")
    assert table.frame.columns.tolist() == ["größe", "y"]
    assert table.summary == "Read as Windows-1252, columns separated by semicolons."
    assert table.frame["y"].tolist() == [1, 2]


def test_duplicate_column_names_are_made_unique():
    table = read_table(b"y,x,x,,x\n1,2,3,4,5\n", "t.csv")
    assert table.frame.columns.tolist() == ["y", "x", "x (2)", "column 4", "x (3)"]
    assert "x (2), x (3)" in table.notes[0]


def test_lists_of_one_number_in_parquet_are_numbers():
    table = read_table(parquet(FRAME.assign(p=[[1.5], [2.5], [3.5]], q=[[[1]], [[2]], [[3]]])), "t")
    assert table.frame["p"].tolist() == [1.5, 2.5, 3.5] and table.frame["q"].tolist() == [1, 2, 3]
    assert table.notes == ("Lists of one number were read as numbers in: p, q.",)


def test_text_in_parquet_is_converted_too():
    frame = FRAME.assign(p=["1.234", "2.345", "-3.456"], kind=pd.Categorical(["a", "b", "a"]))
    table = read_table(parquet(frame), "t.parquet")
    assert table.frame["p"].tolist() == [1.234, 2.345, -3.456] and not table.questions
    assert table.frame["kind"].tolist() == ["a", "b", "a"]


def test_columns_of_lists_are_left_out_with_a_note():
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
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), "cannot be read as a table"),
    "a page": (b"<html><table></table></html>", "cannot be read as a table"),
    "a pdf": (b"%PDF-1.7 ...", "cannot be read as a table"),
    "bytes": (bytes(range(256)) * 4, "cannot be read as a table"),
    "ragged": (b"a,b\n1,2\n3\n", "line 3 has 1 cell where the table has 2 columns"),
    "parquet cut short": (parquet(FRAME)[:100], "damaged or incomplete"),
    "a zip": (
        zip_of("a.txt", b"words"),
        "cannot be read as a table; expected CSV, Parquet or Excel",
    ),
    "a zip bomb": (zip_of("xl/workbook.xml", bytes(60_000_000)), "unpacks to 60 MB"),
    "too many columns": (",".join(["x"] * 6000).encode() + b"\n1\n", "6,000 columns"),
    "an empty sheet": (excel(one=pd.DataFrame()), "sheet one is empty"),
}


@pytest.mark.parametrize(("data", "words"), BAD.values(), ids=BAD.keys())
def test_invalid_files_are_rejected_with_a_sentence(data, words):
    with pytest.raises(TableError) as caught:
        read_table(data, "t.csv")
    assert words in str(caught.value) and str(caught.value).startswith("t.csv")
    assert caught.value.sentence == f"{caught.value}."


def test_sizes_are_limited(monkeypatch):
    monkeypatch.setattr(table_limits, "MAX_ROWS", 2)
    for data in (b"y\n1\n2\n3\n4\n", parquet(FRAME)):
        with pytest.raises(TableError, match="at most 2 are allowed"):
            read_table(data, "t.csv")
    monkeypatch.setattr(tables, "MAX_BYTES", 10)
    with pytest.raises(TableError, match="at most 0 MB"):
        read_table(b"y\n" * 20, "t.csv")


def test_formulas_are_neither_evaluated_nor_written():
    risky = pd.DataFrame({"=cmd": ["=1+1", "@SUM(A1)", "-2+3", "fine"], "n": [-1.5, 2, 3, 4]})
    text = safe_csv(risky)
    rows = text.splitlines()
    assert rows[0] == "'=cmd,n"
    assert [row.split(",")[0] for row in rows[1:]] == ["'=1+1", "'@SUM(A1)", "'-2+3", "fine"]
    assert rows[1].endswith("-1.5")  # a number is not a formula
    read = read_table(b"y,z\n1,=1+1\n", "t.csv").frame
    assert read["z"].tolist() == ["=1+1"]
