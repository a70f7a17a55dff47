"""regcls.io.video and video_container: the right frames at the right time, and invalid files."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from regcls.io import images, video, video_container
from regcls.io.video_container import VideoError
from tests.helpers import video_files

SIZE = (48, 64)
FRAMES = 60
NEAR = 12  # of 255: compression is lossy, and a neighbouring frame is 100 away


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return video_files.make(tmp_path_factory.mktemp("video") / "clip.mp4", FRAMES)


def read(source: video.Video, budget: int = 10_000, **options) -> tuple[np.ndarray, np.ndarray]:
    """Brightness and second of all frames that ``sample_frames`` gives."""
    batches = list(video.sample_frames(source, budget, SIZE, **options))
    frames = np.concatenate([batch.frames for batch in batches])
    return frames.mean(axis=(1, 2, 3)), np.concatenate([batch.seconds for batch in batches])


def greys(numbers: np.ndarray) -> np.ndarray:
    return np.array([video_files.grey_of(number) for number in numbers])


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("mp4", "mpeg4"),
        ("mp4", "libx264"),
        ("mov", "libx264"),
        ("avi", "mpeg4"),
        ("avi", "mjpeg"),
        ("webm", "libvpx"),
        ("mkv", "libx264"),
        ("gif", "gif"),
    ],
)
def test_every_format_gives_all_frames_in_order(tmp_path, suffix, codec):
    rate = 25 if suffix == "gif" else 30  # a GIF counts hundredths of a second
    path = video_files.make(tmp_path / f"clip.{suffix}", FRAMES, rate=rate, codec=codec)
    found = video.open_video(path.read_bytes(), path.name)
    assert (found.frames, found.height, found.width) == (FRAMES, *SIZE)
    assert found.seconds == pytest.approx(FRAMES / rate, abs=0.05)
    assert found.notes == ()
    grey, seconds = read(found)
    tolerance = 25 if codec == "gif" else NEAR  # a GIF of 256 fixed colours knows few greys
    assert np.abs(grey - greys(np.arange(FRAMES))).max() < tolerance
    assert np.allclose(seconds, np.arange(FRAMES) / rate, atol=0.02)


@pytest.mark.parametrize("budget", [1, 2, 7, 59, 60, 500])
def test_a_budget_samples_frames_evenly_from_first_to_last(clip, budget):
    found = video.open_video(clip, "clip.mp4")
    wanted = np.unique(np.linspace(0, FRAMES - 1, min(budget, FRAMES)).round())
    grey, seconds = read(found, budget)
    assert np.abs(grey - greys(wanted)).max() < NEAR
    assert np.allclose(seconds, wanted / 30, atol=1e-3)


def test_seeking_to_keyframes_finds_the_same_frames_and_decodes_fewer(tmp_path, monkeypatch):
    path = video_files.make(tmp_path / "long.mp4", 600, codec="libx264", gop=30)
    found = video.open_video(path, path.name)
    decoded = []
    original = video_container.decode
    monkeypatch.setattr(
        video_container, "decode", lambda *a: (decoded.append(1) or item for item in original(*a))
    )
    grey, _ = read(found, 5)
    assert np.abs(grey - greys(np.linspace(0, 599, 5).round())).max() < NEAR
    assert len(decoded) < 5 * 35


def test_the_last_batch_reports_that_all_is_done(clip):
    found = video.open_video(clip, "clip.mp4")
    batches = list(video.sample_frames(found, 60, SIZE, batch=16))
    assert [len(batch.frames) for batch in batches] == [16, 16, 16, 12]
    assert [batch.done for batch in batches] == pytest.approx([16 / 60, 32 / 60, 48 / 60, 1.0])


def test_stop_ends_the_sampling(clip):
    found = video.open_video(clip, "clip.mp4")
    seen = []
    for batch in video.sample_frames(found, 60, SIZE, batch=8, stop=lambda: len(seen) >= 2):
        seen.append(batch)
    assert sum(len(batch.frames) for batch in seen) < 60
    assert not any(batch.note for batch in seen)


def test_variable_frame_rate_keeps_its_own_times(tmp_path):
    at = np.cumsum([0, *([20] * 29), *([200] * 30)])
    path = video_files.make(tmp_path / "vfr.mp4", FRAMES, at=at, codec="libx264")
    found = video.open_video(path, path.name)
    _, seconds = read(found)
    assert np.allclose(seconds, at / 1000, atol=2e-3)
    assert video.frame_at(found, 0.58).mean() == pytest.approx(greys([29])[0], abs=NEAR)
    assert video.frame_at(found, 0.79).mean() == pytest.approx(greys([30])[0], abs=NEAR)


def test_a_turned_video_stands_upright(tmp_path):
    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[:, :32, 0] = 220  # the left half is red: turned clockwise, it comes to lie above
        for _ in range(5):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    found = video.open_video(video_files.turned(path.read_bytes()), "phone.mp4")
    assert (found.width, found.height) == (48, 64)
    frame = next(video.sample_frames(found, 1, (64, 48))).frames[0]
    assert frame[:28, :, 0].min() > 150
    assert frame[36:, :, 0].max() < 60
    assert video.frame_at(found, 0).shape == (64, 48, 3)


def test_a_wrong_duration_in_the_header_is_not_trusted(tmp_path):
    path = video_files.make(tmp_path / "long.mkv", FRAMES)
    found = video.open_video(video_files.lasting(path.read_bytes(), 36_000), "long.mkv")
    assert found.seconds == pytest.approx(2.0, abs=0.05)
    assert len(found.notes) == 1
    assert "10.0 hours" in found.notes[0] and "2.0 s" in found.notes[0]
    assert len(read(found)[0]) == FRAMES


def test_a_truncated_video_gives_the_frames_it_has(tmp_path):
    path = video_files.make(
        tmp_path / "cut.mp4", FRAMES, options={"movflags": "faststart"}, codec="libx264", gop=6
    )
    data = path.read_bytes()
    found = video.open_video(data[: int(len(data) * 0.7)], "cut.mp4")
    assert found.notes and found.notes[0].endswith("the frames count.")
    grey, _ = read(found)
    assert 5 < len(grey) < FRAMES
    assert np.abs(grey - greys(np.arange(len(grey)))).max() < 30


def test_damaged_frames_are_left_out_with_a_note(tmp_path):
    path = video_files.make(tmp_path / "bad.avi", FRAMES, codec="mjpeg")
    pictures = path.read_bytes().split(b"\xff\xd8\xff")
    for number in (20, 21, 30):
        pictures[number] = bytes(len(pictures[number]) - 40) + pictures[number][-40:]
    data = b"\xff\xd8\xff".join(pictures)
    found = video.open_video(data, "bad.avi")
    batches = list(video.sample_frames(found, 100, SIZE))
    assert FRAMES - 3 <= sum(len(batch.frames) for batch in batches) < FRAMES
    assert "of 60 frames of bad.avi are damaged" in batches[-1].note


def test_eight_k_is_read_at_a_small_size(tmp_path):
    path = video_files.make(tmp_path / "8k.mp4", 3, size=(4320, 7680), codec="mjpeg")
    found = video.open_video(path, "8k.mp4")
    assert "larger than 4K" in found.notes[0]
    assert read(found)[0] == pytest.approx(greys(np.arange(3)), abs=NEAR)
    assert max(video.frame_at(found, 0).shape) == 640


def test_beyond_eight_k_is_refused(tmp_path):
    path = video_files.make(tmp_path / "big.mp4", 1, size=(6000, 8000), codec="mjpeg")
    with pytest.raises(VideoError, match=r"big\.mp4 is 8000 × 6000 pixels; at most 8K"):
        video.open_video(path, "big.mp4")


def test_a_single_image_is_noted(tmp_path):
    path = video_files.make(tmp_path / "one.gif", 1, codec="gif")
    assert "single image" in video.open_video(path, "one.gif").notes[0]


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "x.mp4 is empty"),
        (b"Dear diary, today was a long day. " * 50, "x.mp4 cannot be read as a video"),
        (PLAYLIST, "x.mp4 cannot be read as a video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "x.mp4 cannot be read as a video"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "x.mp4 cannot be read as a video"),
        (b"\x00\x00\x00 ftypisom" + bytes(500), "x.mp4 is damaged or incomplete"),
        (b"RIFF\x00\x10\x00\x00AVI LIST" + bytes(500), "x.mp4 "),
        (b"\x1aE\xdf\xa3" + bytes(range(256)) * 8, "x.mp4 "),
        (b"GIF89a" + bytes(range(256)) * 8, "x.mp4 "),
    ],
)
def test_invalid_files_are_rejected_with_a_sentence(data, sentence):
    with pytest.raises(VideoError) as caught:
        video.open_video(data, "x.mp4")
    assert str(caught.value).startswith(sentence)
    assert caught.value.sentence == f"{caught.value}."


def test_sound_without_picture_is_refused(tmp_path):
    path = video_files.sound_only(tmp_path / "song.mp4")
    with pytest.raises(VideoError, match=r"song\.mp4 has no video stream"):
        video.open_video(path, "song.mp4")


def test_zero_frames_are_refused(tmp_path):
    path = tmp_path / "none.avi"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.start_encoding()
    with pytest.raises(VideoError, match=r"none\.avi has no frames"):
        video.open_video(path, "none.avi")


def test_an_mp4_without_its_index_is_refused(clip):
    data = clip.read_bytes()  # its index lies at the end
    with pytest.raises(VideoError, match="damaged or incomplete"):
        video.open_video(data[: len(data) // 2], "half.mp4")


def test_a_file_that_is_too_large_or_missing_is_refused(clip, tmp_path, monkeypatch):
    with pytest.raises(VideoError, match=r"gone\.mp4 cannot be opened"):
        video.open_video(tmp_path / "gone.mp4", "gone.mp4")
    monkeypatch.setattr(video, "MAX_BYTES", 1000)
    with pytest.raises(VideoError, match="at most 0 MB are allowed"):
        video.open_video(clip, "clip.mp4")


def test_a_video_error_is_a_media_error():
    assert issubclass(VideoError, images.MediaError)


def test_random_damage_raises_no_other_error(clip):
    """Whatever is damaged, the result is a ``VideoError`` or fewer frames."""
    data, rng = clip.read_bytes(), np.random.default_rng(0)
    for _ in range(40):
        broken = bytearray(data)
        for at in rng.integers(8, len(data), 30):
            broken[at] = rng.integers(256)
        try:
            for batch in video.sample_frames(video.open_video(bytes(broken), "shot.mp4"), 20, SIZE):
                assert batch.frames.shape[1:] == (*SIZE, 3)
        except VideoError as error:
            assert str(error).startswith("shot.mp4")
