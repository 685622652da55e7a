import dataclasses
import json
import os
import struct
import zlib

import numpy as np
import pytest
from cost import cost
from PIL import Image

from keras_mri_cyclegan.volumes import (
    VolumeError,
    VolumeWarning,
    pictures,
    read_volume,
    write_volume,
)


def _slices(dtype="uint16", count=3):
    high = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, high, (count, 4, 5), endpoint=True).astype(dtype)


@pytest.fixture
def stack(tmp_path):
    """A folder of 11 slices whose names are out of alphabetical order."""
    folder = tmp_path / "stack"
    folder.mkdir()
    for k, slice_ in enumerate(_slices(count=11)):
        Image.fromarray(slice_).save(folder / f"Image #{k + 1}.png")
    return folder


def _error(path, **arguments):
    with pytest.raises(VolumeError) as error:
        read_volume(path, **arguments)
    return str(error.value)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF", ".PNG"])
def test_one_slice(tmp_path, dtype, suffix):
    source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    slice_ = _slices(dtype)[0]
    Image.fromarray(slice_).save(source)
    volume = read_volume(source)
    np.testing.assert_array_equal(volume.array, slice_.T[..., None])
    write_volume(volume, target, {"Synthetic": True})
    np.testing.assert_array_equal(np.asarray(Image.open(target)), slice_, strict=True)
    assert json.loads((tmp_path / "b.json").read_text()) == {"Synthetic": True}


@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_a_stack(tmp_path, extension):
    folder = tmp_path / "in"
    folder.mkdir()
    for name, slice_ in zip(("10", "9", "1"), _slices(), strict=True):
        Image.fromarray(slice_).save(folder / f"{name}{extension}")
    (folder / "notes.txt").write_text("passed over")
    volume = read_volume(folder)
    np.testing.assert_array_equal(volume.array, _slices()[::-1].transpose(2, 1, 0))
    write_volume(volume, tmp_path / "out", {"Synthetic": True})
    assert sorted(os.listdir(tmp_path / "out")) == sorted(
        f"{name}{extension}" for name in (1, 9, 10)
    )
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / "out" / f"9{extension}")), _slices()[1]
    )
    assert json.loads((tmp_path / "out.json").read_text()) == {"Synthetic": True}


def test_sixteen_bits_are_exact(tmp_path):
    every = np.arange(2**16, dtype="uint16").reshape(256, 256)
    Image.fromarray(every).save(tmp_path / "a.png")
    volume = read_volume(tmp_path / "a.png")
    np.testing.assert_array_equal(volume.array[..., 0].T, every)
    write_volume(volume, tmp_path / "b.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "b.png")), every, strict=True)


def test_natural_order(stack):
    np.testing.assert_array_equal(read_volume(stack).array, _slices(count=11).transpose(2, 1, 0))


@pytest.mark.parametrize("odd", [np.ones((4, 6), "uint16"), np.ones((4, 5), "uint8")])
def test_the_odd_slice_is_named(stack, odd):
    Image.fromarray(odd).save(stack / "Image #7.png")
    message = _error(stack)
    assert "`Image #7.png` is" in message
    assert "`Image #1.png`" in message


@pytest.mark.parametrize("form", ["s{}", "{:03d}", "T1w_7_{:04d}"])
@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, 3, 4, 6, 7, 8], "1 are missing: number 5\\."),
        ([2, 4, 6, 10], "1 are missing: number 8\\."),
        ([0, 1, 8, 9, *range(10, 20)], "6 are missing: number 2, 3, 4, 5, 6, ..."),
    ],
)
def test_a_missing_slice_is_named(tmp_path, form, numbers, missing):
    for number in numbers:
        Image.fromarray(_slices()[number % 3]).save(tmp_path / f"{form.format(number)}.png")
    with pytest.warns(VolumeWarning, match=missing) as told:
        assert read_volume(tmp_path).shape[2] == len(numbers)
    assert len(told) == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "names",
    [
        ("s1", "s2", "s3"),
        ("s3", "s5", "s7", "s9"),
        ("10", "20"),
        ("1_0", "1_1", "2_0", "2_3"),
        ("a", "b", "d"),
        ("101112", "101315", "101517"),
        ("front1", "back2", "back4"),
    ],
)
def test_no_slice_is_missing(tmp_path, names):
    for name in names:
        Image.fromarray(_slices()[0]).save(tmp_path / f"{name}.png")
    assert read_volume(tmp_path).shape[2] == len(names)


def test_png_and_tiff_together(stack):
    Image.fromarray(_slices()[0]).save(stack / "Image #1.tif")
    assert "PNG and TIFF" in _error(stack)


def test_a_damaged_slice_is_named(stack):
    content = bytearray((stack / "Image #3.png").read_bytes())
    content[-30] ^= 1
    (stack / "Image #3.png").write_bytes(content)
    assert "Image #3.png" in _error(stack)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 5, 3), "uint8"), "8-bit colour"),
        (np.zeros((4, 5, 4), "uint8"), "alpha"),
        (np.zeros((4, 5, 2), "uint8"), "grey with alpha"),
        (np.full((4, 5), 9, "uint8"), "every voxel has the value 9"),
    ],
)
def test_pictures_that_are_no_slice(tmp_path, image, message):
    Image.fromarray(image).save(tmp_path / "a.png")
    error = _error(tmp_path / "a.png")
    assert message in error
    assert "a.png" in error


