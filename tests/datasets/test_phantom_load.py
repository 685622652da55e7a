"""The phantom data set: known values, the same anatomy in every contrast, and its arguments."""

import numpy as np
import pytest

from keras_mri_cyclegan.datasets.phantom import (
    TISSUES,
    Sequence,
    default_sequence,
    inversion_recovery_signal,
    load_phantom,
    tissue_properties,
)

SMALL = {"slices": 6, "size": 48, "subjects": 2}


def tissue_signals(contrast, field_strength):
    """Signed signal of every tissue in float64, written out once more."""
    sequence = default_sequence(contrast, field_strength)
    signals = []
    for t1, t2, pd in tissue_properties(field_strength).values():
        if pd == 0:
            signals.append(0.0)
        elif sequence.ti is None:
            signals.append(pd * (1 - np.exp(-sequence.tr / t1)) * np.exp(-sequence.te / t2))
        else:
            recovery = 1 - 2 * np.exp(-sequence.ti / t1) + np.exp(-sequence.tr / t1)
            signals.append(pd * recovery * np.exp(-sequence.te / t2))
    return np.array(signals)


@pytest.fixture(scope="module")
def known():
    names = ("t1", "t2", "pd", "flair")
    *images, tissues = load_phantom(
        names, slices=8, size=(96, 80), subjects=2, lesions=12, return_tissues=True
    )
    return dict(zip(names, images, strict=True)), tissues


def test_shapes_types_and_range(known):
    images, tissues = known
    for image in images.values():
        assert image.shape == (8, 96, 80, 1)
        assert image.dtype == np.float32
        assert image.min() == -1
        assert -0.2 < image.max() <= 1
    assert tissues.shape == (8, 96, 80, len(TISSUES))
    assert tissues.dtype == np.float32


def test_fractions_sum_to_one(known):
    _, tissues = known
    assert tissues.min() >= 0
    np.testing.assert_allclose(tissues.sum(axis=-1), 1, atol=1e-5)


def test_every_tissue_is_there(known):
    _, tissues = known
    pure = (tissues > 0.999).sum(axis=(0, 1, 2))
    for name, count in zip(TISSUES, pure, strict=True):
        assert count > 0, name


def test_air_is_exactly_minus_one(known):
    images, tissues = known
    air = tissues[..., 0] == 1
    assert 0.3 < air.mean() < 0.8
    assert air[:, 0].all()
    assert air[:, -1].all()
    assert air[:, :, 0].all()
    assert air[:, :, -1].all()
    for image in images.values():
        assert (image[air] == -1).all()


@pytest.mark.parametrize("contrast", ["t1", "t2", "pd", "flair"])
def test_values_are_those_of_the_formula(known, contrast):
    images, tissues = known
    signals = tissue_signals(contrast, 1.5)
    expected = 2 * np.abs(tissues.astype("float64") @ signals) / signals.max() - 1
    np.testing.assert_allclose(images[contrast][..., 0], expected, atol=2e-6)
    for index, name in enumerate(TISSUES):
        pure = tissues[..., index] == 1
        found = images[contrast][pure]
        np.testing.assert_allclose(
            found, 2 * signals[index] / signals.max() - 1, atol=2e-6, err_msg=name
        )


def test_each_contrast_determines_the_tissue_of_its_own_slice_only(known):
    """With the slices of one contrast shuffled, the other explains far less of it."""
    images, _ = known
    t1, t2 = images["t1"][..., 0], images["t2"][..., 0]
    paired = [mutual_information(a, b) for a, b in zip(t1, t2, strict=True)]
    shuffled = [mutual_information(a, b) for a, b in zip(t1, np.roll(t2, 1, 0), strict=True)]
    assert min(paired) > 1.5 * max(shuffled)


def mutual_information(a, b):
    joint, _, _ = np.histogram2d(a.ravel(), b.ravel(), bins=24)
    joint /= joint.sum()
    independent = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / independent[there])).sum())


