"""Bias-field correction against SimpleITK called directly."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from keras_mri_cyclegan.preprocessing import CorrectBiasField
from keras_mri_cyclegan.volumes import Volume, VolumeError


def shaded():
    """A ball of two tissues under a shading, with the mask and the flat truth."""
    away = np.linalg.norm(
        np.indices((24, 20, 18)) - np.array([12, 10, 9])[:, None, None, None], axis=0
    )
    flat = np.where(away < 5, 150.0, 100.0) * (away < 8)
    shading = np.exp(np.linspace(-0.4, 0.4, 24))[:, None, None]
    affine = np.diag([-1.0, 1.5, 2.0, 1])
    return Volume(flat * shading, affine, path="s.nii", mask=away < 8), flat


@pytest.mark.parametrize("shrink", [1, 2])
def test_is_what_simpleitk_gives(shrink):
    volume, _ = shaded()
    image = sitk.GetImageFromArray(volume.array.transpose(2, 1, 0).copy())
    mask = sitk.GetImageFromArray(volume.mask.transpose(2, 1, 0).astype("uint8").copy())
    for each in (image, mask):
        each.SetSpacing((1.0, 1.5, 2.0))
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations([5, 5])
    n4.Execute(sitk.Shrink(image, [shrink] * 3), sitk.Shrink(mask, [shrink] * 3))
    corrected = image / sitk.Exp(n4.GetLogBiasFieldAsImage(image))
    expected = sitk.GetArrayFromImage(corrected).transpose(2, 1, 0)
    result, record = CorrectBiasField(shrink, (5, 5)).apply(volume, {})
    np.testing.assert_allclose(result.array, expected, rtol=1e-3, atol=1e-3)
    assert 0 < record["lowest"] < record["highest"]
    assert CorrectBiasField().invert(result, record) is result


def test_takes_the_shading_away():
    volume, flat = shaded()
    result, _ = CorrectBiasField(shrink=2).apply(volume, {})
    inside = volume.mask
    ratio = [array[inside] / flat[inside] for array in (volume.array, result.array)]
    assert np.std(ratio[1]) / np.mean(ratio[1]) < 0.25 * np.std(ratio[0]) / np.mean(ratio[0])
    without_mask, _ = CorrectBiasField(shrink=2).apply(volume.replace(mask=None), {})
    assert without_mask.mask is None


def test_nothing_positive_is_an_error_that_names_the_file():
    volume, _ = shaded()
    with pytest.raises(VolumeError, match=r"`s.nii`: 0 positive voxels"):
        CorrectBiasField().apply(volume.replace(array=-volume.array - 1), {})


def test_a_few_slices_are_corrected_and_a_single_one_is_refused():
    volume, _ = shaded()
    few = volume.replace(array=volume.array[:, :, 8:10], mask=volume.mask[:, :, 8:10])
    assert CorrectBiasField().apply(few, {})[0].shape == (24, 20, 2)
    one = volume.replace(array=volume.array[:, :, :1], mask=volume.mask[:, :, :1])
    with pytest.raises(VolumeError, match=r"`s.nii`: a single slice, \(24, 20, 1\)"):
        CorrectBiasField().apply(one, {})


@pytest.mark.parametrize(
    "arguments", [{"shrink": 0}, {"iterations": ()}, {"iterations": 5}, {"iterations": (5, 0)}]
)
def test_refuses_arguments_out_of_range(arguments):
    with pytest.raises(ValueError, match=r"`(shrink|iterations)` must be"):
        CorrectBiasField(**arguments)
