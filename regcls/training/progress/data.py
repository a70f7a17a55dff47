"""Videos from start to finish → arrays: the robot tasks zip, and Breakfast's frame features."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np
import pandas as pd
from av.video.reformatter import VideoReformatter

from regcls.training.age.data import SPLITS, open_source

HEIGHT, WIDTH = 96, 128  # of the stored frames, pixels
# Training clips are cut short at a point drawn from U(0.4, 1) of their length, so that the last
# fifth of the activity is seen six times less often than the first two.
CUT = (0.4, 1.0)
FEATURES = 64  # of a frame of Breakfast's pre-computed features


@dataclass(frozen=True)
class Clips:
    """One split, clip after clip: ``frames`` (M, …), ``progress`` float32 (M,) in 0..1, and for
    each clip its ``names``, ``tasks``, ``starts`` (n+1,) into the frames, ``seconds``, and ``cuts``,
    the share of it that was kept."""

    frames: np.ndarray
    progress: np.ndarray
    starts: np.ndarray
    seconds: np.ndarray
    cuts: np.ndarray
    names: tuple[str, ...]
    tasks: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def clip_of_frame(self) -> np.ndarray:
        """(M,) the number of each frame's clip."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))


def load_clips(source: str | Path, cut: bool = True, seed: int = 0) -> dict[str, Clips]:
    """Read the robot tasks (a zip or a folder with index.csv: file, task, split, frames, fps).

    Training clips are cut short (``CUT``) unless ``cut`` is false; val and test stay whole. Raises
    ``ValueError`` for a source that is none.
    """
    read, names = open_source(Path(source), "videos")
    if "index.csv" not in names:
        raise ValueError(f"{source} has no index.csv")
    table = pd.read_csv(io.BytesIO(read("index.csv")))
    missing = [c for c in ("file", "task", "split") if c not in table]
    if missing:
        raise ValueError(f"the index lacks the column {missing[0]!r}; it needs file, task, split")
    return {
        split: _split(table[table["split"] == split], read, cut and split == "train", seed)
        for split in SPLITS
    }


def load_features(folder: str | Path, cut: bool = True, seed: int = 0) -> Clips:
    """Read Breakfast's pre-computed features: a text file (frames, 64) a video, in a folder.

    Targets are relative times, as in Pintea et al. 2023. Raises ``ValueError`` for a folder without
    such files or a file of another width.
    """
    files = sorted(Path(folder).rglob("*.txt"))
    if not files:
        raise ValueError(f"{folder} has no .txt files of frame features")
    clips = []
    for file in files:
        table = np.loadtxt(file, dtype=np.float32, ndmin=2)
        if table.shape[1] != FEATURES:
            raise ValueError(f"{file.name} has {table.shape[1]} columns, and {FEATURES} are needed")
        clips.append((table, float(len(table))))
    names = tuple(file.stem for file in files)
    tasks = tuple(name.rsplit("_", 1)[-1] for name in names)
    return _joined(clips, names, tasks, cut, seed)


def _split(table: pd.DataFrame, read: Callable[[str], bytes], cut: bool, seed: int) -> Clips:
    clips = [_decode(read(file)) for file in table["file"]]
    return _joined(clips, tuple(table["file"]), tuple(table["task"]), cut, seed)


def _decode(data: bytes) -> tuple[np.ndarray, float]:
    """Frames uint8 (n, HEIGHT, WIDTH, 3) and the length in seconds."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        scale = partial(  # one for all frames: it keeps its tables
            VideoReformatter().reformat,
            width=WIDTH,
            height=HEIGHT,
            format="rgb24",
            interpolation="AREA",
        )
        frames = [scale(frame).to_ndarray() for frame in container.decode(stream)]
        return np.stack(frames), len(frames) / float(stream.average_rate)


def _joined(clips: list, names: tuple, tasks: tuple, cut: bool, seed: int) -> Clips:
    rng = np.random.default_rng(seed)
    cuts = rng.uniform(*CUT, len(clips)) if cut else np.ones(len(clips))
    kept, progress, starts = [], [], [0]
    for (frames, _), share in zip(clips, cuts, strict=True):
        n = max(2, round(share * len(frames)))
        kept.append(frames[:n])
        progress.append(np.linspace(0, 1, len(frames), dtype=np.float32)[:n])
        starts.append(starts[-1] + n)
    return Clips(
        np.concatenate(kept) if kept else np.empty((0, HEIGHT, WIDTH, 3), np.uint8),
        np.concatenate(progress) if progress else np.empty(0, np.float32),
        np.array(starts),
        np.array([seconds for _, seconds in clips]),
        cuts,
        names,
        tasks,
    )
