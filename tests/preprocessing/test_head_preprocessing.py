import numpy as np
import pytest
from scipy import ndimage

from keras_mri_cyclegan.preprocessing import Preprocessing, head_preprocessing
from keras_mri_cyclegan.volumes import Volume


def raw_scan():
    """A head in noisy air, as a scanner gives it: to the left, the front and the head."""
    rng = np.random.default_rng(0)
    array = rng.rayleigh(5, (80, 96, 6))
    x, y = np.indices((80, 96)) - np.array([39.5, 47.5])[:, None, None]
    head = (x / 34) ** 2 + (y / 42) ** 2 < 1
    array[head] = 400
    array[head & (y > 20)] = 900  # the front is bright
    return Volume(array.astype("float32"), np.diag([-2.4, 2.4, 5, 1.0])), head


def test_a_raw_scan_there_and_back():
    scan, head = raw_scan()
    preprocessing = head_preprocessing(pixel=1.2)
    prepared = preprocessing.prepare(scan)
    assert prepared.volume.spacing == pytest.approx((1.2, 1.2, 5))
    slices = preprocessing.cutter.cut(prepared.volume)
    assert slices.shape == (6, 192, 160, 1)
    assert slices[:, :8].max() == -1  # air, its noise included
    assert slices[3, 30, 80] == pytest.approx(1, abs=0.02)  # front on top
    assert slices[3, 150, 80] == pytest.approx(-1 + 2 * 400 / 900, abs=0.05)
    back = preprocessing.restore(prepared.volume, prepared, "source")
    assert back.shape == scan.shape
    y = np.indices((80, 96))[1] - 47.5
    inner = ndimage.binary_erosion(head, iterations=4) & (np.abs(y - 20) > 3)
    np.testing.assert_allclose(back.array[inner], scan.array[inner], atol=10)


def test_one_voxel_far_below_air_changes_nothing():
    scan, _ = raw_scan()
    low = scan.array.copy()
    low[2, 2, 0] = -4000
    preprocessing = head_preprocessing(pixel=2.4)
    clean, odd = (preprocessing.prepare(one).volume for one in (scan, scan.replace(array=low)))
    np.testing.assert_allclose(odd.array, clean.array, atol=0.03)


def test_it_is_saved_like_any_other(tmp_path):
    preprocessing = head_preprocessing(0.9, "coronal", (64, 64), bias_field=True)
    preprocessing.save(tmp_path / "p.json")
    again = Preprocessing.load(tmp_path / "p.json")
    assert again.get_config() == preprocessing.get_config()
    mask = "ForegroundMask"  # once to scale the head, once more to clear the air around it
    names = [type(step).__name__ for step in again.steps]
    assert names == ["Reorient", "Resample", mask, "CorrectBiasField", "Percentile", mask]
    assert again.steps[1].spacing == (0.9, None, 0.9)


@pytest.mark.parametrize("arguments", [{"pixel": 0}, {"plane": "oblique"}, {"bias_field": "n4"}])
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        head_preprocessing(**arguments)
