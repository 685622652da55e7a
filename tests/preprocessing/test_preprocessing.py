"""The whole way: fitting, preparing, restoring."""

import json

import keras
import nibabel as nib
import numpy as np
import pytest
from cases import case
from intensity_normalization.normalizers.population.nyul import NyulNormalizer
from phantoms import ORIENTATIONS, ReferenceImage, scan

from keras_mri_cyclegan.preprocessing import (
    ForegroundMask,
    MinMax,
    Nyul,
    Patches,
    Percentile,
    Preprocessing,
    Reorient,
    Resample,
    Slices,
    Step,
    WhiteStripe,
    ZScore,
)
from keras_mri_cyclegan.volumes import SourceHeader, Volume, VolumeError


def stored(*args, **kwargs):
    """A scan with the header of a file of int16."""
    volume = scan(*args, **kwargs)
    return volume.replace(header=SourceHeader("nifti", np.dtype("int16"), volume.shape, True))


@pytest.mark.parametrize(("cutter", "tilt"), [(Slices("coronal"), 0.0), (Patches((4, 4, 4)), 0.4)])
def test_prepared_cut_joined_and_restored_is_the_scan(cutter, tilt):
    for orientation in ORIENTATIONS:
        with case(orientation):
            volume = stored(orientation, tilt)
            preprocessing = Preprocessing([Reorient(), MinMax()], cutter)
            prepared = preprocessing.prepare(volume)
            assert prepared.volume.orientation == "RAS"
            assert (prepared.volume.array.min(), prepared.volume.array.max()) == (-1, 1)
            joined = cutter.join(cutter.cut(prepared.volume), like=prepared.volume)
            restored = preprocessing.restore(joined, prepared)
            largest = np.abs(volume.array).max()
            assert (
                np.abs(restored.array - volume.array).max() <= 2 * np.finfo("float32").eps * largest
            )
            np.testing.assert_array_equal(restored.affine, volume.affine)
            assert restored.header is volume.header
            assert restored.path == volume.path


@pytest.mark.parametrize(
    "steps",
    [
        [Reorient("PIR"), Percentile(1, 99, clip=False)],
        [Reorient("LAS"), ForegroundMask(), Percentile(1, 99, clip=False)],
        [ForegroundMask(), Reorient(), ZScore(clip=False)],
        [ForegroundMask(), Nyul(clip=False)],
        [Reorient(), WhiteStripe(clip=False), Reorient("SPL")],
    ],
)
def test_every_normalisation_that_clips_nothing_is_undone(steps):
    volume = scan("LIP", 0.2)
    preprocessing = Preprocessing(steps).fit([volume], verbose=0)
    prepared = preprocessing.prepare(volume)
    json.dumps(prepared.records, allow_nan=False)
    restored = preprocessing.restore(prepared.volume, prepared)
    np.testing.assert_allclose(restored.array, volume.array, rtol=1e-5, atol=1e-3)
    np.testing.assert_array_equal(restored.affine, volume.affine)


def test_resampled_comes_back_on_the_grid_of_the_scan():
    volume = scan("LIP", 0.2)
    preprocessing = Preprocessing([Reorient(), Resample((1.0, 1.0, 1.0)), MinMax()])
    prepared = preprocessing.prepare(volume)
    assert prepared.volume.spacing == pytest.approx((1, 1, 1))
    restored = preprocessing.restore(prepared.volume, prepared)
    assert restored.shape == volume.shape
    np.testing.assert_array_equal(restored.affine, volume.affine)


def test_the_default_reorients_and_takes_percentiles_of_axial_slices():
    volume = scan("LPS")
    prepared = Preprocessing().prepare(volume)
    image = nib.as_closest_canonical(nib.Nifti1Image(volume.array, volume.affine))
    x = np.asarray(image.dataobj, "float64")
    low, high = np.percentile(x, [0.5, 99.5])
    expected = np.clip((x - low) / (high - low) * 2 - 1, -1, 1)
    np.testing.assert_allclose(prepared.volume.array, expected, atol=1e-6)
    images = Preprocessing().training_images(volume)
    np.testing.assert_array_equal(images, Slices().training_images(prepared.volume))


