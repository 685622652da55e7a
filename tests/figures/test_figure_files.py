import os

import numpy as np
import pytest
from PIL import Image, ImageSequence

from keras_mri_cyclegan import figures


def random_picture(shape=(20, 30), seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype="uint8")


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_save_png(tmp_path, shape):
    path = tmp_path / "picture.png"
    for seed in (0, 1):  # The second replaces the first
        picture = random_picture(shape, seed)
        figures.save_png(path, picture)
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.array(image), picture)
    assert os.listdir(tmp_path) == ["picture.png"]


@pytest.mark.parametrize(("seconds", "milliseconds"), [(0.25, 250), (1, 1000), (0.123, 120)])
def test_save_gif(tmp_path, seconds, milliseconds):
    path = tmp_path / "pictures.gif"
    pictures = [random_picture(seed=seed) for seed in range(4)]
    figures.save_gif(path, iter(pictures), seconds_per_frame=seconds)
    with Image.open(path) as image:
        assert image.n_frames == 4
        assert image.info["loop"] == 0
        for frame, picture in zip(ImageSequence.Iterator(image), pictures, strict=True):
            assert frame.info["duration"] == milliseconds
            np.testing.assert_array_equal(np.array(frame.convert("L")), picture)
    assert os.listdir(tmp_path) == ["pictures.gif"]


def test_gif_of_equal_pictures_takes_as_long(tmp_path):
    path = tmp_path / "pictures.gif"
    figures.save_gif(path, [random_picture()] * 3 + [random_picture(seed=1)])
    with Image.open(path) as image:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert durations == [750, 250]


def test_gif_of_one_picture(tmp_path):
    figures.save_gif(tmp_path / "one.gif", [random_picture()])
    with Image.open(tmp_path / "one.gif") as image:
        np.testing.assert_array_equal(np.array(image.convert("L")), random_picture())


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4)), "dtype float64"),
        (np.zeros((4, 4, 4), "uint8"), r"shape \(4, 4, 4\)"),
        (np.zeros((0, 4), "uint8"), r"shape \(0, 4\)"),
    ],
)
def test_wrong_pictures(tmp_path, image, message):
    with pytest.raises(ValueError, match=message):
        figures.save_png(tmp_path / "picture.png", image)
    with pytest.raises(ValueError, match=message):
        figures.save_gif(tmp_path / "pictures.gif", [image])
    assert os.listdir(tmp_path) == []


def test_wrong_gifs(tmp_path):
    path = tmp_path / "pictures.gif"
    with pytest.raises(ValueError, match="no picture"):
        figures.save_gif(path, [])
    with pytest.raises(ValueError, match="one shape"):
        figures.save_gif(path, [random_picture((4, 4)), random_picture((4, 5))])
    for seconds in (0, 0.01, -1, "1", None):
        with pytest.raises(ValueError, match="`seconds_per_frame`"):
            figures.save_gif(path, [random_picture()], seconds_per_frame=seconds)


def test_wrong_endings(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.png"):
        figures.save_png(tmp_path / "picture.jpg", random_picture())
    with pytest.raises(ValueError, match=r"must end in \.gif"):
        figures.save_gif(tmp_path / "pictures.png", [random_picture()])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("moment", ["writing", "moving"])
def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path, monkeypatch, moment):
    path = tmp_path / "picture.png"
    figures.save_png(path, random_picture())

    def fail(*args, **kwargs):
        raise OSError("No space left on device")

    if moment == "writing":
        monkeypatch.setattr(Image.Image, "save", fail)
    else:
        monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        figures.save_png(path, random_picture(seed=1))
    assert os.listdir(tmp_path) == ["picture.png"]
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.array(image), random_picture())


def test_folder_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        figures.save_png(tmp_path / "missing" / "picture.png", random_picture())
