"""Variants that benchmarks/inference.py compares: the same images and videos in ONNX and torch."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image

from regcls.inference import contract, providers
from regcls.inference import session as inference_session
from regcls.inference.provider_options import VARIABLE
from regcls.io import images as io_images
from regcls.io import video
from regcls.io.prefetch import prefetch
from regcls.tasks import pairs
from regcls.tasks.age import faces
from regcls.tasks.depth import predict
from regcls.tasks.pairs import Pair
from regcls.training.depth.network import DepthNet
from regcls.training.networks import ImageRegressor

Way = Callable[[], object]
CLIP_SIZE = (640, 480)  # pixels
TORCH_BATCH = 16
FILES = {"reg": "reg.onnx", "reg+cls": "regcls.onnx"}


def network(card: contract.Card, channels_last: bool = False) -> torch.nn.Module:
    """Build the network from which a file was exported: pretrained backbone, random heads.

    The weights do not change the speed as long as the activations are realistic.
    """
    net = DepthNet if card.task == "depth" else ImageRegressor
    model = net(card.class_count, pretrained=True).eval()
    return model.to(memory_format=torch.channels_last) if channels_last else model


def image_ways(path: Path, batch: int) -> dict[str, Way]:
    """Return the variants of running one model on ``batch`` random images."""
    session = inference_session.session(path)
    images = noise(session.card, batch)
    tensor = torch.from_numpy(images)
    plain, last = network(session.card), network(session.card, channels_last=True)
    ways: dict[str, Way] = {
        "onnx": lambda: session.run(images),
        "torch": lambda: plain(tensor),
        "torch channels_last": lambda: last(tensor),
    }
    if has_gpu():
        with _requesting(""):
            on_gpu = inference_session.session(path)
        ways["onnx on the GPU"] = lambda: on_gpu.run(images)
    return ways


def photo_ways(pair: Pair) -> dict[str, Way]:
    """Sixteen photos through both models: decoding, resizing and inference, or inference only."""
    card = pair.reg.card
    size = (card.input["height"], card.input["width"])
    files = [path.read_bytes() for path in sorted(pairs.SAMPLES.glob("*.jpg"))]
    files = (files * TORCH_BATCH)[:TORCH_BATCH]

    def fitted(data: bytes) -> np.ndarray:
        pixels = io_images.read_image(data).pixels
        if card.task == "age":
            return faces.centre_crop(pixels, size[0])
        return predict.on_canvas(pixels, size)[0]

    def read() -> np.ndarray:
        return np.stack([fitted(data) for data in files])

    ready = read()
    return _both_ways(pair, lambda: [read()], [ready])


def video_ways(pair: Pair, clip: Path, frames: int) -> dict[str, Way]:
    """Every frame of ``clip`` through both models: decoding and inference, or inference only."""
    size = (pair.reg.card.input["height"], pair.reg.card.input["width"])

    def read():
        source = video.open_video(clip, clip.name)
        for batch in prefetch(video.sample_frames(source, frames, size)):
            yield batch.frames

    return _both_ways(pair, read, list(read()))


def _both_ways(pair: Pair, read: Callable, ready: list[np.ndarray]) -> dict[str, Way]:
    """ONNX and torch, on batches from ``read`` (end to end) and on the same batches in memory."""
    nets = [network(session.card) for session in (pair.reg, pair.regcls)]

    def run_torch(images: np.ndarray) -> None:
        for net in nets:
            for start in range(0, len(images), TORCH_BATCH):
                net(torch.from_numpy(images[start : start + TORCH_BATCH]))

    return {
        "onnx, infer only": lambda: [pairs.run_pair(pair, images) for images in ready],
        "onnx, end to end": lambda: [pairs.run_pair(pair, images) for images in read()],
        "torch, infer only": lambda: [run_torch(images) for images in ready],
        "torch, end to end": lambda: [run_torch(images) for images in read()],
    }


def batch_ways(path: Path, batches: tuple[int, ...]) -> dict[int, Way]:
    """Return one variant per batch size, all over the same images."""
    session = inference_session.session(path)
    images = noise(session.card, max(batches))
    return {batch: lambda b=batch: session.run(images, b) for batch in batches}


def noise(card: contract.Card, count: int) -> np.ndarray:
    """Random images of a model's input size."""
    shape = (count, card.input["height"], card.input["width"], 3)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def write_clip(path: Path, frames: int) -> Path:
    """Write an H.264 video of a moving view of a photo, 30 frames per second."""
    photo = Image.open(io.BytesIO((pairs.SAMPLES / "lobby.jpg").read_bytes())).convert("RGB")
    wide, high = CLIP_SIZE
    photo = np.asarray(photo.resize((wide * 5 // 4, high * 5 // 4)))
    with av.open(str(path), "w") as out:
        stream = out.add_stream("h264", rate=30)
        stream.width, stream.height, stream.pix_fmt = wide, high, "yuv420p"
        for number in range(frames):
            turn = 2 * np.pi * number / 90
            x, y = (
                int(s * (1 + f(turn)) / 2) for s, f in ((wide // 4, np.cos), (high // 4, np.sin))
            )
            view = np.ascontiguousarray(photo[y : y + high, x : x + wide])
            out.mux(stream.encode(av.VideoFrame.from_ndarray(view, format="rgb24")))
        out.mux(stream.encode())
    return path


def has_gpu() -> bool:
    """Whether ONNX Runtime uses a GPU here by default."""
    with _requesting(""):
        return providers.provider().name != "CPU"


@contextmanager
def _requesting(value: str) -> Iterator[None]:
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = value
    try:
        yield
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before
