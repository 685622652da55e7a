import warnings

import dicom_files
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_mri_cyclegan._notices import ScanWarning
from keras_mri_cyclegan.data import split_by_patient
from keras_mri_cyclegan.data.patients import known_patients, patient_from_path
from keras_mri_cyclegan.volumes import Volume, read_volumes

# T1 and T2 of three people with two visits or several series each, as public data sets name them.
VISITS = {
    "visits": ("v{visit}_p{k}_{name}.nii", "p{k}"),
    "BIDS": ("sub-{k}/ses-{visit}/anat/sub-{k}_ses-{visit}_{name}w.nii.gz", "sub-{k}"),
    "series": ("p{k:02d}/000{visit}", "p{k:02d}"),
    "series of each contrast": ("p{k:02d}/{name}/{visit}", "p{k:02d}"),
    "dcm2niix": ("p{k}_{name}_2024010{visit}120000_{visit}.nii.gz", "p{k}"),
    "dcm2niix by series": ("p{k}/{visit}_{name}_mprage.nii.gz", "p{k}"),
    "date first": ("2024010{visit}_p{k}_{name}.nii.gz", "p{k}"),
    "BraTS": ("BraTS-GLI-0000{k}-00{visit}-{name}.nii.gz", "BraTS-GLI-0000{k}"),
    "OASIS": ("OAS2_000{k}_MR{visit}_{name}.nii.gz", "OAS2_000{k}"),
    "OASIS-3": ("OAS3000{k}_MR_d012{visit}_{name}.nii.gz", "OAS3000{k}"),
    "ADNI": ("ADNI/002_S_000{k}/{name}/2006-04-1{visit}/I{visit}{k}", "002_S_000{k}"),
    "UPENN": ("UPENN-GBM-0000{k}_{visit}1_{name}.nii.gz", "UPENN-GBM-0000{k}"),
}


@pytest.mark.parametrize("names", VISITS)
def test_all_visits_and_series_of_a_patient_are_on_one_side(names):
    form, patient = VISITS[names]
    a, b = (
        [form.format(k=k, visit=visit, name=name) for k in range(6) for visit in visits]
        for name, visits in (("T1", (1, 2)), ("T2", (3, 4)))
    )
    training, validation = split_by_patient(a, b, 0.34, seed=0)
    held_out = set().union(*map(patients, validation))
    assert len(held_out) == 2
    assert held_out.isdisjoint(set().union(*map(patients, training)))
    assert held_out <= {patient.format(k=k) for k in range(6)}


def test_numbers_below_several_folders_may_be_series():
    a, b = ([f"{folder}/{k}" for folder in ("TCIA_17", "TCIA_21")] for k in (3, 5))
    with pytest.raises(ValueError, match=r"`patient` must say whose scan `TCIA_17/3` is"):
        split_by_patient(a, b)
    for folders in (("dicom_2024", "dicom_2024"), ("T1w", "T2w")):  # numbers of patients
        a, b = ([f"{folder}/{k}" for k in range(4)] for folder in folders)
        if folders[0] != folders[1]:
            assert split_by_patient(a, b, 0.5, seed=0)
        else:
            assert patient_from_path(a[0]) == "0"


