import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import skimage.io
import skimage.transform
from PIL import Image, ImageFile

from keras_mri_cyclegan.datasets import load_image_folder


def grey(height=13, width=9, dtype="uint8", seed=0):
    top = np.iinfo(dtype).max
    values = np.random.default_rng(seed).integers(0, top, (height, width), dtype, endpoint=True)
    values[0, :2] = 0, top
    return values


def encoded(values, fmt="PNG", **options):
    buffer = io.BytesIO()
    image = values if isinstance(values, Image.Image) else Image.fromarray(values)
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def raw_tiff(values, order="<", tags=()):
    """An uncompressed one-strip TIFF, written by hand to have every byte order and sample type.

    `tags` replaces (tag, value) pairs of TIFF 6.0.
    """
    height, width = values.shape
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    entries = {256: width, 257: height, 258: values.itemsize * 8, 259: 1, 262: 1, 273: 0, 277: 1}
    entries |= {278: height, 279: values.nbytes, 339: kind, **dict(tags)}
    entries[273] = 8 + 2 + 12 * len(entries) + 4
    ifd = struct.pack(f"{order}H", len(entries))
    for tag, value in sorted(entries.items()):
        ifd += struct.pack(f"{order}HHII", tag, 4, 1, value)
    start = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    return start + ifd + bytes(4) + values.astype(values.dtype.newbyteorder(order)).tobytes()