def test_palettes_and_pages(tmp_path):
    Image.fromarray(_slices("uint8")[0]).convert("P").save(tmp_path / "a.png")
    assert "palette" in _error(tmp_path / "a.png")
    pages = [Image.fromarray(slice_) for slice_ in _slices("uint8")]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert "3 pages" in _error(tmp_path / "a.tif")


@pytest.mark.parametrize("cut", [0, 8, 40, -1])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_truncated(tmp_path, cut, suffix):
    Image.fromarray(_slices()[0]).save(tmp_path / f"a{suffix}")
    content = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"b{suffix}").write_bytes(content[:cut])
    assert f"b{suffix}" in _error(tmp_path / f"b{suffix}")


def _png(rows, columns):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", columns, rows, 16, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(1000))), chunk(b"IEND", b"")]
    )


def test_claims_that_fill_the_memory(tmp_path):
    (tmp_path / "a.png").write_bytes(_png(2**16, 2**15))
    (tmp_path / "b.png").write_bytes(_png(8000, 8000))
    assert cost(lambda: _error(tmp_path / "a.png"))[0] < 2**21
    assert cost(lambda: _error(tmp_path / "b.png"))[0] < 2**21
    assert "claims 8000 x 8000" in _error(tmp_path / "b.png", max_voxels=2**24)


def test_max_voxels_counts_the_whole_stack(stack):
    assert "220 voxels" in _error(stack, max_voxels=219)
    assert read_volume(stack, max_voxels=220).shape == (5, 4, 11)


@pytest.mark.parametrize("value", [-1, 65536])
def test_values_that_do_not_fit_are_no_file(tmp_path, stack, value):
    volume = read_volume(stack)
    array = volume.array.copy()
    array[1, 1, 1] = value
    with pytest.raises(VolumeError, match="1 of 220 values do not fit"):
        write_volume(volume.replace(array=array), tmp_path / "out", {"Synthetic": True})
    assert os.listdir(tmp_path) == ["stack"]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_values_that_would_be_rounded_away_are_no_file(tmp_path, dtype, suffix):
    Image.fromarray(_slices(dtype)[0]).save(tmp_path / f"a{suffix}")
    volume = read_volume(tmp_path / f"a{suffix}")
    array = np.random.default_rng(0).uniform(0, 1, volume.shape)
    with pytest.raises(VolumeError, match=r"from 0.* to 0.* rounded to 2 steps of .*nii\.gz"):
        write_volume(volume.replace(array=array), tmp_path / f"b{suffix}", {"Synthetic": True})
    assert os.listdir(tmp_path) == [f"a{suffix}"]
    write_volume(volume.replace(array=np.rint(array)), tmp_path / f"b{suffix}")  # a mask
    spread = array * volume.array.max()
    write_volume(volume.replace(array=spread), tmp_path / f"c{suffix}")
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / f"c{suffix}")), np.rint(spread[..., 0].T)
    )


def test_a_dark_source_may_be_translated_in_its_own_range(tmp_path):
    """Its values use few of the type's steps; a result that uses as many loses nothing."""
    Image.fromarray(_slices("uint8")[0] // 4).save(tmp_path / "a.png")
    volume = read_volume(tmp_path / "a.png")
    array = np.minimum(volume.array + 0.3, volume.array.max())
    write_volume(volume.replace(array=array), tmp_path / "b.png")
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / "b.png")), _slices("uint8")[0] // 4
    )


def test_floating_point_types_are_refused(tmp_path, stack):
    volume = read_volume(stack)
    header = dataclasses.replace(volume.header, dtype=np.dtype("float32"))
    with pytest.raises(VolumeError, match="of float32"):
        pictures.write(volume.replace(header=header), str(tmp_path / "out"), None)
    assert os.listdir(tmp_path) == ["stack"]


def test_several_slices_for_one_file(tmp_path, stack):
    with pytest.raises(VolumeError, match="11 slices"):
        write_volume(read_volume(stack), tmp_path / "b.png")


def test_a_folder_is_replaced_only_on_request(tmp_path, stack):
    volume = read_volume(stack)
    write_volume(volume, tmp_path / "out")
    (tmp_path / "out" / "Image #12.png").write_bytes(b"from before")
    with pytest.raises(VolumeError, match="12 entries"):
        write_volume(volume, tmp_path / "out")
    write_volume(volume, tmp_path / "out", overwrite=True)
    assert len(os.listdir(tmp_path / "out")) == 11


def test_a_folder_that_holds_other_things_is_never_replaced(tmp_path, stack):
    volume = read_volume(stack)
    write_volume(volume, tmp_path / "out")
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(VolumeError, match=r"would remove thesis\.txt"):
        write_volume(volume, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"


def test_a_stack_of_other_length_is_numbered(tmp_path, stack):
    volume = read_volume(stack)
    write_volume(volume.replace(array=volume.array[..., :10]), tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out"))[0] == "01.png"
    np.testing.assert_array_equal(read_volume(tmp_path / "out").array, volume.array[..., :10])