@pytest.mark.parametrize("folders", [("images_t1", "images_t2"), ("IXI_T1", "x1"), ("3T", "7T")])
def test_numbers_in_one_folder_of_each_domain_are_patients(folders):
    a, b = ([f"{folder}/{k:03d}.nii.gz" for k in range(4)] for folder in folders)
    training, validation = split_by_patient(a, b, 0.5, seed=0)
    assert patients(training[0]) == patients(training[1])
    assert patients(validation[0]).isdisjoint(patients(training[0]))


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
        ("v1_p0_t1.nii.gz", "p0"),
        ("v2_P0_t1.nii.gz", "P0"),
        ("v01_t1.nii.gz", "v01"),  # a volunteer
        ("v1_001_t1.nii.gz", None),
        ("ses1_T1.nii.gz", None),
        ("20240103_p01_t1.nii.gz", "p01"),
        ("20240103120000_t1.nii.gz", None),
        ("baseline_t1.nii.gz", None),
        ("p03/0003", "p03"),
        ("p03/0005", "p03"),
        ("dicom/0005", "0005"),
        ("patient_12/t1/3", "patient_12"),
        ("p07/visit2/t1.nii.gz", "p07"),
        ("p07/20240103_t1.nii.gz", "p07"),
        ("IXI002_t1_mprage_sag_p2_iso_3.nii.gz", "IXI002"),
        ("BraTS20_Training_001/BraTS20_Training_001_t1.nii", "BraTS20_Training_001"),
        ("BraTS2021_00017/BraTS2021_00017_flair.nii.gz", "BraTS2021_00017"),
        ("BraTS-GLI-00005-000/BraTS-GLI-00005-000-t1c.nii.gz", "BraTS-GLI-00005"),
        ("BraTS-GLI-00005-001/BraTS-GLI-00005-001-t1c.nii.gz", "BraTS-GLI-00005"),
        ("BraTS19_CBICA_AAB_1/BraTS19_CBICA_AAB_1_t1.nii.gz", "BraTS19_CBICA_AAB"),
        ("UCSF-PDGM-0431_FU001d_nifti/UCSF-PDGM-0431_FU001d_T1.nii.gz", "UCSF-PDGM-0431"),
        ("UPENN-GBM-00002_21/UPENN-GBM-00002_21_T1.nii.gz", "UPENN-GBM-00002"),
        ("TCGA-02-0006/08-23-1996-MRI/3.000000-AX T1-12345", "TCGA-02-0006"),
        ("OAS1_0001_MR2/RAW/OAS1_0001_MR2_mpr-1_anon.img", "OAS1_0001"),
        ("OAS30001_MR_d0129_T1w.nii.gz", "OAS30001"),
        ("sub-OAS30001_ses-d0129_T1w.nii.gz", "sub-OAS30001"),
        ("ADNI/002_S_0295/MPRAGE/2006-04-18/I45108", "002_S_0295"),
        ("ADNI_002_S_0295_MR_MPR_Br_20070217_S13408_I45108.nii", "002_S_0295"),
        ("100307_3T_T1w_MPR1.nii.gz", "100307"),
        ("HCA6002236_V1_MR/T1w.nii.gz", None),
        ("miriad_188_AD_M_02_MR_1.nii", "miriad_188"),
        ("1000015_20252_2_0.nii.gz", "1000015"),
        ("07/T1.nii.gz", None),
        ("T2w_001.nii", None),
        ("Brain-7.nii", None),
        ("mrs1_t1.nii", "mrs1"),
        ("P003_T1/", "P003"),
        ("dicom/P003-visit1::1.2.3", "P003"),
        ("my-study/knee7.h5::reconstruction_rss", "knee7"),
        ("pre_p01.nii", "p01"),
        ("left_p2.nii", "p2"),
        ("t0_p01.nii", "p01"),
        ("m12_p01.nii", "p01"),
        ("rep1-p01.nii", "p01"),
        ("2020-01-02_p01.nii", "p01"),
        ("2020-01-02_t1.nii", None),
        ("p01/pre_t1.nii", "p01"),
        ("p01/SAG_t1", "p01"),
        ("Patient 01/Ax_t1", "Patient 01"),
        ("IXI002_p2_t1.nii.gz", "IXI002"),
        ("IXI002_p07_t1.nii.gz", "IXI002"),
        ("A1_p01_t1.nii", "p01"),
        ("3T-p12-t1.nii", "p12"),
        ("C3_sub12.nii", "sub12"),
        ("p02_id3_t1.nii", "p02"),
        ("A01_p2_t1.nii", "A01"),
        ("smith_t1_mprage_sag_p2.nii", "smith"),
        ("p01/IXI002_t1.nii", "IXI002"),
        ("_odd.nii", "_odd.nii"),
        ("subject-3.nii", "subject"),
    ],
)
def test_whose_a_file_is_by_default(path, patient):
    assert patient_from_path(path) == patient


@pytest.mark.parametrize("form", ["smith_p{}_{}.nii", "A1_p{}_{}.nii.gz"])
def test_p2_is_a_person_among_others_and_an_acceleration_where_all_have_it(form):
    sides = [[form.format(k, name) for k in (1, 2, 3, 5)] for name in ("t1", "t2")]
    assert known_patients(sides[0], None) == ["p1", "p2", "p3", "p5"]
    training, validation = split_by_patient(*sides, ["p2"])
    assert [len(side) for side in (*training, *validation)] == [3, 3, 1, 1]
    alike = [form.replace("smith", who).replace("A1", who).format(2, "t1") for who in ("C4", "ann")]
    assert known_patients(alike, None) == ["C4", "ann"]


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


@pytest.mark.parametrize(
    ("one", "other"), [("p{}", "P{}"), ("{:03d}", "{}"), ("sub-0{}", "sub-{}")]
)
def test_a_patient_in_two_spellings_is_one(one, other):
    a, b = ([f"{name.format(k)}_t{c}.nii" for k in range(4)] for c, name in ((1, one), (2, other)))
    for validation in (0.5, [one.format(1), one.format(2)]):
        training, held_out = split_by_patient(a, b, validation, seed=0)
        assert [a.index(path) for path in training[0]] == [b.index(path) for path in training[1]]
        assert len(held_out[0]) == len(held_out[1]) == 2


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


def study(folder, ids):
    """DICOM scans of one PatientID each, in folders that are called after patients 0, 1, ..."""

    def scan(number, patient):
        def change(dataset, index):
            dataset.PatientID = patient

        path = folder / f"p{number}"
        path.parent.mkdir(exist_ok=True)
        return str(dicom_files.series(path, dicom_files.scan((2, 7, 6)), change))

    return [scan(number, patient) for number, patient in enumerate(ids)]


@pytest.mark.parametrize("in_memory", [False, True])
def test_one_patient_id_by_two_names_is_warned_of(tmp_path, in_memory):
    a = study(tmp_path / "a", ["X", "Y", "X", ""])
    b = study(tmp_path / "b", ["X", "Y", "Z", ""])
    if in_memory:
        a, b = map(list, map(read_volumes, (a, b)))
    with pytest.warns(ScanWarning, match=r"(?s)/p2` is in the .*/p0` in .* the PatientID 'X'") as w:
        split_by_patient(a, b, ["p0", "p1", "p3"])
    assert len(w) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        split_by_patient(a, b, ["p0", "p2"])


@pytest.mark.filterwarnings("error")
def test_an_id_of_all_scans_is_an_anonymiser(tmp_path):
    sides = [study(tmp_path / name, [f"anonymous {name}"] * 3) for name in "ab"]
    split_by_patient(*sides, 0.34, seed=0)
    split_by_patient(study(tmp_path / "c", ["X"] * 3), sides[0], 0.34, seed=0)
