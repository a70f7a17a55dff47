"""Videos in and out: the right frames at the right time, and a sentence for whatever is no video."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import numpy as np
import pytest

from regcls.io import images, video, video_overlay
from tests.helpers import video_files

SIZE = (48, 64)
FRAMES = 60
NEAR = 12  # of 255: compression is lossy, and a neighbouring frame is 100 away


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return video_files.make(tmp_path_factory.mktemp("video") / "clip.mp4", FRAMES)


def read(source: video.Video, budget: int = 10_000, **options) -> tuple[np.ndarray, np.ndarray]:
    """Brightness and second of all frames that ``sampled`` gives."""
    batches = list(video.sampled(source, budget, SIZE, **options))
    frames = np.concatenate([batch.frames for batch in batches])
    return frames.mean(axis=(1, 2, 3)), np.concatenate([batch.seconds for batch in batches])


def greys(numbers: np.ndarray) -> np.ndarray:
    return np.array([video_files.grey_of(number) for number in numbers])


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("mp4", "mpeg4"), ("mp4", "libx264"), ("mov", "libx264"), ("avi", "mpeg4"), ("avi", "mjpeg"),
     ("webm", "libvpx"), ("mkv", "libx264"), ("gif", "gif")],
)  # fmt: skip
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
def test_a_budget_takes_frames_evenly_from_first_to_last(clip, budget):
    found = video.open_video(clip, "clip.mp4")
    wanted = np.unique(np.linspace(0, FRAMES - 1, min(budget, FRAMES)).round())
    grey, seconds = read(found, budget)
    assert np.abs(grey - greys(wanted)).max() < NEAR
    assert np.allclose(seconds, wanted / 30, atol=1e-3)


def test_jumping_to_keyframes_finds_the_same_frames_and_decodes_fewer(tmp_path, monkeypatch):
    path = video_files.make(tmp_path / "long.mp4", 600, codec="libx264", gop=30)
    found = video.open_video(path, path.name)
    decoded = []
    original = video._decoded
    monkeypatch.setattr(
        video, "_decoded", lambda *a: (decoded.append(1) or item for item in original(*a))
    )
    grey, _ = read(found, 5)
    assert np.abs(grey - greys(np.linspace(0, 599, 5).round())).max() < NEAR
    assert len(decoded) < 5 * 35


def test_the_last_batch_says_that_all_is_done(clip):
    found = video.open_video(clip, "clip.mp4")
    batches = list(video.sampled(found, 60, SIZE, batch=16))
    assert [len(batch.frames) for batch in batches] == [16, 16, 16, 12]
    assert [batch.done for batch in batches] == pytest.approx([16 / 60, 32 / 60, 48 / 60, 1.0])


def test_stop_ends_the_reading(clip):
    found = video.open_video(clip, "clip.mp4")
    seen = []
    for batch in video.sampled(found, 60, SIZE, batch=8, stop=lambda: len(seen) >= 2):
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
    frame = next(video.sampled(found, 1, (64, 48))).frames[0]
    assert frame[:28, :, 0].min() > 150
    assert frame[36:, :, 0].max() < 60
    assert video.frame_at(found, 0).shape == (64, 48, 3)


def test_a_header_that_promises_ten_hours_is_not_believed(tmp_path):
    path = video_files.make(tmp_path / "long.mkv", FRAMES)
    found = video.open_video(video_files.lasting(path.read_bytes(), 36_000), "long.mkv")
    assert found.seconds == pytest.approx(2.0, abs=0.05)
    assert len(found.notes) == 1
    assert "10.0 hours" in found.notes[0] and "2.0 s" in found.notes[0]
    assert len(read(found)[0]) == FRAMES


def test_a_video_cut_short_gives_what_it_has(tmp_path):
    path = video_files.make(
        tmp_path / "cut.mp4", FRAMES, options={"movflags": "faststart"}, codec="libx264", gop=6
    )
    data = path.read_bytes()
    found = video.open_video(data[: int(len(data) * 0.7)], "cut.mp4")
    assert found.notes and found.notes[0].endswith("The frames count.")
    grey, _ = read(found)
    assert 5 < len(grey) < FRAMES
    assert np.abs(grey - greys(np.arange(len(grey)))).max() < 30


def test_damage_in_the_middle_leaves_frames_out_and_says_so(tmp_path):
    path = video_files.make(tmp_path / "bad.avi", FRAMES, codec="mjpeg")
    pictures = path.read_bytes().split(b"\xff\xd8\xff")
    for number in (20, 21, 30):
        pictures[number] = bytes(len(pictures[number]) - 40) + pictures[number][-40:]
    data = b"\xff\xd8\xff".join(pictures)
    found = video.open_video(data, "bad.avi")
    batches = list(video.sampled(found, 100, SIZE))
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
    with pytest.raises(video.VideoError, match=r"big\.mp4 is 8000 × 6000 pixels; at most 8K"):
        video.open_video(path, "big.mp4")


def test_a_single_picture_is_said_to_be_one(tmp_path):
    path = video_files.make(tmp_path / "one.gif", 1, codec="gif")
    assert "single picture" in video.open_video(path, "one.gif").notes[0]


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "x.mp4 is empty."),
        (b"Dear diary, today was a long day. " * 50, "x.mp4 is no video that can be read"),
        (PLAYLIST, "x.mp4 is no video that can be read"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "x.mp4 is no video that can be read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "x.mp4 is no video that can be read"),
        (b"\x00\x00\x00 ftypisom" + bytes(500), "x.mp4 is damaged or cut short"),
        (b"RIFF\x00\x10\x00\x00AVI LIST" + bytes(500), "x.mp4 "),
        (b"\x1aE\xdf\xa3" + bytes(range(256)) * 8, "x.mp4 "),
        (b"GIF89a" + bytes(range(256)) * 8, "x.mp4 "),
    ],
)
def test_what_is_no_video_gets_a_sentence(data, sentence):
    with pytest.raises(video.VideoError) as caught:
        video.open_video(data, "x.mp4")
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(".")


def test_sound_without_picture_is_refused(tmp_path):
    path = video_files.sound_only(tmp_path / "song.mp4")
    with pytest.raises(video.VideoError, match=r"song\.mp4 has no video stream"):
        video.open_video(path, "song.mp4")


def test_zero_frames_are_refused(tmp_path):
    path = tmp_path / "none.avi"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.start_encoding()
    with pytest.raises(video.VideoError, match=r"none\.avi has no frames"):
        video.open_video(path, "none.avi")


def test_an_mp4_without_its_index_is_refused(clip):
    data = clip.read_bytes()  # its index lies at the end
    with pytest.raises(video.VideoError, match="damaged or cut short"):
        video.open_video(data[: len(data) // 2], "half.mp4")


def test_a_file_that_is_too_large_or_missing_is_refused(clip, tmp_path, monkeypatch):
    with pytest.raises(video.VideoError, match=r"gone\.mp4 cannot be opened"):
        video.open_video(tmp_path / "gone.mp4", "gone.mp4")
    monkeypatch.setattr(video, "MAX_BYTES", 1000)
    with pytest.raises(video.VideoError, match="at most 0 MB are read"):
        video.open_video(clip, "clip.mp4")


def test_a_video_error_is_a_media_error():
    assert issubclass(video.VideoError, images.MediaError)


def test_bytes_that_were_shot_through_never_escape_as_another_error(clip):
    """Whatever is damaged: a ``VideoError``, or fewer frames."""
    data, rng = clip.read_bytes(), np.random.default_rng(0)
    for _ in range(40):
        broken = bytearray(data)
        for at in rng.integers(8, len(data), 30):
            broken[at] = rng.integers(256)
        try:
            for batch in video.sampled(video.open_video(bytes(broken), "shot.mp4"), 20, SIZE):
                assert batch.frames.shape[1:] == (*SIZE, 3)
        except video.VideoError as error:
            assert str(error).startswith("shot.mp4")


def test_overlapped_gives_the_same_in_order_and_hands_errors_over():
    def items():
        yield from range(5)
        raise ValueError("the source broke")

    seen = []
    with pytest.raises(ValueError, match="the source broke"):
        for item in video.overlapped(items()):
            seen.append(item)
    assert seen == [0, 1, 2, 3, 4]


def test_overlapped_works_ahead_while_its_user_is_busy():
    begun = threading.Event()

    def items():
        yield 1
        begun.set()
        yield 2

    stream = video.overlapped(items(), ahead=1)
    assert next(stream) == 1
    assert begun.wait(5)
    assert list(stream) == [2]


def test_leaving_overlapped_ends_its_thread():
    closed = threading.Event()

    def items():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    stream = video.overlapped(items())
    next(stream)
    stream.close()
    assert closed.is_set()


COLOURS = {"reg": "#FF0000", "reg+cls": "#00FF00"}


def test_bars_are_as_long_as_their_values(clip, tmp_path):
    found = video.open_video(clip, "clip.mp4")
    seconds = np.array([0.0, 2.0])
    bars = {"reg": np.array([0.0, 1.0]), "reg+cls": np.array([0.5, 0.5])}
    told: list[float] = []
    out = video_overlay.with_bars(
        found, tmp_path / "bars.mp4", seconds, bars, COLOURS, truth=seconds / 2, report=told.append
    )
    film = video.open_video(out, "bars.mp4")
    assert film.frames == FRAMES
    assert film.seconds == pytest.approx(found.seconds, abs=0.05)
    assert told == sorted(told) and told[-1] > 0.9
    for second in (0.5, 1.5):
        frame = video.frame_at(film, second).astype(int)
        band = frame[SIZE[0] :]
        red = (band[..., 0] > 150) & (band[..., 1] < 100)
        green = (band[..., 1] > 150) & (band[..., 0] < 100)
        width, half = red.any(axis=0).sum(), green.any(axis=0).sum()
        assert width / (2 * half) == pytest.approx(second / 2, abs=0.06)


def test_a_film_that_is_stopped_is_shorter(clip, tmp_path):
    found = video.open_video(clip, "clip.mp4")
    told: list[float] = []
    video_overlay.with_bars(
        found, tmp_path / "bars.mp4", np.zeros(1), {"reg": np.zeros(1)}, COLOURS,
        report=told.append, stop=lambda: len(told) >= 10,
    )  # fmt: skip
    assert len(told) == 10
