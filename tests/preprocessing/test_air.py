"""Every normalisation and mask, on scans whose air is 0, below 0, or not the darkest."""

import warnings

import numpy as np
import pytest
from scipy import ndimage

from keras_mri_cyclegan import preprocessing as steps
from keras_mri_cyclegan.data import VolumeImages, from_volumes
from keras_mri_cyclegan.preprocessing import (
    CorrectBiasField,
    ForegroundMask,
    MinMax,
    Normalization,
    Patches,
    Percentile,
    Preprocessing,
    Reorient,
    ScanWarning,
    Slices,
    WhiteStripe,
    head_preprocessing,
)
from keras_mri_cyclegan.volumes import Volume

NORMALIZATIONS = [
    one
    for one in (getattr(steps, name) for name in steps.__all__)
    if isinstance(one, type) and issubclass(one, Normalization) and one is not Normalization
]


def brain(seed=0):
    """A stripped brain of three tissues, and where it is."""
    rng = np.random.default_rng(seed)
    away = np.linalg.norm((np.indices((28, 32, 12)) - [[[[13.5]]], [[[15.5]]], [[[5.5]]]]), axis=0)
    inside = away < 11
    smooth = ndimage.gaussian_filter(rng.normal(size=away.shape), 2)
    tissue = 150 + 300 * (smooth > 0) + 250 * (smooth > 0.08) + rng.normal(0, 25, away.shape)
    return np.where(inside, np.maximum(tissue, 1), 0), inside


def kinds():
    """The same brain as scans of all kinds, and whether air is the darkest in them."""
    array, inside = brain()
    rng = np.random.default_rng(1)
    noisy = np.where(inside, array, np.abs(rng.normal(0, 8, array.shape)))
    centred = np.where(inside, (array - array[inside].mean()) / array[inside].std(), 0)
    return {
        "raw": (array, True),
        "raw, noisy air": (noisy, True),
        "0 to 1": (array / array.max(), True),
        "air at -5": (np.where(inside, array, -5), True),
        "air at 20": (np.where(inside, array + 30, 20), True),
        "CT-like": (noisy - 1024, True),
        "whole scan of mean 0": ((noisy - noisy.mean()) / noisy.std(), True),
        "brain of mean 0, air below": (np.where(inside, centred, centred.min() - 0.1), True),
        "brain of mean 0": (centred, False),
        "brain of mean 0, larger": (centred * 400, False),
        "brain of mean 0, noisy air": (centred + rng.normal(0, 0.02, array.shape), False),
        "air is the brightest": (np.where(inside, -array, 0), False),
    }


def prepared(normalization, array, before=(), path="x.nii"):
    chain = Preprocessing([*before, normalization()])
    volume = Volume(array, np.eye(4), path=path)
    if normalization.needs_fit:
        chain.fit([volume], verbose=0)
    return chain.prepare(volume).volume.array


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_no_normalisation_clips_tissue_or_leaves_air_among_it_in_silence(normalization, kind):
    array, darkest = kinds()[kind]
    inside = brain()[1]
    if darkest:
        made = prepared(normalization, array)  # a warning is an error here
        assert np.median(made[~inside]) <= np.percentile(made[inside], 2) + 0.1
    else:
        with pytest.warns(ScanWarning, match=r"`x.nii`: air is at .* darker.*blank=True") as said:
            made = prepared(normalization, array)
        assert len(said) == 1
        assert "stripped" not in str(said[0].message)  # one cause of several
        # What the warning advises.
        made = prepared(normalization, array, [ForegroundMask(blank=True)])
        assert np.median(made[~inside]) <= made[inside].min() + 1e-6
    # Percentile and Nyul clip a few per cent of a brain as they should. No white matter of a T1 is
    # where WhiteStripe looks for it once a scan is inverted.
    if (normalization, kind) != (WhiteStripe, "air is the brightest"):
        assert np.mean(np.abs(made[inside]) >= 1) < 0.08


@pytest.mark.parametrize("kind", kinds())
def test_masks_and_cutters_find_the_brain(kind):
    array, _ = kinds()[kind]
    inside = brain()[1]
    volume = Volume(array, np.eye(4), path="x.nii")
    masked = ForegroundMask(threshold=0.35).apply(volume, {})[0].mask
    scaled = MinMax().apply(volume, {})[0]
    found = [masked]
    if kind != "air at 20":  # there tissue is no brighter than Slices' threshold
        found += [cutter.foreground(scaled) for cutter in (Slices(), Patches((8, 8, 8)))]
    for mask in found:
        assert mask[inside].mean() > 0.95
        assert mask[~inside].mean() < 0.05
    window = Slices(size=(24, 24)).training_images(scaled)  # the brain has 22 x 22 pixels
    assert window.shape[1:] == (24, 24, 1)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_a_shift_of_all_values_changes_nothing(normalization):
    array, _ = brain()
    expected = prepared(normalization, array)
    for shift in (-1024, -300, 500):
        np.testing.assert_allclose(prepared(normalization, array + shift), expected, atol=1e-4)


@pytest.mark.parametrize("kind", kinds())
def test_head_preprocessing_makes_air_dark_whatever_it_was(kind):
    scan = Volume(kinds()[kind][0], np.diag([1.2, 1.2, 5, 1]), path="x.nii")
    made = head_preprocessing().prepare(scan).volume.array  # a warning is an error here
    inside = brain()[1]
    assert np.median(made[~inside]) == -1
    assert np.mean(made[inside] > -1) > 0.9


def test_a_call_that_goes_through_many_scans_warns_once_and_names_them():
    array, _ = kinds()["brain of mean 0"]
    a, b = (
        [Volume(array * (1 + k), np.eye(4), path=f"p{k}_{name}.nii") for k in range(3)]
        for name in ("t1", "t2")
    )
    with pytest.warns(ScanWarning, match=r"`p0_t1.nii`: air is .*for 5 more: `p1_t1.nii`") as said:
        from_volumes(a, b, verbose=0, seed=0)
    assert len(said) == 1
    with pytest.warns(ScanWarning, match=r"`p0_t1.nii`: air is .*for 2 more") as said:
        images = VolumeImages(a, Preprocessing(), memory=0.0, verbose=0)
    assert sum(one.category is ScanWarning for one in said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", ScanWarning)
        assert images[:2].shape == (2, 32, 28, 1)


def test_scans_of_0_to_1_that_nothing_normalises():
    array, _ = kinds()["0 to 1"]
    with pytest.warns(ScanWarning, match=r"values in \[0, 1\].*Expected \[-1, 1\].*`MinMax\(\)`"):
        Preprocessing([Reorient()]).prepare(Volume(array, np.eye(4)))
    Preprocessing([Reorient()]).prepare(Volume(2 * array - 1, np.eye(4)))


def test_a_bias_field_of_values_around_0():
    array, inside = kinds()["brain of mean 0"][0], brain()[1]
    scan = Volume(array, np.eye(4), path="x.nii", mask=inside)
    with pytest.warns(ScanWarning, match=r"`x.nii`: .* of the foreground is 0 or less.*positive"):
        CorrectBiasField(shrink=2, iterations=(2,)).apply(scan, {})
    CorrectBiasField(shrink=2, iterations=(2,)).apply(scan.replace(array=brain()[0]), {})


def test_interpolation_leaves_a_few_values_below_air():
    array, _ = brain()
    turned = ndimage.rotate(array, 17, axes=(0, 1), reshape=False, order=3)
    assert (turned < -20).sum() > 20  # overshoot
    Preprocessing([Percentile()]).prepare(Volume(turned, np.eye(4)))
