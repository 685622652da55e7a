"""Every place where two sets of images meet as pairs, and both know whose they are."""

import warnings

import nibabel
import numpy as np
import pytest
from small import EAGERLY, networks

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan import figures, metrics
from keras_mri_cyclegan.cyclegan import sources
from keras_mri_cyclegan.data import UnpairedDataset, VolumeImages, from_volumes
from keras_mri_cyclegan.evaluation import IntensityCurve
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing, Slices, ZScore
from keras_mri_cyclegan.volumes import Volume

SIZE, SLICES = 16, 4
PAIRED_METRICS = (metrics.psnr, metrics.ssim, metrics.nrmse, metrics.mae)
MEANS = (metrics.PSNR, metrics.SSIM, metrics.NRMSE, metrics.MAE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """T1 and T2 of four patients."""
    made, rng = tmp_path_factory.mktemp("study"), np.random.default_rng(0)
    for number in range(4):
        for contrast in ("T1w", "T2w"):
            values = rng.uniform(0, 90, (SIZE, SIZE, SLICES)).astype("float32")
            path = made / f"sub-{number:02d}_{contrast}.nii"
            nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    return made


def images(folder, contrast, *patients):
    paths = [str(folder / f"sub-{k:02d}_{contrast}.nii") for k in patients]
    return VolumeImages(paths, Preprocessing([MinMax()], Slices()), verbose=0)


@pytest.fixture(scope="module")
def model():
    made = kmc.CycleGAN(**networks((SIZE, SIZE, 1)), pool_size=0)
    made.compile(run_eagerly=EAGERLY)
    return made


A = np.random.default_rng(1).uniform(-1, 1, (4, SIZE, SIZE, 1)).astype("float32")

DOORS = {
    "model.evaluate": lambda model, a, b: model.evaluate(a, b, verbose=0),
    "validation_data": lambda model, a, b: model.fit(
        A, A, epochs=1, verbose=0, validation_data=(a, b)
    ),
    "validation_data, a list": lambda model, a, b: model.fit(
        A, A, epochs=1, verbose=0, validation_data=[a, b]
    ),
    "kmc.evaluate": lambda model, a, b: kmc.evaluate(model, a, b, metrics=("mae",), resamples=0),
    "kmc.evaluate, baselines": lambda model, a, b: kmc.evaluate(
        None, a, b, metrics=("mae",), resamples=0
    ),
    "curve_pairs": lambda model, a, b: kmc.evaluate(
        None, A, A[::-1], curve_pairs=(a, b), metrics=("mae",), resamples=0
    ),
    "IntensityCurve": lambda model, a, b: IntensityCurve().fit(a, b),
    "paired": lambda model, a, b: UnpairedDataset(paired=(a, b)),
    "paired beside others": lambda model, a, b: UnpairedDataset(A, A, paired=(a, b)),
    "displacement": lambda model, a, b: metrics.displacement(a, b),
    "error_maps": lambda model, a, b: figures.error_maps(a, np.asarray(a), b),
    **{
        function.__name__: lambda model, a, b, f=function: f(a, b, data_range=2.0)
        for function in PAIRED_METRICS
    },
    **{
        kind.__name__: lambda model, a, b, k=kind: k(data_range=2.0).update_state(a, b)
        for kind in MEANS
    },
}


@pytest.mark.backend
@pytest.mark.parametrize("door", DOORS)
def test_images_of_different_patients_are_no_pairs(folder, model, door):
    a = images(folder, "T1w", 0, 1)
    steps = int(model.optimizer.iterations)
    for others in ((2, 3), (1, 0), (0, 2)):
        b = images(folder, "T2w", *others)
        first = 0 if others[0] else SLICES
        message = f"image {first} is of 'sub-{first // SLICES:02d}' .* 'sub-0{others[first > 0]}'"
        with pytest.raises(ValueError, match=message):
            DOORS[door](model, a, b)
    assert int(model.optimizer.iterations) == steps  # told before the first one


@pytest.mark.backend
@pytest.mark.parametrize("door", DOORS)
def test_images_of_the_same_patients_are(folder, model, door):
    DOORS[door](model, images(folder, "T1w", 0, 1), images(folder, "T2w", 0, 1))


@pytest.mark.parametrize("door", ["model.evaluate", "kmc.evaluate", "paired"])
def test_arrays_and_the_owner_that_was_given_are_believed(folder, model, door):
    a, b = images(folder, "T1w", 0, 1), images(folder, "T2w", 2, 3)
    DOORS[door](model, np.asarray(a), np.asarray(b))
    DOORS[door](model, a, np.asarray(b))
    b.patients = (None, "sub-01")
    DOORS[door](model, a, b)


def test_both_halves_of_a_validation_split_by_patient(folder, model):
    def split(a, b, **arguments):
        paths = [[str(folder / f"sub-{k:02d}_{c}.nii") for k in who] for c, who in (a, b)]
        return from_volumes(
            *paths,
            Preprocessing([MinMax()], Slices()),
            validation=0.5,
            seed=0,
            verbose=0,
            **arguments,
        )[1]

    unpaired = split(("T1w", (0, 1)), ("T2w", (2, 3)))
    assert unpaired.a.patients != unpaired.b.patients
    with pytest.raises(ValueError, match="patient"):
        model.evaluate(unpaired.a, unpaired.b)
    # `patient` says that 0 and 2, 1 and 3 are one person each
    same = split(("T1w", (0, 1)), ("T2w", (2, 3)), patient=lambda path: str(int(path[-9:-8]) % 2))
    assert same.a.patients == same.b.patients
    model.evaluate(same.a, same.b, verbose=0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cbct_{:03d}", "ct_{:03d}"),
        ("A_{:03d}", "B_{:03d}"),
        ("3T_{:02d}", "7T_{:02d}"),
        ("sub-{:02d}", "sub-{:d}"),
        ("p{:02d}", "P{:02d}"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_contrast_or_a_spelling_is_no_other_patient(one, other):
    UnpairedDataset(paired=[called(name, (1, 2)) for name in (one, other)])


def test_names_without_a_patient_in_common_are_warned_of():
    with pytest.warns(UserWarning, match="no patient in common.*`from_volumes"):
        UnpairedDataset(paired=(called("lf{:03d}", (1, 2)), called("hf{:03d}", (1, 2))))
    with pytest.raises(ValueError, match=r"image 4 is of 'lf002' .* 'lf003'"):
        UnpairedDataset(paired=(called("lf{:03d}", (1, 2)), called("lf{:03d}", (1, 3))))


def called(name, patients):
    rng = np.random.default_rng(0)
    scans = [
        Volume(rng.uniform(0, 90, (SIZE, SIZE, SLICES)), np.eye(4), path=name.format(k) + ".nii")
        for k in patients
    ]
    return VolumeImages(scans, Preprocessing([MinMax()], Slices()), verbose=0)


def prepared(patients=(1, 2), spacing=1.0, domain="a", step=MinMax, plane="axial"):
    rng = np.random.default_rng(0)
    affine = np.diag([spacing] * 3 + [1.0])
    scans = [
        Volume(rng.uniform(0, 90, (SIZE,) * 3), affine, path=f"p{k:02d}_{domain}.nii")
        for k in patients
    ]
    return VolumeImages(scans, Preprocessing([step()], Slices(plane)), domain, verbose=0)


@pytest.mark.parametrize(
    "door", ["model.evaluate", "validation_data", "paired", "fit", "UnpairedDataset"]
)
def test_a_and_b_in_each_others_place(model, door):
    doors = {
        **DOORS,
        "fit": lambda model, a, b: model.fit(a, b, verbose=0),
        "UnpairedDataset": lambda model, a, b: UnpairedDataset(a, b),
    }
    with pytest.raises(ValueError, match=r"prepared as domain 'b' and as domain 'a'\. Swap"):
        doors[door](model, prepared(domain="b"), prepared(domain="a"))


def test_two_preprocessings_of_a_and_b():
    with pytest.warns(UserWarning, match="must be cut alike.*'axial'.*'sagittal'"):
        UnpairedDataset(prepared(), prepared(domain="b", plane="sagittal"))
    with pytest.warns(UserWarning, match="in the same training"):
        UnpairedDataset(prepared(), prepared(domain="b", spacing=2.0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patients": (2, 3)}, "`validation_data` has 1 patients of the training, such as 'p2'"),
        ({"plane": "sagittal"}, "another preprocessing, with other plane"),
        ({"step": ZScore}, "another preprocessing, with other steps"),
        ({"spacing": 2.0}, "in the same training"),
    ],
)
def test_validation_is_compared_with_the_training(model, arguments, message):
    training = UnpairedDataset(prepared(), prepared(domain="b"))
    arguments = {"patients": (3, 4), **arguments}
    validation = [prepared(domain=domain, **arguments) for domain in "ab"]
    with pytest.warns(UserWarning, match=message):
        sources.compare_with_validation(training, validation)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        right = [prepared((3, 4), domain=domain) for domain in "ab"]
        sources.compare_with_validation(training, right)


@pytest.mark.parametrize("known", [(0, 1), (0,), (1,)])
def test_a_patient_in_several_groups_is_warned_of(known):
    images = [called("p{:02d}", (1, 2)), called("P{:d}", (1, 2))]
    pairs = [side if k in known else np.asarray(side) for k, side in enumerate(images)]

    def score(groups):
        kmc.evaluate(None, *pairs, groups=groups, metrics=("mae",), resamples=0)

    patients = np.repeat([7, 9], SLICES)
    for groups in (np.roll(patients, 1), np.arange(2 * SLICES).astype(str)):
        with pytest.warns(UserWarning, match="image 0 in group .*, image 1 in .*'[pP]0?1'") as told:
            score(groups)
        assert sum("`groups`" in str(one.message) for one in told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for groups in (patients, patients[::-1], np.zeros_like(patients), None):
            score(groups)


def at(*places, turn=0.0, name="p{:02d}"):
    """Scans of patients, each at a place and turned about the head's axis."""
    rng, scans = np.random.default_rng(0), []
    for number, place in enumerate(places):
        affine = np.eye(4)
        affine[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
        affine[:3, 3] = place
        path = name.format(number) + ".nii"
        scans.append(Volume(rng.uniform(0, 90, (SIZE, SIZE, SLICES)), affine, path=path))
    return VolumeImages(scans, Preprocessing([MinMax()], Slices()), verbose=0)


@pytest.mark.parametrize("door", DOORS)
def test_scans_at_different_places_are_warned_of(model, door):
    first = at((0, 0, 0), (5, 5, 5))
    for second in (at((0, 0, 0), (5, 5, 7)), at((0, 0, 0), (5, 5, 5), turn=0.2)):
        with pytest.warns(UserWarning, match=r"up to .* mm from those of scan") as told:
            DOORS[door](model, first, second)
        assert sum("mm from" in str(one.message) for one in told) == 1


@pytest.mark.parametrize("door", ["model.evaluate", "kmc.evaluate", "paired"])
def test_scans_at_the_same_place_are_not(model, door):
    first, second = at((0, 0, 0), (5, 5, 5)), at((0, 0, 0.3), (5, 5, 5))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*mm from")
        DOORS[door](model, first, second)
        DOORS[door](model, first, np.asarray(at((9, 9, 9), (9, 9, 9))))