def test_target_gives_the_intensities_of_the_other_contrast_and_normalized_none():
    t1 = [stored(seed=seed, scale=300) for seed in range(3)]
    t2 = [scan(seed=seed, scale=50 + seed) for seed in range(3)]
    preprocessing = Preprocessing([Reorient(), MinMax()]).fit(t1, t2, verbose=0)
    prepared = preprocessing.prepare(t1[0], "a")
    ends = [np.median([f(v.array) for v in t2]) for f in (np.min, np.max)]
    as_t2 = preprocessing.restore(prepared.volume, prepared, "target", domain="b")
    assert [as_t2.array.min(), as_t2.array.max()] == pytest.approx(ends, rel=1e-6)
    plain = preprocessing.restore(prepared.volume, prepared, "normalized")
    assert (plain.array.min(), plain.array.max()) == (-1, 1)
    assert plain.header.dtype == np.float32
    assert as_t2.header.dtype == np.int16


class Counting:
    """Volumes that count how often, and how many at a time, they are read."""

    def __init__(self, volumes):
        self.volumes, self.read = volumes, 0

    def __iter__(self):
        for volume in self.volumes:
            self.read += 1
            yield volume


def test_fits_several_steps_in_one_reading_of_each_scan():
    scans = Counting([scan(seed=seed) for seed in range(4)])
    preprocessing = Preprocessing([Reorient(), Percentile(clip=False), Nyul()])
    assert not preprocessing.fitted
    assert preprocessing.fit(scans, verbose=0) is preprocessing
    assert scans.read == 4
    assert preprocessing.domains == ("a",)
    with pytest.raises(ValueError, match=r"Nyul.* must be fitted .*domain 'b' first.*\('a',\)"):
        preprocessing.prepare(scans.volumes[0], "b")


def test_fitting_one_domain_again_keeps_the_other():
    preprocessing = Preprocessing([MinMax()]).fit([scan()], [scan(seed=1)], verbose=0)
    before = preprocessing.get_config()["domains"]
    after = preprocessing.fit([scan(seed=2)], verbose=0).get_config()["domains"]
    assert after["b"] == before["b"]
    assert after["a"] != before["a"]


def test_fits_on_what_the_steps_before_give():
    scans = [scan(seed=seed, shape=(9, 9, 9)) for seed in range(3)]
    preprocessing = Preprocessing([ForegroundMask(), Nyul()]).fit(scans, verbose=0)
    masks = [ForegroundMask().apply(volume, {})[0].mask for volume in scans]
    reference = NyulNormalizer(output_min_value=-1, output_max_value=1).fit_population(
        [ReferenceImage(v.array) for v in scans], [ReferenceImage(m) for m in masks]
    )
    state = preprocessing.get_config()["domains"]["a"][1]
    np.testing.assert_allclose(state["scale"], reference.standard_scale)


def test_takes_files_and_reads_nothing_when_nothing_is_learnt(tmp_path):
    volume = scan()
    path = tmp_path / "t1.nii.gz"
    nib.save(nib.Nifti1Image(volume.array, volume.affine), path)
    preprocessing = Preprocessing([Reorient(), MinMax()]).fit([path], [str(path)], verbose=0)
    prepared = preprocessing.prepare(path)
    assert prepared.source_path == str(path)
    np.testing.assert_allclose(
        preprocessing.restore(prepared.volume, prepared).array, volume.array, rtol=1e-5, atol=1e-4
    )
    assert preprocessing.fit(str(tmp_path), verbose=0).fitted
    Preprocessing(()).fit(["no such file"], verbose=0)
    with pytest.raises(VolumeError, match="no such"):
        preprocessing.fit(["no such.nii"], verbose=0)


def test_shows_progress_if_wanted(capsys):
    Preprocessing().fit(iter([scan(), scan()]), verbose=1)
    assert "2" in capsys.readouterr().out
    Preprocessing().fit([scan()], verbose=0)
    assert capsys.readouterr().out == ""