def png_file(width, height, depth, colour, interlace, rows):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def png(depth, colour, width=4, height=3):
    """A black PNG, with pixels for 100 x 100 at most, whatever it claims."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = bytes(1 + (min(width, 100) * depth * channels + 7) // 8)
    return png_file(width, height, depth, colour, 0, row * min(height, 100))


def interlaced_png(values, missing=0):
    """Pillow reads interlaced PNG and cannot write it."""
    starts = [(0, 0), (0, 4), (4, 0), (0, 2), (2, 0), (0, 1), (1, 0)]
    steps = [(8, 8), (8, 8), (8, 4), (4, 4), (4, 2), (2, 2), (2, 1)]
    rows = b""
    for (y, x), (dy, dx) in zip(starts, steps, strict=True):
        part = values[y::dy, x::dx]
        if part.size:
            rows += b"".join(
                b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in part
            )
    return png_file(*values.shape[::-1], values.itemsize * 8, 0, 1, rows[: len(rows) - missing])


def expected(values, low=0, high=None):
    high = np.iinfo(values.dtype).max if high is None else high
    return 2 * (values.astype("float64") - low) / (high - low) - 1


# === What is read ===


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("extension", ["png", "tif", "TIFF", "PNG"])
def test_values_are_those_of_the_file(tmp_path, dtype, extension):
    values = grey(dtype=dtype)
    path = tmp_path / f"slice.{extension}"
    Image.fromarray(values).save(path)
    images = load_image_folder(tmp_path)
    assert images.shape == (1, 13, 9, 1)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (-1, 1)
    np.testing.assert_array_equal(skimage.io.imread(path), values)
    np.testing.assert_allclose(images[0, ..., 0], expected(values), atol=1e-7)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_both_byte_orders(tmp_path, dtype, order):
    values = grey(dtype=dtype)
    (tmp_path / "slice.tif").write_bytes(raw_tiff(values, order))
    np.testing.assert_array_equal(skimage.io.imread(tmp_path / "slice.tif"), values)
    images = load_image_folder(tmp_path)
    np.testing.assert_allclose(images[0, ..., 0], expected(values), atol=1e-7)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_compressed_tiff(tmp_path, compression, dtype):
    values = grey(dtype=dtype)
    (tmp_path / "slice.tif").write_bytes(encoded(values, "TIFF", compression=compression))
    images = load_image_folder(tmp_path)
    np.testing.assert_allclose(images[0, ..., 0], expected(values), atol=1e-7)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 2), (13, 9), (64, 33)])
def test_sizes_that_are_no_multiple_of_a_block(tmp_path, shape, dtype):
    values = grey(64, 33, dtype)[: shape[0], : shape[1]]
    contents = {
        "plain.png": encoded(values),
        "interlaced.png": interlaced_png(values),
        "strips.tif": encoded(values, "TIFF", tiffinfo={278: 5}),
        "strips_lzw.tif": encoded(values, "TIFF", tiffinfo={278: 5}, compression="tiff_lzw"),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    for image, name in zip(
        load_image_folder(tmp_path, value_range=(0, 65535)), sorted(contents), strict=True
    ):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / name)), values)
        np.testing.assert_allclose(image[..., 0], expected(values, 0, 65535), atol=1e-7)


def test_value_range(tmp_path):
    values = np.array([[0, 1, 2048, 4095]], "uint16")
    Image.fromarray(values).save(tmp_path / "slice.png")
    images = load_image_folder(tmp_path, value_range=(0, 4095))
    np.testing.assert_allclose(images[0, ..., 0], expected(values, 0, 4095), atol=1e-7)
    assert images[0, 0, 3, 0] == 1
    images = load_image_folder(tmp_path, value_range=(-1000.5, 5000))
    np.testing.assert_allclose(images[0, ..., 0], expected(values, -1000.5, 5000), atol=1e-7)
    for bad in [(0, 4094), (1, 4095)]:
        with pytest.raises(ValueError, match=r"slice.png` has values in \[0, 4095\], outside"):
            load_image_folder(tmp_path, value_range=bad)


def test_8_and_16_bit_together_need_a_range(tmp_path):
    Image.fromarray(grey(dtype="uint8")).save(tmp_path / "a.png")
    Image.fromarray(grey(dtype="uint16") // 16).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"uint8': 1, 'uint16': 1.*value_range"):
        load_image_folder(tmp_path)
    assert len(load_image_folder(tmp_path, value_range=(0, 4095))) == 2


def test_16_bit_files_that_use_few_bits_are_warned_of(tmp_path):
    Image.fromarray(grey(dtype="uint16") // 16).save(tmp_path / "a.png")
    with pytest.warns(UserWarning, match=r"only 4095 of 65535.*value_range=\(0, 4095\)") as caught:
        load_image_folder(tmp_path)
    assert caught[0].filename == __file__


# === Which files ===


def test_natural_order_and_other_files_passed_over(tmp_path):
    names = ["Image #10.png", "image #2.PNG", "Image #1.tif", "Image #02b.png", "Image #2a.tiff"]
    for k, name in enumerate(names):
        Image.new("L", (3, 2), k).save(tmp_path / name)
    for name in [".DS_Store", "._Image #1.png", ".hidden.png", "notes.txt", "Thumbs.db"]:
        (tmp_path / name).write_bytes(b"not an image")
    (tmp_path / "folder.png").mkdir()
    images, paths = load_image_folder(str(tmp_path), return_paths=True)
    wanted = ["Image #1.tif", "image #2.PNG", "Image #2a.tiff", "Image #02b.png", "Image #10.png"]
    assert paths == [tmp_path / name for name in wanted]
    found = np.rint((images[:, 0, 0, 0] + 1) * 127.5)
    assert found.tolist() == [names.index(name) for name in wanted]


def test_pattern(tmp_path):
    for name in ["p1_T1_3.png", "p1_T2_3.png", "p2_T1_3.png"]:
        Image.new("L", (3, 2)).save(tmp_path / name)
    _, paths = load_image_folder(tmp_path, pattern="*_T1_*", return_paths=True)
    assert [path.name for path in paths] == ["p1_T1_3.png", "p2_T1_3.png"]
    with pytest.raises(ValueError, match=r"`pattern='\*_t1_\*'` matches none of the 3.*p1_T1_3"):
        load_image_folder(tmp_path, pattern="*_t1_*")


def test_no_image_says_what_there_is(tmp_path):
    for name in ["a.jpg", "b.JPG", "c.nii.gz", "README"]:
        (tmp_path / name).touch()
    (tmp_path / "T1").mkdir()
    with pytest.raises(ValueError, match=r"holds no image.*Found: ") as info:
        load_image_folder(tmp_path)
    found = str(info.value).partition("Found: ")[2].partition(". Give")[0]
    wanted = ["1 x .gz", "1 x no extension", "1 x sub-folders (not searched)", "2 x .jpg"]
    assert sorted(found.split(", ")) == wanted


def test_no_folder(tmp_path):
    with pytest.raises(ValueError, match=r"missing` does not exist"):
        load_image_folder(tmp_path / "missing")
    (tmp_path / "a.png").write_bytes(encoded(grey()))
    with pytest.raises(ValueError, match=r"a.png` is a file.*folder"):
        load_image_folder(tmp_path / "a.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="Found: nothing"):
        load_image_folder(tmp_path / "empty")


# === Size ===


def test_different_sizes_need_a_size(tmp_path):
    for k, shape in enumerate([(4, 5), (6, 7), (4, 5)]):
        Image.fromarray(np.zeros(shape, "uint8")).save(tmp_path / f"{k}.png")
    with pytest.raises(ValueError, match=r"2 x \(4, 5\), 1 x \(6, 7\).*`size="):
        load_image_folder(tmp_path)
    assert load_image_folder(tmp_path, size=(8, 8)).shape == (3, 8, 8, 1)
    assert load_image_folder(tmp_path, size=[8, 8], fit="pad").shape == (3, 8, 8, 1)


@pytest.mark.parametrize("value", [0, 1, 93, 128, 254, 255])
@pytest.mark.parametrize("size", [(5, 7), (13, 9), (40, 3), (64, 64)])
def test_a_constant_stays_exactly_that(tmp_path, value, size):
    Image.new("L", (9, 13), value).save(tmp_path / "a.png")
    images = load_image_folder(tmp_path, size=size)
    assert images.shape == (1, *size, 1)
    assert set(images.ravel()) == {np.float32(value / 255 * 2 - 1)}


# Making larger is the same linear interpolation. Making smaller is a triangle here and a Gaussian
# there: alike where the image is smooth, and nearer than any other filter of Pillow.
@pytest.mark.parametrize(
    ("size", "mean_error"), [((5, 7), 0.023), ((12, 80), 0.004), ((90, 100), 1e-5)]
)
def test_resizing_agrees_with_skimage(tmp_path, size, mean_error):
    y, x = np.mgrid[:60, :50] / 10
    values = np.rint(127.5 + 100 * np.sin(y) * np.cos(x)).astype("uint8")
    Image.fromarray(values).save(tmp_path / "a.png")
    images = load_image_folder(tmp_path, size=size)
    reference = skimage.transform.resize(
        expected(values), size, order=1, mode="edge", anti_aliasing=True
    )
    assert np.abs(images[0, ..., 0] - reference).mean() < mean_error


def test_making_smaller_is_antialiased_and_never_overshoots(tmp_path):
    checkers = (np.indices((64, 64)).sum(0) % 2 * 255).astype("uint8")
    Image.fromarray(checkers).save(tmp_path / "a.png")
    images = load_image_folder(tmp_path, size=(16, 16))
    assert np.abs(images[0, 2:-2, 2:-2]).max() < 0.01  # grey, as the mean is
    edges = np.zeros((40, 40), "uint8")
    edges[10:30, 10:30] = 255
    Image.fromarray(edges).save(tmp_path / "a.png")
    for size in [(7, 9), (33, 41), (160, 100)]:
        images = load_image_folder(tmp_path, size=size)
        assert (images.min(), images.max()) == (-1, 1)


def test_pad_is_centred_on_background(tmp_path):
    values = grey(4, 5)
    Image.fromarray(values).save(tmp_path / "a.png")
    image = load_image_folder(tmp_path, size=(7, 9), fit="pad")[0, ..., 0]
    wanted = np.full((7, 9), -1.0)
    wanted[1:5, 2:7] = expected(values)
    np.testing.assert_allclose(image, wanted, atol=1e-7)
    with pytest.raises(ValueError, match=r"a.png` is \(4, 5\).*smaller.*`fit='resize'`"):
        load_image_folder(tmp_path, size=(3, 9), fit="pad")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"size": 64}, r"`size`.*\(height, width\).*Received: 64"),
        ({"size": (64, 64, 1)}, "`size`"),
        ({"size": (64, 0)}, "`size`"),
        ({"size": (64.0, 64)}, "`size`"),
        ({"fit": "crop"}, "`fit`"),
        ({"fit": "pad"}, "`fit='pad'` needs the `size="),
        ({"value_range": 255}, "`value_range`"),
        ({"value_range": (255, 0)}, "`value_range`"),
        ({"value_range": (0, 0)}, "`value_range`"),
        ({"value_range": (0, np.inf)}, "`value_range`"),
        ({"value_range": "ab"}, "`value_range`"),
        ({"pattern": None}, "`pattern`"),
        ({"path": 3}, "`path`"),
    ],
)
def test_bad_arguments(tmp_path, kwargs, message):
    Image.fromarray(grey()).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=message):
        load_image_folder(**{"path": tmp_path, **kwargs})


# === What is refused ===


def pages(fmt):
    frames = [Image.fromarray(grey(seed=k)) for k in range(3)]
    return encoded(frames[0], fmt, save_all=True, append_images=frames[1:])


RGB = Image.fromarray(np.repeat(grey()[..., None], 3, -1))
RGBA = RGB.convert("RGBA")
FLOAT = grey().astype("float32")
REFUSED = {
    "rgb.png": (encoded(RGB), "8-bit colour .PNG"),
    "rgba.png": (encoded(RGBA), "8-bit colour with alpha"),
    "la.png": (encoded(RGBA.convert("LA")), "8-bit grey with alpha"),
    "palette.png": (encoded(RGB.quantize(16)), "palette"),
    "one_bit.png": (encoded(RGB.convert("1")), "1-bit grey"),
    "two_bit.png": (png(2, 0), "2-bit grey"),
    "four_bit.png": (png(4, 0), "4-bit grey"),
    "rgb16.png": (png(16, 2), "16-bit colour"),
    "la16.png": (png(16, 4), "16-bit grey with alpha"),
    "transparent.png": (encoded(grey(), transparency=3), "grey with a transparent value"),
    "animated.png": (pages("PNG"), "3 pages or frames of grey"),
    "pages.tif": (pages("TIFF"), "3 pages or frames of grey"),
    "rgb.tif": (encoded(RGB, "TIFF"), "8-bit colour .TIFF"),
    "la.tif": (encoded(RGBA.convert("LA"), "TIFF"), "grey with alpha"),
    "palette.tif": (encoded(RGB.quantize(16), "TIFF"), "palette"),
    "one_bit.tif": (encoded(RGB.convert("1"), "TIFF"), "1-bit"),
    "float.tif": (raw_tiff(FLOAT), "32-bit floating point grey"),
    "float_big_endian.tif": (raw_tiff(FLOAT, ">"), "32-bit floating point grey"),
    "signed8.tif": (raw_tiff(grey().view("int8")), "8-bit signed grey"),
    "signed16.tif": (raw_tiff(grey().astype("int16")), "16-bit signed grey"),
    "unsigned32.tif": (raw_tiff(grey().astype("uint32")), "32-bit grey"),
    "white0.tif": (raw_tiff(grey(), tags={262: 0}), "8-bit grey with 0 as white"),
    "white0_16.tif": (raw_tiff(grey(dtype="uint16"), tags={262: 0}), "16-bit grey with 0 as"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_kinds_of_image_are_refused(tmp_path, name):
    content, kind = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name}` holds .*{kind}.*Expected .*Convert"):
        load_image_folder(tmp_path)


PNG8, PNG16 = encoded(grey()), encoded(grey(dtype="uint16"))
STORED = encoded(grey(), compress_level=0)  # damage leaves it valid, but for the checksum
TIFF16 = raw_tiff(grey(dtype="uint16"))
DAMAGED = {
    "empty.png": b"",
    "text.png": b"this is no image at all",
    "jpeg.png": encoded(grey(), "JPEG"),
    "half.png": PNG8[: len(PNG8) // 2],
    "half.tif": TIFF16[: len(TIFF16) // 2],
    "last_byte.tif": TIFF16[:-1],
    "lzw_half.tif": encoded(grey(), "TIFF", compression="tiff_lzw")[:150],
    "signature.png": PNG8[:8],
    "no_rows.png": png(8, 0, height=200),
    "one_row_less.png": png(8, 0, height=101),
    "no_rows16.png": png(16, 0, width=50, height=130),
    "interlaced_row_less.png": interlaced_png(grey(40, 9), missing=10),
    "checksum.png": PNG8[:-13] + bytes([PNG8[-13] ^ 1]) + PNG8[-12:],
    "flipped_stored.png": STORED[:100] + bytes([STORED[100] ^ 4]) + STORED[101:],
    "no_strip.tif": raw_tiff(grey(), tags={278: 5}),
    "no_rows.tif": raw_tiff(grey(dtype="uint16"), ">", tags={257: 26}),
    "no_width.png": png(8, 0, width=0),
    "flipped.png": PNG16[:70] + bytes([PNG16[70] ^ 4]) + PNG16[71:],
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_refused(tmp_path, name):
    (tmp_path / name).write_bytes(DAMAGED[name])
    (tmp_path / "z_good.png").write_bytes(PNG8)
    with pytest.raises(ValueError, match=f"{name}` cannot be read"):
        load_image_folder(tmp_path)


@pytest.mark.parametrize("side", [8193, 9600, 20000, 60000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused_unopened(tmp_path, side):
    (tmp_path / "bomb.png").write_bytes(png(8, 0, width=side, height=side))
    with pytest.raises(ValueError, match=r"bomb.png` (claims|.*decompression bomb)"):
        load_image_folder(tmp_path)


def test_pillow_may_not_make_up_pixels(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(PNG8)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(ValueError, match=r"LOAD_TRUNCATED_IMAGES.*Set it to False"):
        load_image_folder(tmp_path)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of some damaged tags
@pytest.mark.parametrize("name", ["a.png", "b.png", "a.tif", "b.tif", "c.tif"])
def test_random_damage_is_an_error_or_an_image(tmp_path, name):
    original = {
        "a.png": PNG8,
        "b.png": PNG16,
        "a.tif": TIFF16,
        "b.tif": encoded(grey(), "TIFF", compression="tiff_lzw"),
        "c.tif": raw_tiff(grey(), ">"),
    }[name]
    path = tmp_path / name
    path.write_bytes(original)
    good = load_image_folder(tmp_path)
    rng = np.random.default_rng(0)
    refused = loaded = 0
    for k in range(80):
        content = bytearray(original)
        if k % 2:
            del content[rng.integers(len(content)) :]
        else:  # mostly in the header and the tags
            content[rng.integers(min(len(content), 200))] ^= 1 << rng.integers(8)
        path.write_bytes(content)
        try:
            images = load_image_folder(tmp_path)
        except ValueError as error:
            refused += name in str(error)
        else:
            loaded += 1
            assert np.abs(images).max() <= 1
            if k % 2 or name.endswith("png"):  # truncated, or with checksums
                np.testing.assert_array_equal(images, good)
    assert refused + loaded == 80  # every error named the file
    assert refused > 40


def test_the_brainweb_slices(request):
    folder = Path(request.config.rootpath).parent / "shared" / "data" / "brainweb"
    if not folder.is_dir():
        pytest.skip("the BrainWeb slices are not part of the repository")
    for contrast, count in [("T1", 43), ("T2", 46)]:
        images, paths = load_image_folder(folder / contrast, return_paths=True)
        assert images.shape == (count, 217, 181, 1)
        stored = np.stack([skimage.io.imread(path) for path in paths])
        np.testing.assert_allclose(images[..., 0], expected(stored), atol=1e-7)
        numbers = [int(path.stem.partition("#")[2]) for path in paths]
        assert numbers == sorted(numbers)
