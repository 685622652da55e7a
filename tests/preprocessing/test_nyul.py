"""Nyúl's normalisation against `intensity_normalization`."""

import numpy as np
import pytest
from intensity_normalization.normalizers.population.nyul import NyulNormalizer
from phantoms import ReferenceImage

from keras_mri_cyclegan.preprocessing import Nyul, Preprocessing
from keras_mri_cyclegan.volumes import Volume, VolumeError


def scans(mask=False):
    result = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        array = rng.gamma(2 + seed, 40 * (seed + 1), (9, 8, 7)) * (rng.random((9, 8, 7)) > 0.3)
        result.append(Volume(array, np.eye(4), mask=array > 60 if mask else None))
    return result


@pytest.mark.parametrize("mask", [False, True])
def test_is_what_the_reference_gives(mask):
    volumes = scans(mask)
    reference = NyulNormalizer(output_min_value=-1, output_max_value=1)
    images = [ReferenceImage(volume.array) for volume in volumes]
    masks = [ReferenceImage(volume.mask) for volume in volumes] if mask else None
    reference.fit_population(images, masks)

    step = Nyul(clip=False)
    state = step.fit([step.summarize(volume) for volume in volumes])
    step.check_state(state)
    np.testing.assert_allclose(state["scale"], reference.standard_scale, atol=1e-12)
    for index, volume in enumerate(volumes):
        expected = reference.transform(images[index], masks[index] if mask else None).get_data()
        result, record = step.apply(volume, state)
        np.testing.assert_allclose(result.array, expected, atol=1e-6)
        back = step.invert(result, record).array
        np.testing.assert_allclose(back, volume.array, atol=2e-4)  # of values up to about 1,000
        clipped, record = Nyul().apply(volume, state)
        np.testing.assert_allclose(clipped.array, np.clip(expected, -1, 1), atol=1e-6)
        assert record["clipped"] == pytest.approx(np.mean(np.abs(expected) > 1), abs=1e-9)


def test_an_unmasked_background_becomes_air():
    preprocessing = Preprocessing([Nyul()]).fit(scans(), verbose=0)
    volume = scans()[1]
    prepared = preprocessing.prepare(volume).volume
    assert (prepared.array[volume.array == 0] == -1).all()


def test_the_typical_scan_has_the_median_landmarks():
    volumes = scans()
    preprocessing = Preprocessing([Nyul()]).fit(volumes, verbose=0)
    prepared = preprocessing.prepare(volumes[2])
    median = preprocessing.restore(prepared.volume, prepared, "target", domain="a")
    deciles = [np.percentile(v.array[v.array > 0].astype("float64"), 50) for v in volumes]
    found = np.percentile(median.array[volumes[2].array > 0].astype("float64"), 50)
    assert found == pytest.approx(np.median(deciles), rel=0.02)


def test_few_grey_levels_whose_landmarks_coincide_stay_finite_and_invertible():
    array = np.zeros((10, 10, 10), "float32")
    array.ravel()[:] = np.repeat([0.0, 1.0, 2.0, 3.0], [100, 500, 300, 100])
    volume = Volume(array, np.eye(4))
    step = Nyul(clip=False)
    state = step.fit([step.summarize(volume)])
    result, record = step.apply(volume, state)
    assert len(np.unique(result.array)) == 4
    np.testing.assert_allclose(step.invert(result, record).array, array, atol=1e-6)
    # Its landmarks coincide where those of the standard scale do not.
    state = step.fit([step.summarize(other) for other in scans()])
    result, record = step.apply(volume, state)
    assert (np.diff(np.unique(result.array)) > 0.01).all()
    np.testing.assert_allclose(step.invert(result, record).array, array, atol=1e-5)


def test_a_foreground_of_one_value_is_an_error_that_names_its_file():
    flat = Volume(np.full((3, 3, 3), 4.0), np.eye(4), path="flat.nii")
    with pytest.raises(VolumeError, match=r"`flat.nii`: no contrast to normalise: 4 is both"):
        Nyul().summarize(flat)


@pytest.mark.parametrize("arguments", [{"low": 0}, {"low": 10}, {"high": 90}, {"high": 100}])
def test_refuses_percentiles_out_of_range(arguments):
    with pytest.raises(ValueError, match="`low` must be a percentile above 0"):
        Nyul(**arguments)


@pytest.mark.parametrize("name", ["scale", "landmarks"])
@pytest.mark.parametrize(
    "values", [None, [], [0.0] * 11, [*range(10), 5], ["0"] * 11, [*range(10), float("inf")]]
)
def test_refuses_a_damaged_state(name, values):
    state = {"scale": list(range(11)), "landmarks": list(range(11))}
    Nyul().check_state(state)
    with pytest.raises(ValueError, match="Nyul has a state of"):
        Nyul().check_state({**state, name: values})
