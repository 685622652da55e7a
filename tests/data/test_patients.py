import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_mri_cyclegan.data import split_by_patient
from keras_mri_cyclegan.data.patients import patient_from_path
from keras_mri_cyclegan.volumes import Volume


@pytest.mark.parametrize(
    ("path", "patient"),
    [
        ("sub-01/anat/sub-01_ses-02_T1w.nii.gz", "sub-01"),
        ("study/sub-A1/T1w.nii.gz", "sub-A1"),
        ("bids_sub-03/derivatives/x_sub-12_T1w.nii", "sub-12"),
        (r"C:\study\sub-07\t1.nii", "sub-07"),
        ("ixi/IXI002-Guys-0828-T1.nii.gz", "IXI002"),
        ("t1/012.nii.gz", "012"),
        ("p02 T1.nii.gz", "p02"),
        ("ses1_p02_T1.nii.gz", None),
        ("07/T1.nii.gz", None),
        ("T2w_001.nii", None),
        ("Brain-7.nii", None),
        ("mrs1_t1.nii", "mrs1"),
        ("P003_T1/", "P003"),
        ("dicom/P003-visit1::1.2.3", "P003"),
        ("my-study/knee7.h5::reconstruction_rss", "knee7"),
        ("_odd.nii", "_odd.nii"),
        ("subject-3.nii", "subject"),
    ],
)
def test_whose_a_file_is_by_default(path, patient):
    assert patient_from_path(path) == patient


@st.composite
def studies(draw):
    """Files of A and of B of some patients each, some of them in both, in any order."""

    def side(name):
        ids = draw(st.sets(st.integers(0, 12), min_size=2, max_size=12))
        files = [f"p{k}_{name}_{n}.nii" for k in ids for n in range(draw(st.integers(1, 3)))]
        return draw(st.permutations(files))

    return side("t1"), side("t2")


def patients(paths):
    return {patient_from_path(path) for path in paths}


@settings(max_examples=150, deadline=None)
@given(studies(), st.floats(0.01, 0.99), st.integers(0, 5), st.randoms())
def test_no_patient_is_on_both_sides(study, share, seed, random):
    a, b = study
    training, validation = split_by_patient(a, b, share, seed=seed)
    seen = patients(training[0]) | patients(training[1])
    held_out = patients(validation[0]) | patients(validation[1])
    assert not seen & held_out
    for given_, kept, out in zip(study, training, validation, strict=True):
        assert kept
        assert out
        assert sorted(kept + out) == sorted(given_)
        assert kept == [path for path in given_ if path in kept]  # in the given order
    # As many as asked for, but for the rounding of three groups and a patient for each side.
    assert abs(len(held_out) - share * len(seen | held_out)) <= 1.5 + 2
    shuffled = [list(side) for side in study]
    for side in shuffled:
        random.shuffle(side)
    again = split_by_patient(*shuffled, share, seed=seed)
    assert patients(again[1][0]) == patients(validation[0])


def test_every_patient_is_held_out_equally_often():
    t1 = [f"{k}_t1.nii" for k in range(10)]
    t2 = [f"{k}_t2.nii" for k in range(10)]
    counts = np.zeros(10)
    for seed in range(500):
        _, (a, b) = split_by_patient(t1, t2, 0.3, seed=seed)
        assert len(a) == len(b) == 3
        counts[[int(patient) for patient in patients(a)]] += 1
    assert np.abs(counts - 150).max() < 4 * np.sqrt(500 * 0.3 * 0.7)


def test_a_rule_of_ones_own():
    scans = [Volume(np.arange(8.0).reshape(2, 2, 2), np.eye(4)) for _ in range(4)]
    owner = {id(scan): number // 2 for number, scan in enumerate(scans)}
    training, validation = split_by_patient(
        scans[::2], scans[1::2], 0.5, patient=lambda scan: owner[id(scan)], seed=0
    )
    assert [len(side) for side in (*training, *validation)] == [1, 1, 1, 1]
    assert owner[id(training[0][0])] == owner[id(training[1][0])]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"a": ["p1_t1.nii", "p1_t1b.nii"]}, r"`a` must have.*two patients.*'p1'.*`patient=.*sub-"),
        ({"b": ["p1_t2.nii"]}, r"`b` must have scans of two patients"),
        ({"a": ["p1_t1.nii", "p2_t2.nii"]}, r"`a` and `b` must not share.*p2_t2.nii"),
        ({"patient": lambda path: None}, r"`patient` must say whose.*p1_t1.nii.*None"),
        ({"patient": lambda path: ""}, r"`patient` must say whose"),
        ({"a": [Volume(np.eye(2)[None], np.eye(4))] * 1}, r"`patient` must say.*without a path"),
        ({"validation": 0}, "`validation`"),
        ({"validation": 1.0}, "`validation`"),
        ({"seed": -1}, "`seed`"),
        ({"a": []}, "`a` must hold at least one"),
        ({"a": {"p1_t1.nii"}}, "`a` must be a folder"),
    ],
)
def test_bad_arguments(arguments, message):
    good = {"a": ["p1_t1.nii", "p2_t1.nii"], "b": ["p1_t2.nii", "p2_t2.nii"]}
    with pytest.raises(ValueError, match=message):
        split_by_patient(**{**good, **arguments})


def test_patients_held_out_by_name():
    t1, t2 = ([f"p{k}_{name}.nii" for k in range(4)] for name in ("t1", "t2"))
    training, validation = split_by_patient(t1, t2, ["p1", "p3"])
    assert validation == (["p1_t1.nii", "p3_t1.nii"], ["p1_t2.nii", "p3_t2.nii"])
    assert training == (["p0_t1.nii", "p2_t1.nii"], ["p0_t2.nii", "p2_t2.nii"])
    for names, message in (
        (["p9"], r"\['p9'\], of whom there is no scan"),
        ([], "one patient at least"),
        (["p0", "p1", "p2", "p3"], "leaves no scan of `a` to train on"),
    ):
        with pytest.raises(ValueError, match=message):
            split_by_patient(t1, t2, names)
