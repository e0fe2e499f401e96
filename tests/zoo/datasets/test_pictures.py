"""Picture files of every kind are what one sees, and what was done to them is said."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from zoo.datasets.pictures import read_mask, read_pictures, size_of

RAMP = (np.arange(12 * 8) * 2).reshape(8, 12).astype(np.uint8)
COLOUR = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)


def read(path, shape=(8, 12, 3), resize="stretch"):
    pictures, notes = read_pictures([path], shape, resize)
    return pictures[0], notes


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "tiff", "webp"])
def test_a_picture_without_losses_is_its_pixels(tmp_path, ending):
    path = tmp_path / f"picture.{ending}"
    Image.fromarray(COLOUR).save(path, **({"lossless": True} if ending == "webp" else {}))
    found, notes = read(path)
    np.testing.assert_array_equal(found, COLOUR)
    assert notes == []
    assert size_of(path) == (8, 12)


def test_a_jpeg_is_near_its_pixels(tmp_path):
    smooth = np.repeat(RAMP[..., None], 3, axis=2)
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=95)
    found, _ = read(tmp_path / "a.jpg")
    assert np.abs(found.astype(int) - smooth).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright(tmp_path, orientation):
    """What a camera stores on its side, and what it says of it (EXIF 2.32, tag 274)."""
    stored = {
        1: COLOUR,
        2: COLOUR[:, ::-1],
        3: COLOUR[::-1, ::-1],
        4: COLOUR[::-1],
        5: COLOUR.transpose(1, 0, 2),
        6: np.rot90(COLOUR, 1),
        7: COLOUR.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(COLOUR, -1),
    }[orientation]
    picture = Image.fromarray(np.ascontiguousarray(stored))
    exif = picture.getexif()
    exif[274] = orientation
    picture.save(tmp_path / "a.png", exif=exif)
    found, notes = read(tmp_path / "a.png")
    np.testing.assert_array_equal(found, COLOUR)
    assert notes == (["1 turned upright (EXIF)"] if orientation > 1 else [])
    assert size_of(tmp_path / "a.png") == (8, 12)


def test_sixteen_bits_are_scaled_by_their_range_and_it_is_said(tmp_path):
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / "a.png")
    found, notes = read(tmp_path / "a.png", (8, 12, 1))
    np.testing.assert_array_equal(found[..., 0], RAMP)
    assert notes == ["1 of 16 bits, where 65,535 becomes white"]


def png_of_sixteen_bits(values):
    """Write colours, with or without transparency, as PNG (ISO 15948), which Pillow cannot."""

    def chunk(kind, data):
        checked = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checked

    height, width, channels = values.shape
    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


def tiff_of_sixteen_bits(values, order, planar=1, deflate=False):
    """Write colours as TIFF 6.0, in one strip, or in one for each colour (`planar` is 2)."""
    height, width, channels = values.shape
    planes = [values] if planar == 1 else np.moveaxis(values, 2, 0)
    strips = [np.ascontiguousarray(plane, order + "u2").tobytes() for plane in planes]
    strips = [zlib.compress(strip) for strip in strips] if deflate else strips
    lengths = [len(strip) for strip in strips]
    start = 10 + 12 * 9 + 4 + 2 * channels + 8 * len(strips)
    starts = [start + sum(lengths[:k]) for k in range(len(strips))]
    tags = [
        *((256, "I", [width]), (257, "I", [height]), (258, "H", [16] * channels)),
        *((259, "H", [8 if deflate else 1]), (262, "H", [2]), (273, "I", starts)),
        *((277, "H", [channels]), (279, "I", lengths), (284, "H", [planar])),
    ]
    entries, outside = b"", b""
    for tag, kind, numbers in tags:
        packed = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if len(packed) > 4:
            packed, place = b"", 10 + 12 * len(tags) + 4 + len(outside)
            outside += struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
            packed = struct.pack(order + "I", place)
        count = struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[kind], len(numbers))
        entries += count + packed.ljust(4, b"\0")
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IH", 8, len(tags))
    assert len(head + entries) + 4 + len(outside) <= start
    gap = b"\0" * (start - len(head + entries) - 4 - len(outside))
    return head + entries + b"\0" * 4 + outside + gap + b"".join(strips)


def test_colours_of_sixteen_bits_are_cut_and_it_is_said(tmp_path):
    values = np.random.default_rng(0).integers(0, 65_536, (8, 12, 4))
    files = {"a.png": png_of_sixteen_bits(values[..., :3]), "b.png": png_of_sixteen_bits(values)}
    for order in "<>":
        files[f"{ord(order)}.tif"] = tiff_of_sixteen_bits(values[..., :3], order)
    for planar in (1, 2):
        tiff = tiff_of_sixteen_bits(values[..., :3], "<", planar, deflate=True)
        files[f"packed{planar}.tif"] = tiff
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        found, notes = read(tmp_path / name)
        np.testing.assert_array_equal(found, values[..., :3] >> 8)
        assert "1 of 16 bits, cut to 8" in notes
    (tmp_path / "grey.png").write_bytes(png_of_sixteen_bits(values[..., :2]))
    found, notes = read(tmp_path / "grey.png")
    np.testing.assert_array_equal(found, np.repeat(values[..., :1] >> 8, 3, axis=2))
    assert "1 of 16 bits, cut to 8" in notes
    _, notes = read_pictures([tmp_path / name for name in files], (8, 12, 3))
    assert f"{len(files)} of 16 bits, cut to 8" in notes


def test_colours_that_pillow_would_mix_up_are_refused(tmp_path):
    """Colours of 16 bits one after the other, not packed: it takes their bytes for pixels."""
    values = np.random.default_rng(0).integers(0, 65_536, (8, 12, 3))
    (tmp_path / "a.tif").write_bytes(tiff_of_sixteen_bits(values, "<", planar=2))
    with pytest.raises(ValueError, match=r"expected colours .*a\.tif.*: save it as PNG") as error:
        read(tmp_path / "a.tif")
    assert "\n" not in str(error.value)


def test_a_palette_is_its_colours(tmp_path):
    few = Image.fromarray(COLOUR).quantize(16)
    few.save(tmp_path / "a.png")
    few.save(tmp_path / "a.gif")
    for name in ("a.png", "a.gif"):
        found, _ = read(tmp_path / name)
        np.testing.assert_array_equal(found, np.asarray(few.convert("RGB")))


def test_of_a_moving_gif_the_first_picture_is_read(tmp_path):
    first, second = (Image.fromarray(np.full((8, 12), v, np.uint8)) for v in (40, 200))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    found, _ = read(tmp_path / "a.gif")
    assert (found == 40).all()


def test_transparency_is_dropped_and_it_is_said(tmp_path):
    alpha = np.dstack([COLOUR, np.full((8, 12), 10, np.uint8)])
    Image.fromarray(alpha).save(tmp_path / "a.png")
    found, notes = read(tmp_path / "a.png")
    np.testing.assert_array_equal(found, COLOUR)
    assert notes == ["1 with transparency, which is dropped"]


def test_grey_is_repeated_and_colours_become_grey(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "grey.png")
    Image.fromarray(COLOUR).save(tmp_path / "colour.png")
    found, notes = read(tmp_path / "grey.png")
    np.testing.assert_array_equal(found, np.repeat(RAMP[..., None], 3, axis=2))
    assert notes == ["1 grey, repeated in three channels"]
    found, notes = read(tmp_path / "colour.png", (8, 12, 1))
    luma = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert np.abs(found[..., 0] - luma).max() <= 1
    assert notes == ["1 in colour, made grey"]


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (12, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    found, notes = read(tmp_path / "a.jpg")
    assert (np.abs(found[4, 6].astype(int) - [255, 0, 0]) < 8).all()
    assert notes == ["1 in CMYK, turned into RGB"]


@pytest.mark.parametrize(("resize", "kept"), [("stretch", 1.0), ("crop", 1.0), ("pad", 2 / 3)])
def test_sizes_are_changed_as_declared(tmp_path, resize, kept):
    Image.fromarray(np.full((8, 12, 3), 200, np.uint8)).save(tmp_path / "a.png")
    found, notes = read(tmp_path / "a.png", (24, 24, 3), resize)
    assert notes == [f"1 resized ({resize})"]
    assert (found > 100).mean() == pytest.approx(kept, abs=0.01)
    assert (found[12, 12] == 200).all()


def test_stretching_and_cropping_differ_in_what_is_seen(tmp_path):
    wide = np.zeros((8, 24, 3), np.uint8)
    wide[:, 8:16] = 255  # the middle third
    Image.fromarray(wide).save(tmp_path / "a.png")
    stretched, _ = read(tmp_path / "a.png", (8, 8, 3))
    cropped, _ = read(tmp_path / "a.png", (8, 8, 3), "crop")
    assert cropped.min() == 255
    assert (stretched[:, 0] < 60).all()


def test_shrinking_is_filtered(tmp_path):
    fine = np.zeros((64, 64), np.uint8)
    fine[:, ::2] = 255
    Image.fromarray(fine).save(tmp_path / "a.png")
    found, _ = read(tmp_path / "a.png", (16, 16, 1))
    assert np.abs(found.astype(int) - 127).max() < 40


def test_masks_keep_their_numbers(tmp_path):
    numbers = np.zeros((8, 12), np.uint8)
    numbers[2:6, 3:9] = 7
    Image.fromarray(numbers).save(tmp_path / "a.png")
    np.testing.assert_array_equal(
        read_mask(tmp_path / "a.png", tmp_path / "a.png", (8, 12)), numbers
    )
    assert set(np.unique(read_mask(tmp_path / "a.png", tmp_path / "a.png", (20, 20)))) == {0, 7}
    Image.fromarray(COLOUR).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match="expected a mask of one channel"):
        read_mask(tmp_path / "b.png", tmp_path / "b.png", (8, 12))
    Image.fromarray(numbers[:4]).save(tmp_path / "small.png")
    with pytest.raises(ValueError, match=r"expected a mask of 8×12 pixels, as a\.png has"):
        read_mask(tmp_path / "small.png", tmp_path / "a.png", (8, 12))


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, None])
def test_what_is_no_picture_is_one_line_that_names_the_file(tmp_path, content):
    path = tmp_path / "bad\x1b[31m.png"
    if content is None:  # cut off in the middle
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / "whole.png")
        content = (tmp_path / "whole.png").read_bytes()[:2000]
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"expected a picture in .*bad\.png") as error:
        read(path)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)


def test_what_has_no_range_is_refused(tmp_path):
    Image.fromarray(np.zeros((8, 12), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match="expected pictures of whole numbers"):
        read(tmp_path / "a.tif")
    Image.fromarray(np.full((8, 12), 100_000, np.int32)).save(tmp_path / "b.tif")
    with pytest.raises(ValueError, match="expected pictures of 8 or 16 bits"):
        read(tmp_path / "b.tif", (8, 12, 1))
    Image.fromarray(COLOUR).save(tmp_path / "c.png")
    for shape, resize in (((8, 12, 2), "stretch"), ((8, 12, 3), "squeeze")):
        with pytest.raises(ValueError, match=r"expected (one or three|resize)"):
            read(tmp_path / "c.png", shape, resize)


@pytest.mark.parametrize("orientation", [9, 0])
def test_an_orientation_that_is_none_turns_nothing(tmp_path, orientation):
    picture = Image.fromarray(COLOUR)
    exif = picture.getexif()
    exif[274] = orientation
    picture.save(tmp_path / "a.png", exif=exif)
    found, notes = read(tmp_path / "a.png")
    np.testing.assert_array_equal(found, COLOUR)
    assert (notes, size_of(tmp_path / "a.png")) == ([], (8, 12))
