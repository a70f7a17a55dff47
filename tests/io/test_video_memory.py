"""regcls.io.video with a pair: a long video is streamed in little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from tests.helpers import fake_pair

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 10_000
# Idle: the libraries are loaded and nothing was read. Peak: resident memory after each batch.
READ = """if True:
    import sys, numpy as np, psutil
    import av, onnx, onnxruntime, pandas
    from regcls.io import video
    from regcls.io.prefetch import prefetch
    from regcls.tasks import pairs
    root, clip, frames = sys.argv[1:]
    memory = psutil.Process().memory_info
    idle = peak = memory().rss
    pair = pairs.load_pair("age", root)
    side, sums, seen = pair.reg.card.input["height"], 0.0, 0
    for batch in prefetch(video.sample_frames(video.open_video(clip, "long.mp4"), int(frames), (side, side))):
        value, _ = pairs.run_pair(pair, batch.frames)["reg"]
        sums, seen = sums + float(value.sum()), seen + len(value)
        peak = max(peak, memory().rss)
    print(seen, sums / seen, (peak - idle) / 1e6)
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten thousand frames that grow from black to white."""
    path = tmp_path_factory.mktemp("video") / "long.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in range(FRAMES):
            grey = np.full((96, 128, 3), 255 * number // (FRAMES - 1), np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        out.mux(stream.encode())
    return path


def test_ten_thousand_frames_need_little_memory(clip: Path, tmp_path: Path) -> None:
    fake_pair.make_pair(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path), str(clip), str(FRAMES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen, mean, above = map(float, done.stdout.split())
    assert seen == FRAMES
    assert mean == pytest.approx(50.0, abs=2.0)  # the fake pair predicts the brightness
    assert above < 200  # MB; the frames alone, were they kept, are 276