def test_plausible_volumes_of_the_brain():
    (_, tissues) = load_phantom(
        "t1", volumes=True, depth=17, size=72, subjects=2, return_tissues=True
    )
    share = dict(zip(TISSUES, tissues.sum(axis=(0, 1, 2, 3)), strict=True))
    cerebrum = share["grey_matter"] + share["white_matter"]
    # The upper half of a head: grey and white matter are about equal, fluid is a fifth of them.
    assert 0.35 < share["grey_matter"] / cerebrum < 0.65
    assert 0.1 < share["csf"] / cerebrum < 0.4
    # 0.6 to 1.2 litres of cerebrum above the commissures, from voxels of 3 x 3 x 4 mm.
    assert 0.6e6 < cerebrum / 2 * (217 / 72) ** 2 * 4 < 1.2e6
    assert share["lesion"] == 0


def test_front_is_up_and_ventricles_are_in_the_middle(known):
    _, tissues = known
    putamen = tissues[..., TISSUES.index("putamen")].sum(axis=0)
    rows, columns = np.indices(putamen.shape)
    assert (putamen * rows).sum() / putamen.sum() < 48  # in front of the middle
    assert (putamen * columns).sum() / putamen.sum() == pytest.approx(39.5, abs=2)


def test_same_arguments_same_bits():
    arguments = {**SMALL, "noise": 0.03, "bias_field": 0.3, "lesions": 3}
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first = load_phantom(**arguments, return_tissues=True)
    second = load_phantom(**arguments, return_tissues=True)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_seeds_and_subjects_differ():
    base = load_phantom("t1", slices=2, size=48, subjects=2)[0]
    other_seed = load_phantom("t1", slices=2, size=48, subjects=2, seed=1)[0]
    others = load_phantom("t1", slices=2, size=48, subjects=range(2, 4))[0]
    everyone = np.concatenate([base, other_seed, others])
    for i in range(len(everyone)):
        for j in range(i):
            assert np.mean(np.abs(everyone[i] - everyone[j])) > 0.02


def test_a_subject_is_the_same_whatever_else_is_asked_for():
    (alone,) = load_phantom("t2", slices=3, size=48, subjects=[5], noise=0.02, bias_field=0.2)
    among = load_phantom(
        ("t2", "t1"), slices=9, size=48, subjects=[7, 5, 0], noise=0.02, bias_field=0.2
    )[0]
    np.testing.assert_array_equal(alone, among[3:6])
    (volume,) = load_phantom(
        "t2", volumes=True, depth=3, size=48, subjects=[5], noise=0.02, bias_field=0.2
    )
    np.testing.assert_array_equal(alone, volume[0])


def test_slices_are_shared_equally_and_in_order():
    (images,) = load_phantom("t1", slices=8, size=48, subjects=3)
    (first,) = load_phantom("t1", slices=3, size=48, subjects=[0])
    (last,) = load_phantom("t1", slices=2, size=48, subjects=[2])
    np.testing.assert_array_equal(images[:3], first)
    np.testing.assert_array_equal(images[6:], last)
    # The head is smaller at its top.
    assert (first[2] > -1).sum() < (first[0] > -1).sum()


def test_integer_subjects_are_the_first_ones():
    np.testing.assert_array_equal(
        load_phantom("t1", slices=4, size=32, subjects=2)[0],
        load_phantom("t1", slices=4, size=32, subjects=range(2))[0],
    )


def test_default_is_a_subject_for_every_eight_slices():
    np.testing.assert_array_equal(
        load_phantom("t1", slices=17, size=16)[0],
        load_phantom("t1", slices=17, size=16, subjects=2)[0],
    )
    assert load_phantom("t1", size=16)[0].shape == (64, 16, 16, 1)
    assert load_phantom("t1", size=16, volumes=True)[0].shape == (1, 64, 16, 16, 1)


