"""Read a zip of photos and depth files from untrusted data, and pair them by their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from regcls.io import labelled_zip
from regcls.io.images import MAX_BYTES, SUFFIXES, MediaError
from regcls.io.labelled_zip import Archive, BombError
from regcls.tasks.depth import formats

# Parts of names that tell photos from depth files, such as "depth" in lobby_depth.png.
_ROLES = {
    "color", "colour", "depth", "depths", "disparity", "groundtruth", "gt", "image", "images",
    "img", "imgs", "photo", "photos", "rgb", "rgbs", "true", "truth",
}  # fmt: skip
_DEFLATE_RATIO = 1100.0  # deflate's own limit: a depth map can be mostly zeros


@dataclass(frozen=True)
class PhotoWithDepth:
    """A photo of a zip with its depth file.

    Attributes
    ----------
    name, depth_name : str
        Paths in the zip; ``depth_name`` is "" for a photo without a depth file.
    photo, depth : bytes
        Contents.
    """

    name: str
    photo: bytes
    depth_name: str = ""
    depth: bytes = b""


def read(data: bytes) -> tuple[list[PhotoWithDepth], list[tuple[str, str]]]:
    """Read the photos and depth files of a zip.

    A photo and a depth file belong together if their paths are equal without suffixes and words
    such as rgb or depth: rgb/0001.jpg and depth/0001.png, or lobby.jpg and lobby_depth.npy.

    Parameters
    ----------
    data : bytes
        The zip file.

    Returns
    -------
    pairs : list of PhotoWithDepth
        One entry per photo, in the order of the zip.
    problems : list of tuple of str
        Path and problem, as a sentence, of each file that cannot be used.

    Raises
    ------
    MediaError
        If the archive as a whole cannot be used.
    """
    photos: dict[str, bytes] = {}
    depths: dict[str, bytes] = {}
    problems: list[tuple[str, str]] = []
    with labelled_zip.opened(data) as archive:
        for name in archive.entries:
            try:
                content = _content(archive, name)
            except BombError:
                raise
            except MediaError as error:
                problems.append((name, error.sentence))
            else:
                (depths if formats.is_depth(content) else photos)[name] = content
    if not photos:
        raise MediaError("the zip has no photo; expected photos and depth files of the same name")
    return _paired(photos, depths, problems), problems


def name_key(path: str) -> str:
    """Return what a photo and its depth file have in common: the path without roles and suffix.

    Parameters
    ----------
    path : str
        Path of a file.

    Returns
    -------
    str
        The key, in lower case.

    Examples
    --------
    >>> name_key("set/rgb/0001.jpg"), name_key("set/depth/0001_depth.png")
    ('set/0001', 'set/0001')
    """
    pure = PurePosixPath(path.replace("\\", "/").lower())
    parts = [re.split(r"[-_. ]+", part) for part in (*pure.parts[:-1], pure.stem)]
    bare = ["_".join(word for word in words if word and word not in _ROLES) for words in parts]
    return "/".join(part for part in bare if part)


def _content(archive: Archive, name: str) -> bytes:
    suffix = PurePosixPath(name).suffix.lower().lstrip(".")
    if suffix not in (*SUFFIXES, *formats.SUFFIXES):
        raise MediaError(f"it is neither a photo nor a depth file ({formats.IN_WORDS})")
    limit = formats.MAX_FILE_BYTES if suffix in formats.SUFFIXES else MAX_BYTES
    return archive.read(name, limit, _DEFLATE_RATIO)


def _paired(
    photos: dict[str, bytes], depths: dict[str, bytes], problems: list[tuple[str, str]]
) -> list[PhotoWithDepth]:
    by_key: dict[str, list[str]] = {}
    for name in depths:
        by_key.setdefault(name_key(name), []).append(name)
    paired = []
    for name, photo in photos.items():
        found = by_key.pop(name_key(name), [])
        if len(found) > 1:
            problems.append((name, f"Several depth files match: {', '.join(found)}."))
        if len(found) == 1:
            paired.append(PhotoWithDepth(name, photo, found[0], depths[found[0]]))
        else:
            paired.append(PhotoWithDepth(name, photo))
            if not found:
                problems.append((name, "The zip has no depth file of the same name."))
    problems += [
        (name, "The zip has no photo of the same name.")
        for names in by_key.values()
        for name in names
    ]
    return paired
