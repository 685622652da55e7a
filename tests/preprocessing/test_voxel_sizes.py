"""Voxel sizes in a training and of what is translated later, and the plane of thick slices."""

import json
import warnings

import keras
import numpy as np
import pytest
from phantoms import affine

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.data import VolumeImages, from_volumes
from keras_mri_cyclegan.preprocessing import (
    MinMax,
    Nyul,
    Patches,
    Percentile,
    Preprocessing,
    Reorient,
    Resample,
    ScanWarning,
    Slices,
    Step,
    head_preprocessing,
)
from keras_mri_cyclegan.volumes import SourceHeader, Volume


def scan(spacing=(1.0, 1.0, 3.0), orientation="RAS", path="x.nii", shape=(16, 16, 4), **arguments):
    array = np.random.default_rng(0).uniform(0, 90, shape)
    return Volume(array, affine(orientation, spacing=spacing), path=path, **arguments)


def chain(*steps, cutter=None):
    return Preprocessing([Reorient(), *steps, MinMax()], cutter or Slices(size=(32, 32)))


def said(function, kind="."):
    """Return the warnings of a call about scans."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        function()
    return [str(one.message) for one in found if one.category is ScanWarning]


def fit(a, b=None, **arguments):
    return chain(**arguments).fit(a, b, verbose=0)


FINE, COARSE = (0.51, 0.51, 3.0), (0.91, 0.91, 3.0)
MIXED = [scan(FINE, path="fine.nii"), scan(COARSE, path="coarse.nii")]


@pytest.mark.parametrize(
    "door",
    [
        lambda: fit(MIXED),
        lambda: fit(MIXED[:1], MIXED[1:]),  # the two contrasts differ
        lambda: fit(MIXED[:1]).fit(MIXED[:1], MIXED[1:], verbose=0),
        lambda: from_volumes(MIXED[:1], MIXED[1:], chain(), verbose=0),
        lambda: from_volumes(MIXED[:1], MIXED[1:], Preprocessing([Reorient(), Nyul()]), verbose=0),
        lambda: VolumeImages(MIXED, chain(), verbose=0),
    ],
)
def test_scans_of_one_training_that_differ(door):
    (message,) = said(door)
    assert message.startswith(
        "`fine.nii`: pixels of 0.51 x 0.51 mm, but `coarse.nii`, in the same training, has"
    )
    assert "0.91 x 0.91 mm" in message
    assert "The same holds" not in message
    assert "`Resample((0.71, 0.71, None))` after `Reorient()`" in message


def test_scans_that_no_step_learns_from_are_compared_and_kept():
    bare = Preprocessing([Reorient()], Slices(size=(32, 32)))
    a, b = ([one.replace(array=one.array / 45 - 1)] for one in MIXED)
    (message,) = said(lambda: from_volumes(a, b, bare, verbose=0))
    assert "0.51 x 0.51 mm" in message
    assert bare.spacing["b"] == [pytest.approx(COARSE)] * 2


def test_what_the_warning_advises_helps():
    steps = [Resample((0.71, 0.71, None))]
    assert not said(lambda: from_volumes(MIXED[:1], MIXED[1:], chain(*steps), verbose=0))
    after = Preprocessing([Reorient(), MinMax(), *steps], Slices(size=(32, 32)))  # the last step
    assert not said(lambda: from_volumes(MIXED[:1], MIXED[1:], after, verbose=0))
    assert after.spacing["a"] == [pytest.approx((0.71, 0.71, 3))] * 2


@keras.saving.register_keras_serializable(package="tests_voxel_sizes")
class ForNormalised(Step):
    """A step that takes no other scans."""

    def apply(self, volume, state):
        assert np.abs(volume.array).max() <= 1.01
        return volume, {}


def test_steps_after_one_that_has_to_be_fitted():
    after = Preprocessing([Reorient(), Nyul(), Resample((2.0, 2.0, None))])
    assert after.fit([scan()], verbose=0).spacing["a"] == [pytest.approx((2, 2, 3))] * 2
    own = Preprocessing([Reorient(), Nyul(), ForNormalised()]).fit([scan()], verbose=0)
    assert own.spacing == {}
    own.prepare(scan())


@pytest.mark.parametrize(
    ("spacing", "cutter", "warns"),
    [
        ((1.04, 0.97, 3.0), Slices(size=(32, 32)), False),  # 5 %
        ((1.06, 1.0, 3.0), Slices(size=(32, 32)), True),
        ((1.0, 1.0, 5.0), Slices(size=(32, 32)), False),  # how far slices are apart is not seen
        ((1.0, 1.0, 5.0), Slices(size=(32, 32), neighbours=1), True),
        ((1.0, 1.0, 5.0), Patches((4, 16, 16)), True),
    ],
)
def test_what_a_network_sees_is_compared_to_five_per_cent(spacing, cutter, warns):
    others = [scan(), scan(spacing, path="y.nii")]
    assert len(said(lambda: fit(others, cutter=cutter))) == warns
    fitted = fit(others[:1], cutter=cutter)
    assert len(said(lambda: fitted.prepare(others[1]))) == warns


def test_axes_are_compared_as_they_lie_in_the_patient():
    turned = scan((3.0, 1.0, 1.1), "SRA")
    assert not said(lambda: Preprocessing([MinMax()]).fit([scan((1.0, 1.1, 3.0)), turned]))


def test_files_that_say_nothing_of_their_voxels_are_not_compared():
    header = SourceHeader("npy", np.dtype("float32"), (16, 16, 4), has_geometry=False)
    unknown = scan((2.0, 2.0, 2.0), header=header)
    fitted = fit([scan(), unknown])
    assert fitted.spacing == {"a": [pytest.approx((1, 1, 3))] * 2}
    assert not said(lambda: fitted.prepare(unknown))


def test_a_translation_is_compared_with_the_training_through_the_file(tmp_path):
    path = tmp_path / "preprocessing.json"
    fit([scan()], [scan()]).save(path)
    generator = kmc.unet_generator((None, None, 1), depth=2, filters=2)
    other = scan((0.7, 0.7, 3.0), path="other.nii")

    def translate(source, **arguments):
        return said(
            lambda: kmc.translate_volume(
                generator, source, preprocessing=path, verbose=0, **arguments
            )
        )

    assert not translate(scan())
    (message,) = translate(other)
    assert message.startswith("`other.nii`: pixels of 0.7 x 0.7 mm, but the training scans of")
    assert "domain a have pixels of 1 x 1 mm" in message
    assert "`Resample((1, 1, None))`" in message
    (message,) = translate(scan(), planes=("axial", "coronal"))
    assert "pixels of 3 x 1 mm in its coronal slices" in message
    assert "Leave this plane out" in message


def test_many_translations_warn_once(tmp_path):
    fitted = fit([scan()], [scan()])
    generator = kmc.unet_generator((None, None, 1), depth=2, filters=2)
    sources = [tmp_path / f"{name}.nii" for name in "xyz"]
    for source in sources:
        kmc.volumes.write_volume(scan((0.7, 0.7, 3.0)), source)
    targets = [tmp_path / f"made_{source.name}" for source in sources]
    (message,) = said(
        lambda: list(
            kmc.translate_volumes(generator, sources, targets, preprocessing=fitted, verbose=0)
        )
    )
    assert "x.nii`: pixels of 0.7 x 0.7 mm" in message
    assert "The same holds for 2 more" in message


def test_spacing_is_saved_and_decides_nothing(tmp_path):
    fitted = fit([scan(FINE), scan((0.52, 0.52, 4.0))])
    assert fitted.spacing == {"a": [pytest.approx(FINE), pytest.approx((0.52, 0.52, 4))]}
    fitted.save(tmp_path / "p.json")
    assert Preprocessing.load(tmp_path / "p.json").spacing == fitted.spacing
    config = fitted.get_config()
    assert Preprocessing.from_config({**config, "spacing": {}}).fingerprint() == (
        fitted.fingerprint()
    )
    del config["spacing"]  # as the first releases wrote it
    assert Preprocessing.from_config(json.loads(json.dumps(config))).spacing == {}


@pytest.mark.parametrize(
    "value", [None, [], {"c": [[1, 1, 1]] * 2}, {"a": [[1, 1, 1]]}, {"a": [[1, 1], [1, 1]]},
              {"a": [[1, 1, 0]] * 2}, {"a": [[1, 1, "1"]] * 2}, {"a": [[1, 1, True]] * 2}]
)  # fmt: skip
def test_refuses_a_spacing_that_is_none(value):
    config = {**Preprocessing().get_config(), "spacing": value}
    with pytest.raises(ValueError, match="'spacing' must give"):
        Preprocessing.from_config(config)


@pytest.mark.parametrize(
    ("spacing", "orientation", "plane"),
    [
        ((5.0, 0.9, 0.9), "RAS", "sagittal"),
        ((0.9, 5.0, 0.9), "RAS", "coronal"),
        ((0.9, 0.9, 5.0), "RAS", "axial"),
        ((0.9, 0.9, 5.0), "PIR", "sagittal"),
        ((1.0, 1.0, 1.2), "PIR", None),  # one of three dimensions
        ((2.0, 2.0, 2.5), "PIR", None),
    ],
)
def test_thick_slices_that_are_cut_across(spacing, orientation, plane):
    volume = scan(spacing, orientation)
    for cut in ("axial", "coronal", "sagittal"):
        for preprocessing in (
            head_preprocessing(plane=cut),
            Preprocessing([Percentile()], Slices(cut)),
        ):
            found = said(lambda chain=preprocessing: chain.prepare(volume))
            if plane in (None, cut):
                assert not found
            else:
                (message,) = found
                assert f"`x.nii`: thick {plane} slices, 5 mm apart" in message
                assert f"extracts {cut} slices" in message
                assert f"`head_preprocessing(plane='{plane}')`" in message