def test_sizes_show_the_same_anatomy():
    (fine,) = load_phantom("t2", slices=4, size=128, subjects=2)
    (coarse,) = load_phantom("t2", slices=4, size=64, subjects=2)
    mean = fine.reshape(4, 64, 2, 64, 2, 1).mean(axis=(2, 4))
    assert np.abs(mean - coarse).mean() < 0.01
    assert np.corrcoef(mean.ravel(), coarse.ravel())[0, 1] > 0.995


def test_pixels_are_square():
    wide = load_phantom("t1", slices=1, size=(64, 96))[0]
    square = load_phantom("t1", slices=1, size=(64, 64))[0]
    np.testing.assert_array_equal(wide[:, :, 16:-16], square)


def test_noise_is_rician_and_independent_between_contrasts():
    clean_and_tissues = load_phantom(**SMALL, return_tissues=True)
    noisy = load_phantom(**SMALL, noise=0.05)
    air = clean_and_tissues[2][..., 0] == 1
    headroom = np.hypot(1 + 4 * 0.05, 4 * 0.05)
    residuals = []
    for image in noisy:
        assert image.min() >= -1
        assert image.max() <= 1
        magnitude = (image[..., 0][air] + 1) / 2 * headroom
        assert magnitude.mean() == pytest.approx(0.05 * np.sqrt(np.pi / 2), rel=0.02)
        assert magnitude.std() == pytest.approx(0.05 * np.sqrt(2 - np.pi / 2), rel=0.03)
        residuals.append(magnitude - magnitude.mean())
    assert abs(np.corrcoef(*residuals)[0, 1]) < 0.03
    both = air[0] & air[1]
    neighbours = noisy[0][0, ..., 0][both], noisy[0][1, ..., 0][both]
    assert abs(np.corrcoef(*neighbours)[0, 1]) < 0.1


def test_bias_field_multiplies_the_signal():
    clean = load_phantom(**SMALL)
    biased = load_phantom(**SMALL, bias_field=0.4)
    fields = []
    for before, after in zip(clean, biased, strict=True):
        assert after.max() <= 1
        there = before > -0.9
        ratio = (after[there] + 1) / (before[there] + 1) * 1.2
        assert 0.8 - 1e-4 < ratio.min() < 0.95
        assert 1.05 < ratio.max() < 1.2 + 1e-4
        fields.append((after + 1) / np.where(there, before + 1, np.inf))
    both = (fields[0] > 0) & (fields[1] > 0)
    assert np.abs(fields[0][both] - fields[1][both]).max() > 0.05


def test_lesions_replace_white_matter_only():
    before = load_phantom(("t1", "t2", "flair"), **SMALL, return_tissues=True)
    after = load_phantom(("t1", "t2", "flair"), **SMALL, lesions=20, return_tissues=True)
    lesion, white = TISSUES.index("lesion"), TISSUES.index("white_matter")
    gone = before[3][..., white] - after[3][..., white]
    np.testing.assert_allclose(gone, after[3][..., lesion], atol=1e-6)
    pure = after[3][..., lesion] > 0.99
    assert pure.sum() > 3
    assert (after[0][pure] < before[0][pure]).all()  # darker in T1
    assert (after[1][pure] > before[1][pure]).all()  # brighter in T2
    assert (after[2][pure] > before[2][pure]).all()  # and in FLAIR
    untouched = after[3][..., lesion] == 0
    np.testing.assert_array_equal(after[0][untouched], before[0][untouched])


def test_more_lesions_are_added_to_the_same_ones():
    lesion = TISSUES.index("lesion")
    few, many = (
        load_phantom("t2", volumes=True, depth=24, size=64, lesions=n, return_tissues=True)[1]
        for n in (2, 6)
    )
    assert few[..., lesion].sum() > 0
    assert (many[..., lesion] >= few[..., lesion]).all()
    assert many[..., lesion].sum() > few[..., lesion].sum()


