import keras
import nibabel
import numpy as np
import pytest
from small import compiled

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan import volumes
from keras_mri_cyclegan.data import RandomFlip, UnpairedDataset, VolumeImages, from_volumes
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing, Slices
from keras_mri_cyclegan.volumes import Volume, VolumeError

PATIENTS = 6
EAGERLY = keras.backend.backend() == "tensorflow"  # which takes seconds to trace a step


@pytest.fixture
def study(tmp_path):
    """A folder of T1 and T2 scans of six patients; patient k's brightest voxel is 100 + k."""
    rng = np.random.default_rng(0)
    for number in range(PATIENTS):
        for contrast in ("T1w", "T2w"):
            data = rng.uniform(0, 90, (16, 16, 3)).astype("float32")
            data[8, 8] = 100 + number
            path = tmp_path / f"sub-{number:02d}" / "anat" / f"sub-{number:02d}_{contrast}.nii"
            path.parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), path)
    return str(tmp_path / "**" / "*_T1w.nii"), str(tmp_path / "**" / "*_T2w.nii")


def quiet(*arguments, **keywords):
    return from_volumes(*arguments, **{"verbose": 0, "seed": 0, **keywords})


def test_globs_become_a_dataset(study):
    dataset = quiet(*study, batch_size=4, augment=RandomFlip(), workers=2)
    assert type(dataset) is UnpairedDataset
    assert isinstance(dataset.a, VolumeImages)
    assert (dataset.a.shape, dataset.b.shape) == ((18, 16, 16, 1), (18, 16, 16, 1))
    assert (dataset.batch_size, dataset.seed, dataset.shuffle) == (4, 0, True)
    assert (dataset.workers, len(dataset.augment)) == (2, 1)
    assert dataset.patients_a == dataset.patients_b == tuple(f"sub-{k:02d}" for k in range(6))
    assert dataset.preprocessing.domains == ("a", "b")
    for a, b in dataset:
        assert a.shape == b.shape == (4, 16, 16, 1)
        assert max(np.abs(a).max(), np.abs(b).max()) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_validation_is_by_patient_and_nothing_leaks(study, monkeypatch, seed):
    fitted_on, fit = [], Preprocessing.fit

    def watched(self, a, b=None, **options):
        fitted_on.extend([*a, *b])
        return fit(self, a, b, **options)

    monkeypatch.setattr(Preprocessing, "fit", watched)
    preprocessing = Preprocessing([MinMax()])
    training, validation = quiet(
        *study, preprocessing, validation=0.3, seed=seed, batch_size=7, augment=RandomFlip()
    )
    held_out = set(validation.patients_a) | set(validation.patients_b)
    assert len(held_out) == 2
    assert held_out.isdisjoint(training.patients_a + training.patients_b)
    for dataset in (training, validation):
        for images, owners in (
            (dataset.a, dataset.patients_a),
            (dataset.b, dataset.patients_b),
        ):
            assert {path[-14:-8] for path in images.scans} == set(owners)
        assert dataset.preprocessing is preprocessing
    assert sorted(fitted_on) == sorted(training.a.scans + training.b.scans)
    # The median of the brightest voxels is that of the patients trained on.
    high = preprocessing.get_config()["domains"]["a"][0]["high"]
    assert high == np.median([100 + int(owner[-2:]) for owner in training.patients_a])
    assert (validation.batch_size, validation.shuffle, validation.augment) == (6, False, ())
    again = quiet(*study, validation=0.3, seed=seed)
    assert again[1].patients_a == validation.patients_a


def test_a_fitted_preprocessing_stays_as_it_is(study):
    volumes_ = [Volume(np.arange(512.0).reshape(8, 8, 8), np.eye(4))]
    preprocessing = Preprocessing([MinMax()]).fit(volumes_, volumes_, verbose=0)
    before = preprocessing.fingerprint()
    assert quiet(*study, preprocessing).preprocessing is preprocessing
    assert preprocessing.fingerprint() == before


def test_cross_validation_prepares_each_scan_once(study, tmp_path, monkeypatch):
    whole = quiet(*study, cache=tmp_path / "cache")
    fitted = whole.preprocessing
    monkeypatch.setattr(volumes, "read_volume", None)
    for seed in range(3):
        training, validation = quiet(
            *study, fitted, validation=0.3, seed=seed, cache=tmp_path / "cache"
        )
        assert len(training.a) + len(validation.a) == len(whole.a)


def test_memory_is_shared_by_all_scans(study):
    training, validation = quiet(*study, validation=0.3, memory=1.2)
    shares = [images.memory for d in (training, validation) for images in (d.a, d.b)]
    assert shares == pytest.approx([0.4, 0.4, 0.2, 0.2])


def test_what_it_says(study, capsys):
    from_volumes(*study, Preprocessing([MinMax()]), validation=0.3, seed=0)
    said = capsys.readouterr().out
    assert "Training A: 4 scans of 4 patients, 12 images of 16 x 16 x 1" in said
    assert "Validation B: 2 scans of 2 patients, 6 images of 16 x 16 x 1" in said
    assert "Training: 4 patients are in both" in said
    quiet(*study)
    assert capsys.readouterr().out == ""


