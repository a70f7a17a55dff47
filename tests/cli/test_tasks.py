"""`regcls predict`, `evaluate`, `train` and `export` on photos, videos and folders of clips."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regcls.cli.output import BAD_INPUT
from regcls.tasks import pairs
from regcls.tasks.depth import predict as depth_predict
from regcls.tasks.progress import predict
from tests.helpers import video_files
from tests.helpers.command_line import one_sentence, run, run_json
from tests.helpers.depth_files import as_integers


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    """A folder like those of the robot tasks: two test clips of grey frames."""
    root = tmp_path_factory.mktemp("clips")
    rows = ["file,task,split,frames,fps"]
    for number, frames in enumerate((20, 30)):
        video_files.make(root / f"{number}.mp4", frames, rate=10)
        rows.append(f"{number}.mp4,made,test,{frames},10")
    (root / "index.csv").write_text("\n".join(rows) + "\n")
    return root


def test_a_video_gets_its_curve():
    sample = pairs.SAMPLES / predict.SHIPPED_SAMPLES[2].file
    record = run_json("predict", "progress", sample, "--frames", 10)
    (video,) = record["videos"]
    assert record["problems"] == [] and video["frames"] == 10
    assert len(video["curve"]["seconds"]) == 10
    assert video["curve"]["true (%)"][-1] == pytest.approx(100)
    part = run_json("predict", "progress", sample, "--frames", 10, "--part")["videos"][0]
    assert part["reg mean error"] is None and "true (%)" not in part["curve"]


def test_a_video_as_a_table():
    sample = pairs.SAMPLES / predict.SHIPPED_SAMPLES[2].file
    done = run("predict", "progress", sample, "--frames", 5)
    assert done.exit_code == 0 and "reg at the end" in done.stdout and "curve" not in done.stdout


def test_invalid_videos_are_named_and_the_others_predicted(tmp_path):
    words = tmp_path / "words.mp4"
    words.write_text("Dear diary")
    good = video_files.make(tmp_path / "good.mp4", 10)
    done = run("predict", "progress", good, words, "--json")
    assert done.exit_code == BAD_INPUT
    record = json.loads(done.stdout)
    assert len(record["videos"]) == 1 and len(record["problems"]) == 1
    assert "words.mp4 cannot be read as a video" in done.stderr


def test_progress_is_evaluated_on_given_clips(clips):
    record = run_json("evaluate", "progress", "--data", clips)
    rows = [row for row in record["ranges"] if row["model"] == "reg"]
    assert sum(row["test"] for row in rows) == 50
    assert [row["high"] for row in rows] == [20, 40, 60, 80, 100]
    assert sum(row["train"] for row in rows) > 10_000  # the shipped pair's own histogram


def test_shipped_progress_is_evaluated_without_data():
    overall = run_json("evaluate", "progress")["overall"]
    assert all(0 < row["mae_low"] < row["mae"] < row["mae_high"] < 15 for row in overall)


def test_a_true_depth_is_read_in_a_unit_that_can_be_chosen(tmp_path):
    sample = pairs.SAMPLES / "lobby.jpg"
    photo = depth_predict.predict_photo(sample.read_bytes(), "lobby", depth_predict.load())
    truth = tmp_path / "lobby_depth.png"
    truth.write_bytes(as_integers(5000 * photo.depth["reg"]))
    (record,) = run_json("predict", "depth", sample, "--truth", truth)["photos"]
    assert record["true depth"]["unit"] == "x5000" and record["reg MAE"] < 0.01
    (record,) = run_json("predict", "depth", sample, "--truth", truth, "--depth-unit", "mm")[
        "photos"
    ]
    assert record["true depth"]["unit chosen"] and record["reg MAE"] > 5
    done = run("predict", "depth", sample, "--truth", tmp_path)
    assert done.exit_code == 0 and "true median" in done.stdout
    assert done.stderr.startswith("Depth read as metres × 5000 (16-bit PNG): the median ratio")


BAD = {
    "frames of a photo": ("predict", "age", "a.jpg", "--frames", "5"),
    "part of a photo": ("predict", "depth", "a.jpg", "--part"),
    "true depth of a face": ("predict", "age", "a.jpg", "--truth", "a.npy"),
    "unit of a face": ("predict", "age", "a.jpg", "--depth-unit", "mm"),
    "unit without depth": ("predict", "depth", "a.jpg", "--depth-unit", "mm"),
    "part of a room": ("predict", "depth", "a.jpg", "--truth", "a.npy", "--part"),
    "two depths of a room": ("predict", "depth", "a.jpg", "--truth", "a", "--truth", "b"),
    "no frames": ("predict", "progress", "a.mp4", "--frames", "0"),
    "no clips": ("evaluate", "progress", "--data", "absent.zip"),
    "not a split": ("evaluate", "progress", "--data", "absent.zip", "--split", "all"),
    "index of clips": ("evaluate", "progress", "--csv", "index.csv"),
    "no data to train": ("train", "progress", "--data", "absent.zip"),
    "no rooms to train": ("train", "depth", "--data", "absent.zip"),
    "not a part": ("train", "progress", "--data", "absent.zip", "--part", "half"),
    "no runs": ("export", "depth", "--data", "absent.zip"),
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD.keys())
def test_invalid_input_gets_one_sentence(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one_sentence(run(*arguments))


def test_a_split_without_clips_is_reported(clips):
    done = run("evaluate", "progress", "--data", clips, "--split", "val")
    one_sentence(done)
    assert "no samples in the split val" in done.stderr
