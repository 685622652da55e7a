"""Resampling against nibabel.processing, and against functions that are known everywhere."""

import nibabel as nib
import numpy as np
import pytest
from nibabel.processing import resample_from_to, smooth_image
from skimage.transform import rescale

from keras_mri_cyclegan.preprocessing import Resample
from keras_mri_cyclegan.volumes import Volume, VolumeError

OBLIQUE = np.array(
    [[-0.9, 0.1, 0.2, 4], [0.1, 1.1, -0.3, -9], [0.05, 0.3, 2.9, 20], [0, 0, 0, 1.0]]
)


def scan(shape=(11, 9, 6), affine=OBLIQUE):
    array = np.random.default_rng(0).normal(100, 30, shape)
    return Volume(array, affine, mask=array > 100)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("spacing", [1.0, (2.0, None, 1.3), (0.4, 0.7, 3.1)])
def test_is_what_nibabel_gives_on_the_same_grid(spacing, order):
    volume = scan()
    result, _ = Resample(spacing, order).apply(volume, {})
    image = nib.Nifti1Image(volume.array, volume.affine)
    if order:  # what becomes coarser is smoothed before
        widths = np.square(result.spacing) - np.square(volume.spacing)
        image = smooth_image(image, np.sqrt(np.maximum(widths, 0)), mode="nearest")
    expected = resample_from_to(
        image, (result.shape, result.affine), order=order, mode="nearest"
    ).get_fdata()
    # nibabel turns the same positions into indices by a matrix; at order 0 a tie may differ.
    close = np.isclose(result.array, expected, atol=2e-3)
    assert close.mean() > (0.97 if order == 0 else 0.9999)


def test_the_grid_has_the_spacing_and_the_same_middle_and_axes():
    volume = scan()
    result, record = Resample((2.0, None, 1.5)).apply(volume, {})
    assert result.spacing == pytest.approx((2.0, volume.spacing[1], 1.5))
    directions = [v.affine[:3, :3] / np.array(v.spacing) for v in (volume, result)]
    np.testing.assert_allclose(*directions, atol=1e-12)
    middles = [v.affine @ [*(np.array(v.shape) - 1) / 2, 1] for v in (volume, result)]
    np.testing.assert_allclose(*middles, atol=1e-9)
    for old, new in zip(
        (volume.shape, volume.spacing), (result.shape, result.spacing), strict=True
    ):
        assert len(old) == len(new)
    extents = [np.array(v.shape) * v.spacing for v in (volume, result)]
    assert (np.abs(extents[0] - extents[1]) <= np.array(result.spacing) / 2 + 1e-6).all()
    back = Resample((2.0, None, 1.5)).invert(result, record)
    assert back.shape == volume.shape
    np.testing.assert_array_equal(back.affine, volume.affine)
    assert back.mask.shape == volume.shape


def test_a_straight_gradient_is_the_same_gradient_there_and_back():
    i, j, k = np.indices((16, 12, 10))
    world = i * 0.9 + j * 1.2 + k * 2.5
    volume = Volume(world, np.diag([0.9, 1.2, 2.5, 1]))
    step = Resample(1.0)
    result, record = step.apply(volume, {})
    points = np.stack([*np.indices(result.shape), np.ones(result.shape)])
    inner = (slice(2, -2),) * 3
    expected = np.einsum("ab,bijk->aijk", result.affine, points)[:3].sum(0)
    np.testing.assert_allclose(result.array[inner], expected[inner], atol=1e-3)
    back = step.invert(result, record)
    np.testing.assert_allclose(back.array[inner], volume.array[inner], atol=1e-3)


def test_what_is_finer_than_the_new_voxels_does_not_become_a_pattern():
    stripes = np.zeros((48, 8, 8), "float32")
    stripes[::2] = 1
    result, _ = Resample((2.2, None, None)).apply(Volume(stripes, np.eye(4)), {})
    inner = result.array[2:-2]
    assert np.ptp(inner) < 0.1  # without smoothing, stripes ten voxels wide
    np.testing.assert_allclose(inner.mean(), 0.5, atol=0.02)


@pytest.mark.parametrize("new", [1.5, 2.0, 3.0])
def test_coarser_voxels_are_what_scikit_image_makes_with_the_same_smoothing(new):
    """As `skimage.transform.rescale`, told the width, and about what coarse voxels average."""
    array = np.random.default_rng(0).uniform(0, 100, (36, 36, 1)).astype("float32")
    array += 50 * np.sin(np.arange(36) / 5)[:, None, None]
    result, _ = Resample((new, new, None)).apply(Volume(array, np.eye(4)), {})
    sigma = np.sqrt(new**2 - 1) / np.sqrt(8 * np.log(2))
    expected = rescale(
        array[..., 0].astype("float64"), 1 / new, order=1, mode="edge",
        anti_aliasing=True, anti_aliasing_sigma=sigma,
    )  # fmt: skip
    inner = (slice(4, -4),) * 2
    np.testing.assert_allclose(result.array[..., 0][inner], expected[inner], atol=0.01)
    if new.is_integer():
        blocks = array[..., 0].reshape(int(36 / new), int(new), int(36 / new), int(new))
        means = blocks.mean((1, 3))[inner]
        assert np.std(result.array[..., 0][inner] - means) < 0.3 * np.std(
            array[:: int(new), :: int(new), 0][inner] - means
        )


def test_no_value_beyond_those_there_were_is_made_at_the_edge():
    volume = scan()
    result, _ = Resample(0.7).apply(volume, {})
    assert result.array.min() >= volume.array.min() - 1e-4
    assert result.array.max() <= volume.array.max() + 1e-4


def test_a_scan_with_the_spacing_already_is_left_alone():
    affine = np.diag([np.float32(0.9), 1.0, 3.0, 1])
    volume = scan(affine=affine)
    result, record = Resample((0.9, None, 3)).apply(volume, {})
    assert result.array is volume.array
    assert Resample((0.9, None, 3)).invert(result, record).array is volume.array


def test_a_spacing_that_would_fill_the_memory_is_an_error():
    volume = scan().replace(path="big.nii")
    with pytest.raises(VolumeError, match=r"`big.nii`: .*Expected at most 268435456 voxels"):
        Resample(1e-6).apply(volume, {})


@pytest.mark.parametrize(
    "spacing",
    [0, -1.0, (1, 1), (1, 0, 1), (1, float("nan"), 1), "1", "111", None, (1, "a", 1), True],
)
def test_refuses_what_is_no_spacing(spacing):
    with pytest.raises(ValueError, match="`spacing` must be"):
        Resample(spacing)


def test_refuses_an_order_it_does_not_have():
    with pytest.raises(ValueError, match="`order` must be one of"):
        Resample(1.0, order=5)
