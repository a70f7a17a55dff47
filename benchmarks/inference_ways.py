"""What benchmarks/inference.py times: the same images and videos through ONNX and through torch."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image

from regcls.inference import contract
from regcls.inference import session as inference_session
from regcls.io import images as io_images
from regcls.tasks import pairs
from regcls.tasks.age import faces
from regcls.tasks.depth import predict
from regcls.tasks.pairs import Pair
from regcls.training.depth.network import DepthNet
from regcls.training.networks import ImageRegressor

Way = Callable[[], object]
CLIP_SIZE = (640, 480)  # pixels, as a phone or a lab's camera sends it
TORCH_BATCH = 16
FILES = {"reg": "reg.onnx", "reg+cls": "regcls.onnx"}


def network(card: contract.Card, channels_last: bool = False) -> torch.nn.Module:
    """The network a file was made from, ImageNet's weights in its backbone and chance in its heads:
    values do not change the speed as long as the activations are real ones."""
    net = DepthNet if card.task == "depth" else ImageRegressor
    model = net(card.class_count, pretrained=True).eval()
    return model.to(memory_format=torch.channels_last) if channels_last else model


def image_ways(path: Path, batch: int) -> dict[str, Way]:
    """One call a way, each over the same ``batch`` random images."""
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
        with _asking(""):
            on_gpu = inference_session.session(path)
        ways["onnx on the GPU"] = lambda: on_gpu.run(images)
    return ways


def photo_ways(pair: Pair) -> dict[str, Way]:
    """Sixteen photos through both models: decoded, fitted and asked, or asked alone."""
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
    """Every frame of ``clip`` through both models: decoded, shrunk and asked, or asked alone."""
    from regcls.io import video

    size = (pair.reg.card.input["height"], pair.reg.card.input["width"])

    def read():
        source = video.open_video(clip, clip.name)
        for batch in video.overlapped(video.sampled(source, frames, size)):
            yield batch.frames

    return _both_ways(pair, read, list(read()))


def _both_ways(pair: Pair, read: Callable, ready: list[np.ndarray]) -> dict[str, Way]:
    """``read`` gives the batches that are ``ready`` here: with it and without, ONNX and torch."""
    nets = [network(session.card) for session in (pair.reg, pair.regcls)]

    def asked(images: np.ndarray) -> None:
        for net in nets:
            for start in range(0, len(images), TORCH_BATCH):
                net(torch.from_numpy(images[start : start + TORCH_BATCH]))

    return {
        "onnx, infer only": lambda: [pairs.run_pair(pair, images) for images in ready],
        "onnx, end to end": lambda: [pairs.run_pair(pair, images) for images in read()],
        "torch, infer only": lambda: [asked(images) for images in ready],
        "torch, end to end": lambda: [asked(images) for images in read()],
    }


def batch_ways(path: Path, batches: tuple[int, ...]) -> dict[int, Way]:
    """The same images in batches of several sizes."""
    session = inference_session.session(path)
    images = noise(session.card, max(batches))
    return {batch: lambda b=batch: session.run(images, b) for batch in batches}


def noise(card: contract.Card, count: int) -> np.ndarray:
    """Random images of a model's size."""
    shape = (count, card.input["height"], card.input["width"], 3)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def write_clip(path: Path, frames: int) -> Path:
    """An H.264 video of a photo that moves, 30 frames a second."""
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
    """Whether ONNX Runtime would use a GPU here if it was not told otherwise."""
    with _asking(""):
        return inference_session.provider().name != "CPU"


@contextmanager
def _asking(value: str):
    before = os.environ.get(inference_session.OVERRIDE)
    os.environ[inference_session.OVERRIDE] = value
    try:
        yield
    finally:
        os.environ.pop(inference_session.OVERRIDE)
        if before is not None:
            os.environ[inference_session.OVERRIDE] = before