def test_files_of_unknown_patients_are_no_patients(study, tmp_path, capsys):
    """They were counted as patients, in both domains."""
    for contrast, names in (("t1", ["T1_007", "ses1_p7"]), ("t2", ["T2_007"])):
        (tmp_path / contrast).mkdir()
        for name in [*names, f"p3_{contrast}"]:
            data = np.random.default_rng(0).uniform(0, 9, (8, 8, 4))
            nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), tmp_path / contrast / f"{name}.nii")
    folders = str(tmp_path / "t1"), str(tmp_path / "t2")
    dataset = from_volumes(*folders, Preprocessing([MinMax()]), seed=0)
    said = capsys.readouterr().out
    assert dataset.patients_a == dataset.patients_b == ("p3",)
    assert "A: 1 scans of 1 patients and 2 of unknown patients (ses1_p7.nii, T1_007.nii)" in said
    assert "B: 1 scans of 1 patients and 1 of unknown patients (T2_007.nii)" in said
    assert "Training: 1 patients are in both, without the unknown ones (`patient=`" in said
    with pytest.raises(ValueError, match=r"`patient` must say whose scan .*ses1_p7"):
        quiet(*folders, validation=0.4)
    told = quiet(*folders, patient=lambda path: path[-7:-4])
    assert told.patients_a == ("007", "_p7", "_t1")


def test_volumes_in_memory_need_no_patient_without_validation():
    rng = np.random.default_rng(0)
    a, b = ([Volume(rng.uniform(0, 9, (8, 8, 4)), np.eye(4)) for _ in range(3)] for _ in "ab")
    dataset = quiet(a, b)
    assert dataset.patients_a == dataset.patients_b == ()
    with pytest.raises(ValueError, match=r"`patient` must say"):
        quiet(a, b, validation=0.4)


def test_volumes_as_the_images():
    rng = np.random.default_rng(0)
    a, b = ([Volume(rng.uniform(0, 9, (8, 9, 7)), np.eye(4)) for _ in range(3)] for _ in "ab")
    preprocessing = Preprocessing([MinMax()], kmc.preprocessing.Patches(size=(4, 8, 8)))
    shape = preprocessing.training_images(a[0]).shape
    dataset = quiet(a, b, preprocessing, augment=kmc.data.mri_augmentation())
    assert dataset[0][0].shape == (1, *shape[1:])
    assert len(shape) == 5


def test_a_model_trains_on_it(study, tmp_path):
    dataset = quiet(
        *study,
        Preprocessing(cutter=Slices(size=(16, 16))),
        batch_size=9,
        augment=kmc.data.mri_augmentation(),
        cache=tmp_path / "cache",
        workers=2,
    )
    history = compiled(run_eagerly=EAGERLY).fit(dataset, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_a_model_trains_on_its_two_sides(study, monkeypatch):
    dataset = quiet(*study)
    monkeypatch.setattr(VolumeImages, "__array__", None)  # never all at once
    history = compiled(run_eagerly=EAGERLY).fit(
        dataset.a, dataset.b, batch_size=9, epochs=1, verbose=0
    )
    assert np.isfinite(history.history["loss"]).all()


def test_a_tf_dataset_of_it(study):
    pytest.importorskip("tensorflow")
    dataset = quiet(*study, batch_size=4)
    expected = [dataset[k] for k in range(len(dataset))]
    for found, batch in zip(dataset.to_tf_dataset(), expected, strict=True):
        np.testing.assert_array_equal(found[0], batch[0])
        np.testing.assert_array_equal(found[1], batch[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "`batch_size`"),
        ({"preprocessing": 0.2}, r"`preprocessing` must be.*Received: 0.2\. .*`validation=0.2`"),
        ({"preprocessing": "mri"}, r"`preprocessing` must be a `Preprocessing`. Received: 'mri'"),
        ({"shuffle": "yes"}, "`shuffle`"),
        ({"seed": -1}, "`seed`"),
        ({"augment": "flip"}, "`augment`"),
        ({"validation": 1.0}, "`validation`"),
        ({"memory": None}, "`memory`"),
        ({"verbose": 2}, "`verbose`"),
        ({"batchsize": 3}, "takes no batchsize.*workers"),
        ({"b": "/none/*.nii"}, "/none/"),
    ],
)
def test_bad_arguments_are_found_before_anything_is_read(study, monkeypatch, arguments, message):
    monkeypatch.setattr(volumes, "read_volume", None)
    with pytest.raises(ValueError, match=message):
        from_volumes(**{"a": study[0], "b": study[1], "seed": 0, "verbose": 0, **arguments})


def test_a_scan_in_both_domains(study):
    with pytest.raises(ValueError, match=r"must not share a scan.*_T1w"):
        quiet(study[0], study[0])


def test_a_damaged_scan_is_named(study, tmp_path):
    path = tmp_path / "sub-03" / "anat" / "sub-03_T2w.nii"
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(VolumeError, match=r"sub-03_T2w.nii"):
        quiet(*study)