def test_a_bad_scan_in_the_middle_names_itself_and_changes_nothing():
    preprocessing = Preprocessing([MinMax()]).fit([scan()], verbose=0)
    before = preprocessing.fingerprint()
    flat = Volume(np.zeros((3, 3, 3)), np.eye(4), path="flat.nii")
    with pytest.raises(VolumeError, match=r"`flat.nii`: no contrast"):
        preprocessing.fit([scan(seed=1), flat], verbose=0)
    with pytest.raises(VolumeError, match="`volume 2 of domain b`: no contrast"):
        preprocessing.fit([scan()], [scan(), flat.replace(path=None)], verbose=0)
    assert preprocessing.fingerprint() == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "`a` holds no scan"),
        (iter(()), "`a` holds no scan"),
        (scan(), "`a` must be scans to fit on.*Received: Volume"),
        (None, "`a` must be scans to fit on.*Received: NoneType"),
        ([np.zeros((3, 3, 3))], "A scan must be a `Volume`, or the path.*Received: ndarray"),
    ],
)
def test_fit_refuses_what_are_no_scans(given, message):
    with pytest.raises(ValueError, match=message):
        Preprocessing().fit(given, verbose=0)


def test_restore_refuses_what_does_not_belong():
    preprocessing = Preprocessing()
    prepared = preprocessing.prepare(scan())
    with pytest.raises(VolumeError, match=r"`scan.nii`: a volume of shape \(2, 2, 2\) to restore"):
        preprocessing.restore(Volume(np.zeros((2, 2, 2)), np.eye(4)), prepared)
    with pytest.raises(ValueError, match="`intensities` must be one of"):
        preprocessing.restore(prepared.volume, prepared, "t2")
    for domain in (None, "b", "c"):
        with pytest.raises(ValueError, match="'target'` needs `domain`"):
            preprocessing.restore(prepared.volume, prepared, "target", domain)
    with pytest.raises(ValueError, match="`prepared` must be the result"):
        preprocessing.restore(prepared.volume, None)
    with pytest.raises(ValueError, match="`prepared` must be the result"):
        Preprocessing([MinMax()]).restore(prepared.volume, prepared)
    with pytest.raises(ValueError, match="`domain` must be one of 'a', 'b'"):
        preprocessing.prepare(scan(), "t1")


def test_without_a_normalisation_the_range_is_checked():
    inside = Volume(np.random.default_rng(0).uniform(-1, 1, (3, 3, 3)), np.eye(4), path="x.nii")
    assert Preprocessing(()).prepare(inside).volume is inside
    with pytest.raises(VolumeError, match=r"`x.nii`: values in .*Expected \[-1, 1\]. Add a"):
        Preprocessing([Reorient()]).prepare(inside.replace(array=inside.array * 100))


@keras.saving.register_keras_serializable(package="tests_preprocessing")
class LosesARow(Step):
    def apply(self, volume, state):
        return volume.replace(array=volume.array[1:]), {}

    def invert(self, volume, record):
        return volume


class Unregistered(Step):
    pass


def test_a_step_that_does_not_undo_itself_is_an_error():
    preprocessing = Preprocessing([LosesARow(), MinMax()])
    prepared = preprocessing.prepare(scan())
    with pytest.raises(VolumeError, match=r"`scan.nii`: restored to shape \(4, 7, 9\)"):
        preprocessing.restore(prepared.volume, prepared)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": Reorient()}, "`steps` must be a list of steps"),
        ({"steps": "Reorient"}, "`steps` must be a list of steps"),
        ({"steps": [Reorient]}, r"`steps\[0\]` must be a `Step`"),
        ({"steps": [Reorient(), Slices()]}, r"`steps\[1\]` must be a `Step`"),
        ({"steps": [Unregistered()]}, r"`steps\[0\]` must be of a registered class"),
        ({"cutter": MinMax()}, "`cutter` must be a `Cutter`"),
        ({"steps": [Nyul(), MinMax()]}, "Nyul.* must be fitted before .* before MinMax"),
    ],
)
def test_refuses_what_it_cannot_be_made_of(arguments, message):
    with pytest.raises(ValueError, match=message):
        Preprocessing(**arguments)
