"""What the reader can be told, every door that reads can be told."""

import warnings

import nibabel
import numpy as np
import pytest
from test_dicom_awkward import DOORS

from keras_mri_cyclegan import _command_line
from keras_mri_cyclegan.data import VolumeImages
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing
from keras_mri_cyclegan.volumes import Volume, VolumeError, VolumeWarning, read_volume


def _scan(path, background=np.nan):
    """A head in a field of NaN, as SPM leaves it."""
    data = np.random.default_rng(0).uniform(1, 99, (8, 8, 4)).astype("float32")
    data[:2] = background
    nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), path)
    return str(path)


@pytest.mark.parametrize("door", sorted({*DOORS} - {"find_volumes"}))
def test_nan_is_filled_at_every_door(tmp_path, door):
    scan, sound = _scan(tmp_path / "nan.nii.gz"), _scan(tmp_path / "sound.nii.gz", 0.0)
    with pytest.raises(VolumeError, match=r"NaN or infinite.*pass `fill_nan=0\.0`"):
        DOORS[door](scan, sound)
    other = _scan(tmp_path / "other.nii.gz", 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", VolumeWarning)
        filled, plain = DOORS[door](scan, sound, fill_nan=0.0), DOORS[door](other, sound)
    if door in ("VolumeImages", "training_images"):
        np.testing.assert_array_equal(np.asarray(filled), np.asarray(plain))
    if door == "fit":
        assert filled.fingerprint() == plain.fingerprint()
    for value in (np.nan, "0"):
        with pytest.raises(ValueError, match="`fill_nan`"):
            DOORS[door](scan, sound, fill_nan=value)


def test_another_filling_is_another_entry_of_the_cache(tmp_path):
    scan = _scan(tmp_path / "nan.nii.gz")
    made = [
        VolumeImages(
            [scan],
            Preprocessing([MinMax()]),
            cache=tmp_path / "cache",
            fill_nan=value,
            verbose=0,
        )[:]
        for value in (0.0, 50.0, 0.0)
    ]
    assert not np.array_equal(made[0], made[1])
    np.testing.assert_array_equal(made[0], made[2])


def test_the_command_line_fills_and_says_how(tmp_path, capsys):
    from test_dicom_awkward import _network

    _network().save(tmp_path / "m.keras")
    volume = Volume(np.arange(24.0).reshape(2, 3, 4), np.eye(4))
    Preprocessing([MinMax()]).fit([volume], [volume], verbose=0).save(
        tmp_path / "preprocessing.json"
    )
    arguments = ["translate", f"{tmp_path}/m.keras", _scan(tmp_path / "a.nii"), f"{tmp_path}/o.nii"]
    assert _command_line.main([*arguments, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert "`--fill-nan 0`" in said
    assert "fill_nan" not in said
    assert _command_line.main([*arguments, "--quiet", "--fill-nan", "0"]) == 0
    assert read_volume(tmp_path / "o.nii").shape == (8, 8, 4)


def test_in_memory_the_way_out_is_numpy(tmp_path):
    with pytest.raises(VolumeError, match=r"fill them: `np\.nan_to_num\(array\)`"):
        Volume(np.full((2, 2, 2), np.nan), np.eye(4))
