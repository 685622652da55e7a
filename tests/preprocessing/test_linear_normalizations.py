"""The normalisations that are a straight line, against numpy in float64."""

import numpy as np
import pytest

from keras_mri_cyclegan.preprocessing import MinMax, Percentile, ZScore
from keras_mri_cyclegan.volumes import Volume, VolumeError


def scan(scale=100.0, seed=0, mask=False, path=None):
    array = np.random.default_rng(seed).gamma(2, scale, (7, 9, 5)).astype("float32") - scale / 2
    return Volume(array, np.eye(4), path=path, mask=array > scale if mask else None)


def mapped(array, low, high):
    return (array.astype("float64") - low) / (high - low) * 2 - 1


def test_min_max_is_the_line_through_the_extremes():
    volume = scan()
    result, record = MinMax().apply(volume, {})
    x = volume.array.astype("float64")
    np.testing.assert_allclose(result.array, mapped(x, x.min(), x.max()), atol=1e-7)
    assert result.array.min() == -1
    assert result.array.max() == 1
    assert record["clipped"] == 0
    assert result.array.dtype == np.float32


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize(("low", "high"), [(0.0, 99.5), (2.0, 98.0), (0.0, 100.0)])
def test_percentile_is_the_line_through_two_percentiles(low, high, mask):
    volume = scan(mask=mask)
    inside = volume.array[volume.mask] if mask else volume.array
    bottom = np.percentile(volume.array.astype("float64"), low)
    top = np.percentile(inside.astype("float64"), high)
    expected = mapped(volume.array, bottom, top)

    result, record = Percentile(low, high).apply(volume, {})
    np.testing.assert_allclose(result.array, np.clip(expected, -1, 1), atol=1e-7)
    assert (record["low"], record["high"]) == (bottom, top)
    assert record["clipped"] == pytest.approx(np.mean(np.abs(expected) > 1), abs=1e-9)
    free, record = Percentile(low, high, clip=False).apply(volume, {})
    np.testing.assert_allclose(free.array, expected, rtol=1e-6, atol=1e-7)
    assert record["clipped"] == 0


def test_percentile_keeps_air_apart_from_the_darkest_tissue():
    rng = np.random.default_rng(0)
    array = np.abs(rng.normal(6, 2, (20, 20, 20)))
    mask = np.zeros(array.shape, bool)
    mask[4:16, 4:16, 4:16] = True
    array[mask] = rng.uniform(200, 600, mask.sum())
    array[8:10, 8:10, 8:10] = 60  # too few to move a percentile of the mask
    volume = Volume(array, np.eye(4), mask=mask)
    step = Percentile()
    normalised, record = step.apply(volume, {})
    restored = step.invert(normalised, record)
    np.testing.assert_allclose(restored.array[~mask].mean(), 6, atol=0.2)
    np.testing.assert_allclose(restored.array[9, 9, 9], 60, atol=1e-3)


@pytest.mark.parametrize("mask", [False, True])
def test_z_score_is_the_mean_and_the_standard_deviation_of_the_foreground(mask):
    volume = scan(mask=mask)
    x = volume.array.astype("float64")
    values = x[volume.mask] if mask else x[x > x.min()]
    expected = (x - values.mean()) / values.std() / 3
    result, _ = ZScore().apply(volume, {})
    np.testing.assert_allclose(result.array, np.clip(expected, -1, 1), atol=1e-6)
    free, _ = ZScore(limit=2.0, clip=False).apply(volume, {})
    np.testing.assert_allclose(free.array, expected * 1.5, atol=1e-6)


@pytest.mark.parametrize("step", [MinMax(), Percentile(5, 90, clip=False), ZScore(clip=False)])
@pytest.mark.parametrize("scale", [1e-3, 100.0, 1e6])
def test_inverts_to_float32_rounding(step, scale):
    volume = scan(scale)
    result, record = step.apply(volume, {})
    back = step.invert(result, record).array
    largest = np.abs(volume.array).max()
    # Two roundings to float32, at the largest values before and after.
    assert np.abs(back - volume.array).max() <= 4 * np.finfo("float32").eps * largest


def test_integers_come_back_as_the_same_integers():
    array = np.random.default_rng(0).integers(-32768, 32767, (20, 20, 20)).astype("float32")
    for step in (MinMax(), Percentile(clip=False), ZScore(clip=False)):
        result, record = step.apply(Volume(array, np.eye(4)), {})
        back = step.invert(result, record).array
        np.testing.assert_array_equal(np.rint(back), array)


def test_the_typical_scan_has_the_medians_of_the_training_scans():
    scans = [scan(scale, seed) for seed, scale in enumerate((80.0, 100.0, 300.0))]
    step = Percentile(1, 99)
    summaries = [step.summarize(volume) for volume in scans]
    expected = np.median([np.percentile(s.array.astype("float64"), [1, 99]) for s in scans], axis=0)
    state = step.fit(summaries)
    step.check_state(state)
    record = step.typical(state)
    np.testing.assert_allclose([record["low"], record["high"]], expected)
    middle = Volume(np.zeros((2, 2, 2)), np.eye(4))
    np.testing.assert_allclose(step.invert(middle, record).array, expected.mean(), rtol=1e-6)


def test_a_constant_scan_is_an_error_that_names_its_file():
    flat = Volume(np.full((3, 3, 3), 7.0), np.eye(4), path="flat.nii")
    for step in (MinMax(), Percentile(), ZScore()):
        with pytest.raises(VolumeError, match=r"`flat.nii`: no contrast .*7 to -1, 7 to 1.*Leave"):
            step.apply(flat, {})


def test_a_foreground_of_one_value_or_none_is_an_error_that_names_its_file():
    array = np.zeros((4, 4, 4))
    array[0] = 5
    array[1] = -1
    one_value = Volume(array, np.eye(4), path="x.nii", mask=array == 5)
    no_voxel = one_value.replace(mask=np.zeros((4, 4, 4), bool))
    with pytest.raises(VolumeError, match=r"`x.nii`: no contrast"):
        ZScore().apply(one_value, {})
    for step in (Percentile(), ZScore()):
        with pytest.raises(VolumeError, match=r"`x.nii`: an empty foreground.*inside its mask"):
            step.apply(no_voxel, {})
    with pytest.raises(VolumeError, match=r"`y.nii`: an empty foreground: no voxel differs"):
        ZScore().apply(Volume(np.full((4, 4, 4), -1), np.eye(4), path="y.nii"), {})


@pytest.mark.parametrize(
    "make",
    [
        lambda: Percentile(50, 50),
        lambda: Percentile(-1, 50),
        lambda: Percentile(0, 101),
        lambda: Percentile("0", 50),
        lambda: Percentile(float("nan"), 50),
        lambda: Percentile(clip="yes"),
        lambda: ZScore(limit=0),
        lambda: ZScore(limit=float("inf")),
        lambda: ZScore(clip=1),
    ],
)
def test_refuses_arguments_out_of_range(make):
    with pytest.raises(ValueError, match=r"^`(low|high|clip|limit)`.*Received"):
        make()


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"low": 1.0},
        {"low": 1.0, "high": 1.0},
        {"low": 2.0, "high": 1.0},
        {"low": "0", "high": 1.0},
        {"low": True, "high": 2.0},
        {"low": 0.0, "high": float("nan")},
        {"low": 0.0, "high": 10**400},
        {"low": 0.0, "high": [1.0]},
        {"low": 0.0, "high": 1.0, "more": 2.0},
    ],
)
def test_refuses_a_state_that_is_none(state):
    with pytest.raises(ValueError, match="MinMax has a state of"):
        MinMax().check_state(state)
