"""Data sets of activities with progress: robot tasks as videos, and Breakfast's frame features."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np
import pandas as pd
from av.video.reformatter import VideoReformatter

from regcls.exceptions import UserError
from regcls.training.sources import SPLITS, Reader, check_columns, open_source

HEIGHT, WIDTH = 96, 128  # of the stored frames, pixels
# Training clips are cut at a point drawn from U(0.4, 1) of their length, so that the last fifth of
# the activity is six times rarer than each of the first two.
CUT = (0.4, 1.0)
FEATURES = 64  # number of Breakfast's pre-computed features per frame


@dataclass(frozen=True)
class Clips:
    """One split of a data set: n clips with M frames in all.

    Attributes
    ----------
    frames : ndarray, shape (M, ...)
        Frames or features of all clips, one clip after another.
    progress : ndarray of float32, shape (M,)
        Progress of each frame, 0 to 1.
    starts : ndarray of int, shape (n + 1,)
        Index of the first frame of each clip, and M.
    seconds : ndarray, shape (n,)
        Length of each clip before it was cut.
    cuts : ndarray, shape (n,)
        Share of each clip that was kept.
    names, tasks : tuple of str
        Name and task of each clip.
    """

    frames: np.ndarray
    progress: np.ndarray
    starts: np.ndarray
    seconds: np.ndarray
    cuts: np.ndarray
    names: tuple[str, ...]
    tasks: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def subset(self, take: np.ndarray) -> Clips:
        """Return some of the clips.

        Parameters
        ----------
        take : ndarray of int, shape (k,)
            Indices of clips.

        Returns
        -------
        Clips
        """
        parts = [slice(self.starts[i], self.starts[i + 1]) for i in take]
        lengths = np.diff(self.starts)[take]
        return Clips(
            np.concatenate([self.frames[part] for part in parts]),
            np.concatenate([self.progress[part] for part in parts]),
            np.concatenate([[0], np.cumsum(lengths)]),
            self.seconds[take],
            self.cuts[take],
            tuple(self.names[i] for i in take),
            tuple(self.tasks[i] for i in take),
        )

    @property
    def clip_of_frame(self) -> np.ndarray:
        """Index of the clip of each frame, shape (M,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))


def load_clips(source: str | Path, cut: bool = True, seed: int = 0) -> dict[str, Clips]:
    """Read the videos of the robot tasks.

    Parameters
    ----------
    source : path-like
        Zip file or folder with an ``index.csv`` (columns file, task, split).
    cut : bool, default True
        Whether to cut the training clips at a random point (`CUT`).
    seed : int, default 0
        Seed of the cuts.

    Returns
    -------
    dict of str to Clips
        Splits train, val and test.

    Raises
    ------
    UserError
        If the source cannot be read or the index is not valid.
    """
    read, names = open_source(Path(source), "videos")
    if "index.csv" not in names:
        raise UserError(f"{source} has no index.csv")
    table = pd.read_csv(io.BytesIO(read("index.csv")))
    check_columns(table, "file", "task", "split")
    return {
        split: _split(table[table["split"] == split], read, cut and split == "train", seed)
        for split in SPLITS
    }


def load_features(folder: str | Path, cut: bool = True, seed: int = 0) -> Clips:
    """Read Breakfast's pre-computed features. Targets are relative times.

    Parameters
    ----------
    folder : path-like
        Folder with one text file per video: one row per frame, 64 columns.
    cut : bool, default True
        Whether to cut the clips at a random point (`CUT`).
    seed : int, default 0
        Seed of the cuts.

    Returns
    -------
    Clips
        All clips.

    Raises
    ------
    UserError
        If there is no file, or a file has another number of columns.

    References
    ----------
    Pintea, Lin, Dijkstra, van Gemert: A step towards understanding why classification helps
    regression, ICCV 2023.
    """
    files = sorted(Path(folder).rglob("*.txt"))
    if not files:
        raise UserError(f"{folder} has no .txt files of frame features")
    clips = []
    for file in files:
        table = np.loadtxt(file, dtype=np.float32, ndmin=2)
        if table.shape[1] != FEATURES:
            raise UserError(f"{file.name} has {table.shape[1]} columns instead of {FEATURES}")
        clips.append((table, float(len(table))))
    names = tuple(file.stem for file in files)
    tasks = tuple(name.rsplit("_", 1)[-1] for name in names)
    return _joined(clips, names, tasks, cut, seed)


def _split(table: pd.DataFrame, read: Reader, cut: bool, seed: int) -> Clips:
    clips = [_decode(read(file)) for file in table["file"]]
    return _joined(clips, tuple(table["file"]), tuple(table["task"]), cut, seed)


def _decode(data: bytes) -> tuple[np.ndarray, float]:
    """Return the frames, uint8 (n, HEIGHT, WIDTH, 3), and the length in seconds."""
    with av.open(io.BytesIO(data), mode="r") as container:
        stream = container.streams.video[0]
        scale = partial(  # one reformatter for all frames: it caches its tables
            VideoReformatter().reformat,
            width=WIDTH,
            height=HEIGHT,
            format="rgb24",
            interpolation="AREA",
        )
        frames = [scale(frame).to_ndarray() for frame in container.decode(stream)]
        if not stream.average_rate:
            raise UserError("a video of the data set has no frame rate")
        return np.stack(frames), len(frames) / float(stream.average_rate)


def _joined(
    clips: list[tuple[np.ndarray, float]],
    names: tuple[str, ...],
    tasks: tuple[str, ...],
    cut: bool,
    seed: int,
) -> Clips:
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
