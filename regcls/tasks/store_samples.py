"""Make the pictures of the samples and the stored predictions: ``python -m regcls.tasks.store_samples``.

Run it after the models or the samples have changed.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

from regcls.io import video
from regcls.tasks import samples
from regcls.tasks.age import predict as age
from regcls.tasks.depth import predict as depth
from regcls.tasks.progress import predict as progress

THUMBNAIL = (208, 156)  # pixels: twice the size on the page


def _make_thumbnail(name: str, picture: Image.Image) -> None:
    picture.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=80, optimize=True)
    samples.FOLDER.mkdir(exist_ok=True)
    (samples.FOLDER / f"{Path(name).stem}.jpg").write_bytes(out.getvalue())


def main() -> None:
    """Make the pictures of all samples and the stored predictions of all tasks."""
    for photo in (*age.SHIPPED_SAMPLES, *depth.SHIPPED_SAMPLES):
        _make_thumbnail(photo.file, Image.open(io.BytesIO(photo.read())))
    for film in progress.SHIPPED_SAMPLES:
        frame = video.frame_at(video.open_video(film.read(), film.title), film.face, 320)
        _make_thumbnail(film.file, Image.fromarray(frame))
    for module in (age, depth, progress):
        path = module.store_sample(module.load())
        sys.stdout.write(f"{path}: {path.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
