"""regcls.io.images: valid files of every format are decoded, hostile ones are rejected."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from regcls.io import images
from regcls.io.images import MediaError, read_image
from tests.helpers.photo_files import encoded, gradient


def png_of_claimed_size(width: int, height: int) -> bytes:
    """A valid header of a huge PNG and a few bytes of it: a decompression bomb before decoding."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "JPEG", "WEBP"])
def test_every_format_gives_the_same_picture(kind):
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    picture = read_image(encoded(gradient(), kind, **options))
    assert picture.pixels.dtype == np.uint8 and picture.notes == ()
    off = np.abs(picture.pixels.astype(int) - np.asarray(gradient()).astype(int))
    assert off.mean() < {"JPEG": 3, "GIF": 12}.get(kind, 0.01)  # GIF has 256 colours


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"just a text, renamed .jpg" * 20, "cannot be read as a photo"),
        (b"<svg onload='alert(1)'/>", "cannot be read as a photo"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 200, "HEIC"),
        (encoded(gradient(400, 300), "JPEG")[:3000], "damaged or incomplete"),
        (encoded(gradient(400, 300), "PNG")[:600], "damaged or incomplete"),
        (encoded(gradient(8, 8)), "only 8 × 8 pixels"),
        (b"\xff" * (images.MAX_BYTES + 1), "at most 25 MB"),
    ],
)
def test_refused_with_a_sentence_that_names_the_file(data, words):
    with pytest.raises(MediaError) as refusal:
        read_image(data, "anna.jpg")
    sentence = refusal.value.sentence
    assert (
        sentence == f"{refusal.value}." and sentence.startswith("anna.jpg ") and words in sentence
    )


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (9_000, 9_000), (40_000, 20)])
def test_a_bomb_is_refused_before_it_is_decoded(width, height, monkeypatch):
    def decoded(*_):
        raise AssertionError("the picture was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    with pytest.raises(MediaError, match="limits are 50 megapixels"):
        read_image(png_of_claimed_size(width, height), "bomb.png")


def test_formats_beyond_the_list_are_never_opened():
    with pytest.raises(MediaError, match="cannot be read as a photo"):
        read_image(encoded(gradient(), "PPM"))


def test_cmyk_becomes_rgb():
    red = Image.new("RGB", (32, 32), (200, 20, 20)).convert("CMYK")
    pixels = read_image(encoded(red, "JPEG", quality=95)).pixels
    assert np.abs(pixels.reshape(-1, 3).mean(0) - (200, 20, 20)).max() < 6


def test_sixteen_bits_are_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None, :].repeat(32, 0)
    pixels = read_image(encoded(Image.fromarray(ramp), "PNG")).pixels
    assert pixels.shape == (32, 64, 3)
    np.testing.assert_allclose(pixels[0, :, 1], np.linspace(0, 255, 64), atol=1)


def test_float_grey_is_stretched_over_what_occurs():
    ramp = np.linspace(-3.0, 7.0, 64, dtype=np.float32)[None, :].repeat(32, 0)
    ramp[0, 0] = np.nan
    pixels = read_image(encoded(Image.fromarray(ramp), "TIFF")).pixels
    np.testing.assert_allclose(pixels[5, :, 0], np.linspace(0, 255, 64), atol=1)


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA"])
def test_what_is_transparent_becomes_white(mode):
    rgba = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    rgba.paste((0, 0, 255, 255), (0, 0, 32, 16))
    pixels = read_image(encoded(rgba.convert(mode) if mode != "RGBA" else rgba)).pixels
    assert pixels[24, 16].tolist() == [255, 255, 255]
    assert pixels[8, 16].max() < 255 or pixels[8, 16].tolist() == [0, 0, 255]


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_the_first_frame_of_an_animation_is_used_and_noted(kind):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    picture = read_image(data, "wave.gif")
    assert picture.pixels[16, 16].tolist() == [255, 0, 0]
    assert picture.notes == ("wave.gif has several frames or pages; only the first one is used.",)


def test_exif_rotation_is_applied():
    photo = gradient(64, 48)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying, to be turned a quarter clockwise
    pixels = read_image(encoded(photo, "JPEG", exif=exif, quality=95)).pixels
    turned = np.asarray(photo.transpose(Image.Transpose.ROTATE_270)).astype(int)
    assert pixels.shape == (64, 48, 3)
    assert np.abs(pixels.astype(int) - turned).mean() < 3


def test_a_phone_photo_with_a_second_view_is_one_photo():
    data = encoded(gradient(), "MPO", save_all=True, append_images=[gradient()])
    picture = read_image(data)
    assert picture.pixels.shape == (48, 64, 3) and picture.notes == ()