@pytest.mark.parametrize(
    "contrast", [Sequence(500, 14), {"tr": 500, "te": 14}, {"tr": 500.0, "te": 14.0, "ti": None}]
)
def test_own_timing_is_that_contrast(contrast):
    (named,) = load_phantom("t1", slices=1, size=32)
    (own,) = load_phantom([contrast], slices=1, size=32)
    np.testing.assert_array_equal(own, named)


def test_magnitude_of_a_short_inversion_time():
    """Between the zero crossings of two tissues the signs differ, and the picture is >= -1."""
    image, tissues = load_phantom(
        {"tr": 3000, "te": 15, "ti": 400}, slices=2, size=64, return_tissues=True
    )
    t1, t2, pd = np.array(list(tissue_properties(1.5).values())).T
    signals = inversion_recovery_signal(t1, t2, pd, 3000, 15, 400)
    assert signals.min() < 0 < signals.max()
    expected = 2 * np.abs(tissues @ signals) / np.abs(signals).max() - 1
    np.testing.assert_allclose(image[..., 0], expected, atol=2e-6)


def test_field_strength_changes_the_contrast_and_not_the_anatomy():
    low = load_phantom("t1", **SMALL, return_tissues=True)
    high = load_phantom("t1", **SMALL, field_strength=3.0, return_tissues=True)
    np.testing.assert_array_equal(low[1], high[1])
    assert np.abs(low[0] - high[0]).max() > 0.02


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"contrasts": "t3"}, "`contrasts` may be 't1'"),
        ({"contrasts": ("t1", 5)}, "`contrasts` may be 't1'"),
        ({"contrasts": ()}, "`contrasts` must name at least one"),
        ({"contrasts": None}, "`contrasts` must name at least one"),
        ({"contrasts": {"tr": 500}}, "has the keys 'tr', 'te'"),
        ({"contrasts": {"tr": 500, "te": 14, "fa": 30}}, "has the keys 'tr', 'te'"),
        ({"contrasts": {"tr": 500, "te": 700}}, "`te` of a sequence"),
        ({"slices": 0}, "`slices` must be an integer of at least 1"),
        ({"slices": 2.0}, "`slices` must be"),
        ({"size": 15}, "`size` must be an integer of at least 16"),
        ({"size": (32, 8)}, "`size` must be an integer of at least 16"),
        ({"size": (32, 32, 32)}, r"`size` must be \(height, width\)"),
        ({"size": True}, "`size` must be"),
        ({"subjects": 0}, "`subjects` must be an integer of at least 1"),
        ({"subjects": [-1]}, "`subjects` must be an integer of at least 0"),
        ({"subjects": [1, 1]}, "none of them twice"),
        ({"subjects": []}, "at least one number"),
        ({"subjects": 1.5}, "`subjects` must be"),
        ({"subjects": 9}, "`subjects` must not be more than `slices`"),
        ({"seed": -1}, "`seed` must be an integer of at least 0"),
        ({"seed": None}, "`seed` must be"),
        ({"field_strength": 7}, "`field_strength` must be 1.5 or 3.0"),
        ({"noise": -0.1}, "`noise` must be finite and at least 0"),
        ({"noise": float("nan")}, "`noise` must be finite"),
        ({"noise": 1.5}, "`noise` is relative"),
        ({"noise": "little"}, "`noise` must be a number"),
        ({"bias_field": 2.0}, "`bias_field` is relative"),
        ({"bias_field": -1}, "`bias_field` must be finite and at least 0"),
        ({"lesions": -1}, "`lesions` must be an integer of at least 0"),
        ({"lesions": 101}, "`lesions` must be at most 100"),
        ({"depth": 8}, "`depth` is only for `volumes=True`"),
        ({"volumes": True}, "`slices` is not for `volumes`"),
        ({"volumes": True, "slices": None, "depth": 0}, "`depth` must be an integer"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_phantom(**{"slices": 4, "size": 16, **arguments})
