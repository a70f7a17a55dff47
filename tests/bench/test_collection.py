"""Collections of tables: folders, zips and single files, damaged and hostile ones, families."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from regcls.bench import collection
from regcls.bench.collection import CollectionError, Entry, collect, families

INDEX = "name,file,target,domain,leave_out\nsmall,a.csv,y,biology,\nother,b.csv,z,,x;w\n"
TABLE = b"x,y\n1,2\n3,4\n"


def folder(path: Path, index: str = INDEX) -> Path:
    path.mkdir(exist_ok=True)
    (path / "index.csv").write_text(index)
    for name in ("a.csv", "b.csv"):
        (path / name).write_bytes(TABLE)
    return path


def zipped(path: Path, inside: str = "", index: str = INDEX) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{inside}index.csv", index)
        archive.writestr(f"{inside}a.csv", TABLE)
        archive.writestr(f"{inside}b.csv", TABLE)
    return path


def test_a_folder_a_zip_and_a_zip_with_a_folder_give_the_same_tables(tmp_path):
    sources = [
        folder(tmp_path / "tables"),
        zipped(tmp_path / "flat.zip"),
        zipped(tmp_path / "deep.zip", "tables/"),
    ]
    for source in sources:
        small, other = collect([source])
        assert (small.name, small.target, small.domain, small.leave_out) == (
            "small",
            "y",
            "biology",
            None,
        )
        assert (other.name, other.leave_out, other.group) == ("other", ("x", "w"), None)
        table = small.read()
        assert table.frame.to_dict("list") == {"x": [1, 3], "y": [2, 4]}
        assert "UTF-8" in table.summary


def test_a_single_file_is_named_with_its_target(tmp_path):
    path = tmp_path / "own = table.csv"
    path.write_bytes(TABLE)
    (entry,) = collect([f"{path}=y"])
    assert (entry.name, entry.target, entry.path) == ("own = table", "y", path)
    with pytest.raises(CollectionError, match=r"own = table\.csv is one table: name its target"):
        collect([path])


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("name,file\na,a.csv\n", "lacks the column “target”"),
        ("name,file,target\n,a.csv,y\n", "row 1 of index.csv has no “name”"),
        ("name,file,target\na,../secret.csv,y\n", "outside its folder"),
        ("name,file,target\na,gone.csv,y\n", "gone.csv, and there is no such file"),
        ("name,file,target\na,a.csv,y\na,b.csv,y\n", "several tables are named “a”"),
        ("", "lacks the column “name”"),
    ],
)
def test_a_wrong_index_is_refused_with_what_to_mend(tmp_path, index, message):
    with pytest.raises(CollectionError, match=message):
        collect([folder(tmp_path / "tables", index)])


def test_hostile_zips_and_missing_sources_are_refused(tmp_path):
    with pytest.raises(CollectionError, match="there is no file or folder"):
        collect([tmp_path / "nothing"])
    with pytest.raises(CollectionError, match="there are no tables"):
        collect([])
    gone = zipped(tmp_path / "gone.zip", index="name,file,target\na,gone.csv,y\n")
    (entry,) = collect([gone])
    with pytest.raises(CollectionError, match="the zip has no such file"):
        entry.read()
    whole = zipped(tmp_path / "whole.zip").read_bytes()
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(whole.replace(TABLE, b"x,y\n1,2\n3,5\n"))  # the checksum is another one
    with pytest.raises(CollectionError, match="is damaged"):
        collect([damaged])[0].read()
    (tmp_path / "empty").mkdir()
    with pytest.raises(CollectionError, match=r"has no index\.csv"):
        collect([tmp_path / "empty"])


def test_a_zip_that_unpacks_to_more_than_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(collection, "MAX_BYTES", 8)
    entry = Entry("a", "y", zipped(tmp_path / "flat.zip"), "a.csv")
    with pytest.raises(CollectionError, match="at most"):
        entry.read()


def test_an_undecided_decimal_mark_is_a_point_as_in_the_index(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x;y\n1,234;1\n2,345;2\n")
    frame = Entry("t", "y", path).read().frame
    assert frame["x"].tolist() == [1234, 2345]


def test_tables_with_the_same_rows_and_columns_are_one_family():
    first, second, third, fourth = (Entry(n, "y", Path(n)) for n in ("a1", "a2", "b", "c"))
    found = families(
        [
            (first, ("p", "q", "r"), 198),
            (second, ("p", "q", "s"), 198),  # half of all columns are common
            (third, ("p", "q", "r"), 200),  # other rows
            (fourth, ("t", "u"), 198),
        ]
    )
    assert found == {"a1": "a1", "a2": "a1", "b": "b", "c": "c"}
    named = [Entry(n, "y", Path(n), family="mine") for n in ("a", "b")]
    assert families([(e, ("x", str(i)), 9) for i, e in enumerate(named)]) == dict.fromkeys(
        "ab", "mine"
    )
