"""A file's suffix and the format that is written are compared at every writer."""

import os

import keras
import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan import figures
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing
from keras_mri_cyclegan.simulation import TISSUES, HeadMaps
from keras_mri_cyclegan.volumes import Volume, write_volume

ENDINGS = [
    *("keras", "h5", "onnx", "tflite", "json", "csv", "md", "npz", "npy", "png", "gif"),
    *("nii", "nii.gz", "mgz", "pt", "xlsx"),
]


def _model():
    networks = [keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Dense(1)]) for _ in "1234"]
    return kmc.CycleGAN(*networks)


def _table():
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 1)).astype("float32")
    return kmc.evaluate({"it": {"ab": images}}, images, images[::-1], resamples=2)


def _maps():
    return HeadMaps(
        np.zeros((1, 2, 2, len(TISSUES)), "uint8"), tuple(TISSUES), 1.0, np.zeros(1, int)
    )


PICTURE = np.zeros((8, 8), "uint8")
WRITERS = {  # how, and the endings that are right
    "preprocessing": (lambda path: Preprocessing([MinMax()]).save(path), {"json"}),
    "csv": (lambda path: _table().to_csv(path), {"csv"}),
    "csv of images": (lambda path: _table().to_csv(path, per_image=True), {"csv"}),
    "markdown": (lambda path: _table().to_markdown(path), {"md"}),
    "maps": (lambda path: _maps().save(path), {"npz"}),
    "png": (lambda path: figures.save_png(path, PICTURE), {"png"}),
    "gif": (lambda path: figures.save_gif(path, [PICTURE]), {"gif"}),
    "volume": (
        lambda path: write_volume(Volume(np.arange(24.0).reshape(2, 3, 4), np.eye(4)), path),
        {"nii", "nii.gz", "h5", "npy", "npz"},
    ),
    "model": (lambda path: _model().save(path), {"keras"}),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_no_writer_takes_the_name_of_another_kind(tmp_path, writer):
    write, right = WRITERS[writer]
    for ending in ENDINGS:
        path = tmp_path / f"x.{ending}"
        if ending in right:
            write(path)
            assert path.exists()
        else:
            with pytest.raises(ValueError, match=rf"\.{ending.rpartition('.')[2]}"):
                write(path)
            assert not path.exists(), ending


def test_other_names_are_taken(tmp_path):
    Preprocessing([MinMax()]).save(tmp_path / "preprocessing")
    Preprocessing([MinMax()]).save(tmp_path / "of.patient-1")
    _table().to_csv(tmp_path / "table.txt")
    assert len(os.listdir(tmp_path)) == 3
