"""White stripe normalisation against `intensity_normalization`."""

import numpy as np
import pytest
from intensity_normalization.domain.models import Modality
from intensity_normalization.normalizers.individual.whitestripe import WhiteStripeNormalizer
from phantoms import ReferenceImage

from keras_mri_cyclegan.preprocessing import Preprocessing, WhiteStripe
from keras_mri_cyclegan.volumes import Volume, VolumeError


def brain(shape=(12, 20, 15), seed=0):
    """Fluid, grey and white matter in air."""
    rng = np.random.default_rng(seed)
    tissue = rng.choice(4, shape, p=[0.3, 0.1, 0.3, 0.3])
    array = np.array([0, 120, 300, 450])[tissue] + rng.normal(0, 15, shape) * (tissue > 0)
    return Volume(array, np.eye(4), path="brain.nii")


@pytest.mark.parametrize("modality", ["t1", "t2", "flair", "pd"])
def test_is_what_the_reference_gives(modality):
    volume = brain()
    image = ReferenceImage(volume.array)
    reference = WhiteStripeNormalizer(modality=Modality(modality)).fit(image)
    expected = reference.transform(image).get_data() / 50
    step = WhiteStripe(modality, limit=50, clip=False)
    result, record = step.apply(volume, {})
    np.testing.assert_allclose(result.array, expected, atol=1e-5)
    np.testing.assert_allclose(step.invert(result, record).array, volume.array, atol=1e-3)
    clipped, record = WhiteStripe(modality, limit=50).apply(volume, {})
    np.testing.assert_allclose(clipped.array, np.clip(expected, -1, 1), atol=1e-5)
    assert record["clipped"] == pytest.approx(np.mean(np.abs(expected) > 1), abs=1e-9)


def test_a_large_volume_gives_the_same_twice_and_nearly_what_all_voxels_give(monkeypatch):
    volume = brain((40, 40, 40))
    first = WhiteStripe().summarize(volume)
    assert WhiteStripe().summarize(volume) == first
    monkeypatch.setattr("keras_mri_cyclegan.preprocessing.white_stripe.MAX_VOXELS", 10**9)
    every = WhiteStripe().summarize(volume)
    assert every != first  # that was a sample
    assert sum(first.values()) / 2 == pytest.approx(sum(every.values()) / 2, rel=0.02)


def test_takes_each_domain_for_its_own_modality():
    preprocessing = Preprocessing([WhiteStripe(("t1", "pd"))])
    middle = [
        sum(preprocessing.prepare(brain(), domain).records[0][end] for end in ("low", "high")) / 2
        for domain in "ab"
    ]
    assert middle == pytest.approx([450, 120], abs=15)  # the highest mode, and the lowest


def test_no_white_matter_is_an_error_that_names_the_file():
    flat = Volume(np.full((4, 4, 4), 9.0), np.eye(4), path="flat.nii")
    with pytest.raises(VolumeError, match=r"`flat.nii`: .*Expected white matter among 64 voxels"):
        WhiteStripe().apply(flat, {})


@pytest.mark.parametrize(
    "arguments",
    [
        {"modality": "ct"},
        {"modality": ("t1",)},
        {"modality": ("t1", "t2", "pd")},
        {"width": 0},
        {"width": 0.5},
        {"limit": 0},
        {"clip": None},
    ],
)
def test_refuses_arguments_out_of_range(arguments):
    with pytest.raises(ValueError, match=r"`(modality|width|limit|clip)` must be"):
        WhiteStripe(**arguments)
