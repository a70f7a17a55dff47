"""Text tables of every dialect: what is detected, what is asked, skipped or refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.io.reading import Reading, TableError
from regcls.io.tables import Table, read_file, read_pasted, read_table

Y, P = [6.0, 8.18, -2.2, 2.8], [5.99, 8.19, -2.32, 2.68]


def read(text: str | bytes, encoding: str = "utf-8", **how: object) -> Table:
    data = text if isinstance(text, bytes) else text.encode(encoding)
    return read_table(data, "t.csv", Reading(**how))


def written(
    separator: str = ",",
    number: str = "{:.2f}",
    end: str = "\n",
    names: tuple[str, str] = ("y", "p"),
    minus: str = "-",
    point: str = ".",
) -> str:
    """The numbers Y and P as a text table."""

    def cell(value: float) -> str:
        return number.format(value).replace("-", minus).replace(".", point)

    rows = [separator.join(names)]
    rows += [separator.join((cell(y), cell(p))) for y, p in zip(Y, P, strict=True)]
    return end.join([*rows, ""])


SAME = {
    "commas": written(),
    "semicolons and decimal commas": written(";", point=","),
    "decimal commas in quotes": written(number='"{:.2f}"', point=","),
    "three and four places, decimal comma": written(";", "{:.4f}", point=","),
    "tabs": written("\t"),
    "bars": written("|"),
    "spaces": written(" ", "{:>9.2f}"),
    "carriage returns": written(end="\r"),
    "windows line ends": written(end="\r\n"),
    "minus sign": written(minus="−"),
    "en dash as minus": written(minus="–"),
    "full-width minus": written(minus="－"),
    "full-width digits": written().translate({48 + i: 0xFF10 + i for i in range(10)}),
    "a sep= line": f"sep=;\n{written(';')}",
    "comments": f"# run 12, fold 3\n# a, b\n{written()}",
    "names in a comment": f"# {written(' ')}",
    "a title": f"Results, 2024 and more\n{written(';')}",
    "a title with the separator": f"Results,\n,\n{written()}",
    "a title of as many words": f"Results 2024\n\n{written(' ')}",
    "empty lines": f"\n\n{written()}\n\n",
    "lists": written(number="[{:.2f}]"),
    "tensors": written(number="\"tensor([{:.2f}], device='cuda:0')\""),
    "scalars": written(number="np.float32({:.2f})"),
    "a separator at the end of each row": written(end=",\n"),
    "row numbers of pandas": pd.DataFrame({"y": Y, "p": P}).to_csv(),
    "row names of R": "\n".join(
        ["y p", *(f"{i + 1} {y} {p}" for i, (y, p) in enumerate(zip(Y, P, strict=True)))]
    ),
    "markdown": "| y | p |\n|---|---|\n"
    + "".join(f"| {y} | {p} |\n" for y, p in zip(Y, P, strict=True)),
    "a footer": f"{written()}4 rows\n",
    "a total": f"{written()}Total,9\n",
    "a byte order mark": written().encode("utf-8-sig"),
    "UTF-16": written().encode("utf-16"),
    "UTF-16 without a mark": written().encode("utf-16-le"),
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_every_dialect_gives_the_same_numbers(text):
    table = read(text)
    assert list(table.frame) == ["y", "p"] and not table.questions
    np.testing.assert_array_equal(table.frame.to_numpy(float), np.column_stack([Y, P]))


@pytest.mark.parametrize(
    ("names", "encoding", "label"),
    [
        (("年龄", "预测"), "gbk", "GBK"),
        (("年齢", "予測"), "cp932", "Shift-JIS"),
        (("возраст", "прогноз"), "cp1251", "Windows-1251"),
        (("größe", "prévu"), "cp1252", "Windows-1252"),
        (("나이", "예측"), "cp949", "EUC-KR"),
        (("ηλικία", "πρόβλεψη"), "utf-16", "UTF-16"),
    ],
)
def test_the_encoding_is_detected_and_shown(names, encoding, label):
    table = read(written(names=names), encoding)
    assert tuple(table.frame) == names
    assert table.reading.encoding == label and f"Read as {label}" in table.summary


def test_marks_of_other_encodings_are_part_of_numbers():
    for encoding, minus in (("gbk", "－"), ("cp932", "－")):
        assert read(f"a,b\n1’234’567,{minus}1.5\n", encoding).frame.iloc[0].tolist() == [
            1234567,
            -1.5,
        ]
    assert read("a,b\n2.5,–1.5\n", "gbk").frame["b"].tolist() == [-1.5]


def test_an_encoding_can_be_given():
    text = written(names=("цель", "модель")).encode("koi8_r")
    assert list(read_table(text, "t.csv", Reading("koi8-r")).frame) == ["цель", "модель"]
    with pytest.raises(TableError, match=r"t\.csv is not in the encoding utf-8"):
        read_table(text, "t.csv", Reading("utf-8"))
    with pytest.raises(TableError, match="the encoding 'klingon' is unknown"):
        Reading(encoding="klingon")


# The decimal mark


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("y;p\n6,096;1\n0,5;2\n", [6.096, 0.5]),
        ("y;p\n6,096;1,25\n7,001;2\n", [6.096, 7.001]),
        ("y;p\n1.234,5;1\n2.000;2\n", [1234.5, 2000]),
        ("y;p\n1.234.567;1\n2,5;2\n", [1234567, 2.5]),
        ('y,p\n"1,234.5",1\n"2,000",2\n', [1234.5, 2000]),
        ('y,p\n"1,23,456",1\n"12,34,567.5",2\n', [123456, 1234567.5]),
        ("y;p\n1'234.5;1\n2’000;2\n", [1234.5, 2000]),
        ("y;p\n1\u00a0234,5;1\n12\u202f000;2\n", [1234.5, 12000]),
        ("y,p\n6.096,1\n7.001,2\n", [6.096, 7.001]),
        ("y;p\n1234.567;1\n7.001;2\n", [1234.567, 7.001]),
        ("y;p\n1,5e-3;1\n2;2\n", [0.0015, 2]),
    ],
)
def test_one_value_decides_the_decimal_mark_of_the_file(text, values):
    table = read(text)
    assert table.frame["y"].tolist() == values and not table.questions


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("y;p\n6,096;7,001\n5,001;2\n", "6,096 can be 6.096 (decimal comma) or 6096"),
        ("y;p\n6.096;7.001\n5.001;2\n", "6.096 can be 6.096 (decimal point) or 6096"),
        ("y\tp\n6.096\t7.001\n5.001\t2\n", "6.096 can be 6.096"),
        ('y,p\n"6,096",1\n"7,001",2\n', "6,096 can be 6.096"),
        ('y,p\n"6,096",6.096\n"7,001",7.001\n', "6,096 can be 6.096"),
        ("y\n6,096\n7,001\n", "6,096 can be 6.096"),
    ],
)
def test_what_no_value_decides_is_asked_with_the_consequence(text, example):
    table = read(text)
    assert len(table.questions) == 1 and example in table.questions[0]
    assert not pd.api.types.is_numeric_dtype(table.frame["y"])
    assert table.reading.decimal is None
    for decimal, factor in (("comma", 1), ("point", 1000)):
        answered = read(text, decimal=decimal)
        first = float(answered.frame["y"][0])
        expected = 6.096 * factor if "6,096" in text.splitlines()[1].split("\t")[0][:7] else None
        assert not answered.questions and (expected is None or first == pytest.approx(expected))


def test_files_on_which_nobody_can_be_asked_name_the_option(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("y;p\n6,096;7,001\n5,001;2\n")
    with pytest.raises(TableError, match=r"t.csv: 6,096 can be .* \(--decimal comma or"):
        read_file(path)
    assert read_file(path, Reading(decimal="comma")).frame["y"].tolist() == [6.096, 5.001]
    with pytest.raises(TableError, match="there is no file"):
        read_file(tmp_path / "none.csv")


def test_columns_of_different_proven_marks_are_read_each_by_its_own():
    table = read("y;p\n1,5;2.5\n2,25;3.75\n")
    assert table.summary.endswith("decimal marks differ by column.")
    assert table.frame.to_numpy().tolist() == [[1.5, 2.5], [2.25, 3.75]]


def test_a_column_with_both_marks_stays_text_and_the_note_has_both_examples():
    table = read("y;p\n1,5;2\n2.5;3\n")
    assert table.frame["y"].tolist() == ["1,5", "2.5"]
    assert "2.5, row 2" in table.notes[0] and "1,5, row 1" in table.notes[0]
    chosen = read("y;p\n" + "1,5;2\n" * 20 + "2.5;3\n", decimal="comma")
    assert chosen.frame["y"].isna().sum() == 1
    assert "1 cell that is not a number counts as missing (row 21: 2.5)" in chosen.notes[0]


# Cells


def test_cells_that_are_not_numbers_are_counted_with_an_example():
    rows = "".join(f"{i}.5\n" for i in range(30))
    table = read(f"y\n{rows}12.5 kg\n€5\nNA\n-\n")
    assert table.frame["y"].isna().sum() == 4
    assert table.notes == (
        "Column y: 2 cells that are not numbers count as missing (row 31: 12.5 kg).",
        "2 cells in columns of numbers count as missing (column y, row 33: NA).",
    )


def test_numbers_in_parentheses_are_negative_unless_all_are():
    table = read("y,p\n(1.5),(1.5)\n2.5,(2.5)\n")
    assert table.frame["y"].tolist() == [-1.5, 2.5]
    assert "1 cell in parentheses read as negative (row 1: (1.5))" in table.notes[0]
    assert table.frame["p"].tolist() == ["(1.5)", "(2.5)"] and "parentheses" in table.notes[1]


def test_a_mix_of_numbers_with_and_without_percent_signs_stays_text():
    table = read("y,p\n50%,50%\n25%,0.25\n")
    assert table.frame["y"].tolist() == [0.5, 0.25]
    assert table.frame["p"].tolist() == ["50%", "0.25"]
    assert "with a percent sign (50%) and without (0.25)" in table.notes[1]


def test_codes_with_leading_zeros_and_long_ids_stay_text():
    table = read("zip,id,y\n00123,12345678901234567890,1\n10115,12345678901234567891,2\n")
    assert table.frame["zip"].tolist() == ["00123", "10115"]
    assert table.frame["id"].tolist()[0] == "12345678901234567890"
    assert "codes such as 00123" in table.notes[0] and table.frame["y"].dtype == np.int64


def test_given_marks_count_as_missing_with_an_example():
    table = read("y,p\n-999,1\n-999.0,2\n3.5,lost\n4.5,5\n", missing=("-999", "lost"))
    assert table.frame["y"].isna().tolist() == [True, True, False, False]
    assert table.frame["p"].isna().tolist() == [False, False, True, False]
    assert table.notes[-1].startswith("3 cells with a given mark count as missing")


def test_words_booleans_and_infinities_keep_their_type():
    frame = read("w,b,i\nnorth,true,inf\n NA ,False,-∞\nsouth,true,1\n").frame
    assert frame["w"].tolist()[::2] == ["north", "south"] and pd.isna(frame["w"][1])
    assert frame["b"].tolist() == [True, False, True]
    assert frame["i"].tolist() == [np.inf, -np.inf, 1]


# Lines


def test_what_is_above_the_names_is_counted():
    table = read(f"# run 12\n# fold 3\n{written()}")
    assert "; 2 lines above the column names skipped." in table.summary
    assert table.reading.skip == 2
    assert list(read("a,b\nc,d\n1,2\n", skip=1).frame) == ["c", "d"]


def test_a_table_without_names_keeps_its_first_row():
    table = read("1.5,2\n2.5,3\n")
    assert table.frame.to_numpy().tolist() == [[1.5, 2], [2.5, 3]]
    assert (
        list(table.frame) == ["column 1", "column 2"]
        and "named by their position" in table.notes[0]
    )
    assert list(read("a,1.5\nb,2.5\n").frame) == ["column 1", "column 2"]
    assert list(read("id,2019,2020\na,1.5,2\n").frame) == ["id", "2019", "2020"]
    assert list(read("0,1\n1.5,2.5\n").frame) == ["0", "1"]


def test_an_unclosed_quotation_mark_loses_no_row():
    rows = "".join(f"{i}.5,{i},ok\n" for i in range(20))
    table = read(f'y,p,note\n1,2,ok\n7.2,7.1,"5in\n{rows}')
    assert len(table.frame) == 22 and table.frame["note"][1] == '"5in'
    assert table.notes[0].startswith('Line 3: the quotation mark in "5in is not closed')
    table = read(f'y,p,note\n7.2,7.1,"5in\n{rows}8.1,8.2,6"\n')
    assert len(table.frame) == 22 and "Line 2" in table.notes[0]


def test_quoted_cells_may_have_lines_and_separators():
    text = 'y,note,p\n1,"two\nlines",2\n3,"a, ""b""\n1, 2",4\n5, "c, d",6\n'
    frame = read(text).frame
    assert frame["note"].tolist() == ["two\nlines", 'a, "b"\n1, 2', "c, d"]
    assert frame["p"].tolist() == [2, 4, 6]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("y,p\n1,2\n3\n4,5\n", "line 3 has 1 cell where the table has 2 columns ('3')"),
        ("y,p\n1,2\n3,4,5\n6,7\n", "line 3 has 3 cells where the table has 2 columns"),
        ("# a\n\ny,p\n1,2\n3,4\n5\n6,7\n", "line 6 has 1 cell"),
        ("y,p\n6,5,5,9\n6,4,5,8\n", "line 1 ('y p') has 2 cells where other rows have 4"),
    ],
)
def test_rows_that_do_not_fit_are_named_by_their_line(text, words):
    with pytest.raises(TableError) as caught:
        read(text)
    assert words in str(caught.value)


def test_lines_below_the_table_are_skipped_with_their_number_and_text():
    table = read("y,p\n1.5,2\n2.5,3\n\nSource: a, b and c\n(2 rows)\n")
    assert len(table.frame) == 2
    assert table.notes == (
        "Line 5 below the table was skipped: Source: a b and c.",
        "Line 6 below the table was skipped: (2 rows).",
    ) or "Source" in " ".join(table.notes)
    assert "Row 3, the last, is not a row of data" in read("y,p\n1,2\n3,4\nTotal,6\n").notes[0]


def test_empty_and_unnamed_columns_are_left_out_with_a_note():
    table = read("y,p,\n1.5,2,\n2.5,3,\n")
    assert list(table.frame) == ["y", "p"] and table.notes == (
        "1 empty column was left out (column 3).",
    )
    table = read(",y\n0,1.5\n1,2.5\n")
    assert list(table.frame) == ["y"] and "row numbers 0 to 1" in table.notes[0]
    assert list(read(",y\n7,1.5\n3,2.5\n").frame) == ["column 1", "y"]


def test_a_pasted_table_is_read_alike():
    table = read_pasted("\ny\tp\n1,5\t\n2,5\t3\n")
    assert table.frame["y"].tolist() == [1.5, 2.5] and np.isnan(table.frame["p"][0])


def test_settings_that_are_given_are_not_detected():
    assert list(read("a,b;c\n1,2;3\n", separator="comma").frame) == ["a", "b;c"]
    with pytest.raises(TableError, match="separator must be comma, semicolon, tab, bar or space"):
        Reading(separator="colon")
    with pytest.raises(TableError, match="at least 0, not -1"):
        Reading(skip=-1)


def test_long_columns_are_read_whole():
    rows = 25_000
    words = [f"person {i}" for i in range(rows)]
    sparse = ["NA"] * rows
    sparse[rows // 3] = "1,5"
    late = ["7,001"] * (rows - 1) + ["0,5"]
    text = pd.DataFrame({"w": words, "s": sparse, "y": late}).to_csv(index=False, sep=";")
    frame = read(text).frame
    assert frame["w"].tolist() == words
    assert frame["s"].dropna().tolist() == [1.5] and frame["y"].tolist()[-2:] == [7.001, 0.5]


def test_tabs_separate_even_if_every_cell_has_a_space():
    table = read("y true\tmodel a\tnote b\n46 620\t1 938,5\tu v\n36 846\t2 401,5\tx y\n")
    assert list(table.frame) == ["y true", "model a", "note b"]
    assert table.frame["model a"].tolist() == [1938.5, 2401.5]


def test_commas_in_numbers_do_not_separate_a_table_of_spaces():
    table = read("-19 -266,0\n88 167,3\n24 629,0\n")  # no names: "88 167" may be one number
    assert table.frame.to_numpy().tolist() == [[-19, -266], [88, 167.3], [24, 629]]
    table = read("y p a b\n0.678 15,971,201 −5.0e+04 −0.609\n0.194 9,107,528 1.0e+03 0.5\n4 rows\n")
    assert table.frame["p"].tolist() == [15971201, 9107528] and len(table.frame) == 2


def test_a_column_with_many_words_is_read_with_the_decimal_mark_of_the_file():
    table = read("y;p\n6,096;0,5\n7,001;1,5\nlost;2,5\n")
    assert table.frame["y"].tolist()[:2] == [6.096, 7.001]
    assert "1 cell that is not a number counts as missing (row 3: lost)" in table.notes[0]
    half = read("kind\n" + "1\n2\n5+\n" * 10).frame["kind"]
    assert half.tolist()[:3] == ["1", "2", "5+"]  # a third are words: categories
