"""Hostile and odd files: each is read, or refused with one plain sentence; nothing else is lost."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from regcls.io import images, labelled_zip
from regcls.io.images import MediaError, read_image
from regcls.io.labelled_zip import read_labelled_zip


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def gradient(width: int = 64, height: int = 48) -> Image.Image:
    x = np.linspace(0, 255, width)[None, :].repeat(height, 0)
    y = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    return Image.fromarray(np.stack([x, y, 255 - x], 2).astype(np.uint8))


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def png_of_claimed_size(width: int, height: int) -> bytes:
    """A valid header of a huge PNG and a few bytes of it: what a bomb looks like before decoding."""

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
        (b"just a text, renamed .jpg" * 20, "is not a photo that can be read here"),
        (b"<svg onload='alert(1)'/>", "is not a photo that can be read here"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 200, "HEIC"),
        (encoded(gradient(400, 300), "JPEG")[:3000], "damaged or cut short"),
        (encoded(gradient(400, 300), "PNG")[:600], "damaged or cut short"),
        (encoded(gradient(8, 8)), "only 8 × 8 pixels"),
        (b"\xff" * (images.MAX_BYTES + 1), "at most 25 MB"),
    ],
)
def test_refused_with_a_sentence_that_names_the_file(data, words):
    with pytest.raises(MediaError) as refusal:
        read_image(data, "anna.jpg")
    sentence = str(refusal.value)
    assert sentence.startswith("anna.jpg ") and words in sentence and sentence.endswith(".")


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (9_000, 9_000), (40_000, 20)])
def test_a_bomb_is_refused_before_it_is_decoded(width, height, monkeypatch):
    def decoded(*_):
        raise AssertionError("the picture was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    with pytest.raises(MediaError, match="at most 50 megapixels"):
        read_image(png_of_claimed_size(width, height), "bomb.png")


def test_formats_beyond_the_list_are_never_opened():
    with pytest.raises(MediaError, match="not a photo"):
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
def test_the_first_frame_of_an_animation_is_used_and_told(kind):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    picture = read_image(data, "wave.gif")
    assert picture.pixels[16, 16].tolist() == [255, 0, 0]
    assert picture.notes == ("wave.gif is animated or has several pages: the first one is used.",)


def test_exif_rotation_is_applied():
    photo = gradient(64, 48)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying, to be turned a quarter clockwise
    pixels = read_image(encoded(photo, "JPEG", exif=exif, quality=95)).pixels
    turned = np.asarray(photo.transpose(Image.Transpose.ROTATE_270)).astype(int)
    assert pixels.shape == (64, 48, 3)
    assert np.abs(pixels.astype(int) - turned).mean() < 3


def test_a_labelled_zip_in_a_folder_with_semicolons():
    photo = encoded(gradient())
    rows = read_labelled_zip(
        zipped({"set/labels.csv": b"\xef\xbb\xbfAge; File\n31;a.png\n;b.png\n",
                "set/a.png": photo, "set/b.png": photo, "set/.DS_Store": b"x"})
    )  # fmt: skip
    assert rows == [("a.png", photo, 31.0, None), ("b.png", photo, None, None)]


def test_bad_rows_are_told_and_the_others_work():
    photo = encoded(gradient())
    table = "file,age\na.png,-5\nb.png,abc\nc.png,400\nd.png,nan\ngone.png,30\ne.png,30\n"
    files = {f"{letter}.png": photo for letter in "abcde"}
    rows = read_labelled_zip(zipped({"labels.csv": table.encode(), **files}))
    problems = {row.name: row.problem for row in rows}
    assert "-5 is not between 0 and 120" in problems["a.png"]
    assert "'abc' is not a number" in problems["b.png"]
    assert "400 is not between 0 and 120" in problems["c.png"]
    assert "nan is not between 0 and 120" in problems["d.png"]
    assert problems["gone.png"] == "it is not in the zip."
    assert [row for row in rows if row.age is not None] == [("e.png", photo, 30.0, None)]
    assert all(row.data == photo for row in rows if row.name in files)


@pytest.mark.parametrize("path", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:\\x.png"])
def test_paths_that_climb_out_are_refused_and_nothing_is_written(path, tmp_path, monkeypatch):
    folder = tmp_path / "inside"
    folder.mkdir()
    monkeypatch.chdir(folder)
    photo = encoded(gradient())
    table = f'file,age\n"{path}",30\ngood.png,40\n'.encode()
    rows = read_labelled_zip(zipped({"labels.csv": table, path: photo, "good.png": photo}))
    refused = [row for row in rows if row.name != "good.png"]
    assert refused and all(row.data is None for row in refused)
    assert all("leads out of the zip" in row.problem for row in refused)
    assert ("good.png", photo, 40.0, None) in rows
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_zip_bomb_is_refused():
    table = b"file,age\nbomb.png,30\n"
    with pytest.raises(MediaError, match="unpacks to far more"):
        read_labelled_zip(zipped({"labels.csv": table, "bomb.png": b"\0" * 20_000_000}))


def test_the_whole_is_capped_as_well(monkeypatch):
    monkeypatch.setattr(labelled_zip, "MAX_ZIP_UNPACKED", 30_000)
    noise = np.random.default_rng(0).bytes(20_000)
    files = {"labels.csv": b"file,age\na.png,1\nb.png,2\n", "a.png": noise, "b.png": noise}
    with pytest.raises(MediaError, match="unpacks to far more"):
        read_labelled_zip(zipped(files))


def test_a_header_that_lies_about_the_size_does_not_help():
    data = bytearray(
        zipped({"labels.csv": b"file,age\nbomb.png,3\n", "bomb.png": b"\0" * 9_000_000})
    )
    entry = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, entry + 24, 10)  # the directory now says ten bytes
    try:
        rows = read_labelled_zip(bytes(data))
    except MediaError as refusal:
        assert "unpacks to far more" in str(refusal)
    else:
        assert rows[0].data is None and rows[0].problem


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.png": b"x"}, "has no CSV"),
        ({"a.csv": b"file,age\n", "b.csv": b"file,age\n"}, "has 2 CSV files"),
        ({"a.csv": b"name,years\nx,1\n"}, "lacks the column 'file'"),
        ({"a.csv": b"file\nx\n"}, "lacks the column 'age'"),
        ({"a.csv": b""}, "lacks the column 'file'"),
    ],
)
def test_archives_that_cannot_be_used(files, words):
    with pytest.raises(MediaError, match=words):
        read_labelled_zip(zipped(files))


def test_no_zip_at_all():
    with pytest.raises(MediaError, match="not a zip"):
        read_labelled_zip(b"PK or not")


def test_too_many_files(monkeypatch):
    monkeypatch.setattr(labelled_zip, "MAX_ZIP_FILES", 2)
    with pytest.raises(MediaError, match="has 3 files"):
        read_labelled_zip(zipped({"a.csv": b"file,age\n", "b.png": b"", "c.png": b""}))


def test_packing_that_unpacks_without_a_cap_is_refused():
    files = {"labels.csv": b"file,age\na.png,3\n", "a.png": b"x" * 100}
    with pytest.raises(MediaError, match="packed in a way"):
        read_labelled_zip(zipped(files, zipfile.ZIP_LZMA))


def test_photos_that_no_row_names_are_told():
    rows = read_labelled_zip(zipped({"labels.csv": b"file,age\n", "x.png": encoded(gradient())}))
    assert rows[0].problem == "labels.csv does not name it, so it was left out."


def test_a_phone_photo_with_a_second_view_is_one_photo():
    data = encoded(gradient(), "MPO", save_all=True, append_images=[gradient()])
    picture = read_image(data)
    assert picture.pixels.shape == (48, 64, 3) and picture.notes == ()
