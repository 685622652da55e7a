"""Label tables, on numbers and on the label maps beside the repository where there are some."""

import pathlib

import numpy as np
import pytest

from keras_mri_cyclegan.simulation import LABEL_TABLES, TISSUES, label_table
from keras_mri_cyclegan.simulation.labels import to_tissues
from keras_mri_cyclegan.volumes import read_volume

LABEL_MAPS = pathlib.Path(__file__).parents[2] / ".." / "shared" / "data" / "labels"


@pytest.mark.parametrize("name", LABEL_TABLES)
def test_tables_name_known_tissues(name):
    table = label_table(name)
    assert set(table.values()) <= {"air", *TISSUES}
    assert table[0] == "air"
    assert table is not label_table(name)  # a copy that may be changed


@pytest.mark.parametrize(
    ("left", "right"), [(2, 41), (3, 42), (4, 43), (7, 46), (8, 47), (10, 49), (11, 50), (12, 51)]
)
def test_freesurfer_left_is_right(left, right):
    table = label_table("freesurfer")
    assert table[left] == table[right]


def test_to_tissues():
    found = to_tissues(np.array([[0, 2, 515], [24, 514, 4]], "uint16"), "synthseg")
    names = [["air", "white_matter", "bone"], ["csf", "blood", "ventricle"]]
    expected = [[0 if n == "air" else 1 + TISSUES.index(n) for n in row] for row in names]
    assert found.dtype == np.uint8
    assert found.tolist() == expected


def test_charm_in_its_own_names():
    """SimNIBS: `charm_atlas_mni/compressionLookupTable.txt`."""
    table = label_table("charm")
    assert {table[label] for label in (501, 517)} == {"air"}  # Air-Internal, Background
    assert {table[label] for label in (502, 514)} == {"blood"}  # Artery, Vein
    assert [table[label] for label in (506, 507, 508)] == ["vitreous", "soft_tissue", "muscle"]
    assert [table[label] for label in (509, 511, 512)] == ["mucosa", "skin", "nerve"]
    assert [table[label] for label in (515, 516, 520, 530)] == ["bone", "marrow", "csf", "nerve"]


@pytest.mark.slow
@pytest.mark.skipif(
    not LABEL_MAPS.is_dir(), reason="no ../shared/data/labels beside the repository"
)
def test_synthseg_numbers_the_choroid_plexus_by_the_ventricle_it_lies_in():
    labels = read_volume(LABEL_MAPS / "head_01.nii.gz").array
    assert not np.isin(labels, (31, 63)).any()
    for plexus, ventricle in ((136, 4), (137, 5), (163, 43), (164, 44)):
        inside = labels == plexus
        around = np.zeros_like(inside)
        for axis in range(3):
            around |= np.roll(inside, 1, axis) | np.roll(inside, -1, axis)
        neighbours = np.bincount(labels[around & ~inside].astype(int))
        assert neighbours.argmax() == ventricle


def test_own_table_and_large_labels():
    found = to_tissues([0, 5_000_000], {5_000_000: "csf"})
    assert found.tolist() == [0, 1 + TISSUES.index("csf")]


def test_unknown_labels_are_named():
    with pytest.raises(ValueError, match=r"does not have: \[6, 9999\]"):
        to_tissues([2, 6, 9999], "freesurfer")


@pytest.mark.parametrize(
    ("labels", "table", "message"),
    [
        ([0.5], "freesurfer", "whole numbers"),
        ([-1], "freesurfer", "whole numbers"),
        ([], "freesurfer", "whole numbers"),
        ([1], "freesurf", "`table` must be one of"),
        ([1], {}, "`table` must be"),
        ([1], {1: "gray"}, "not known: 'gray'"),
        ([1], {"1": "csf"}, "integers of at least 0"),
        ([1], {-1: "csf"}, "integers of at least 0"),
    ],
)
def test_bad_labels_and_tables(labels, table, message):
    with pytest.raises(ValueError, match=message):
        to_tissues(labels, table)


@pytest.mark.slow
@pytest.mark.skipif(
    not LABEL_MAPS.is_dir(), reason="no ../shared/data/labels beside the repository"
)
def test_the_table_is_complete_for_all_label_maps():
    paths = sorted(LABEL_MAPS.glob("head_*.nii.gz"))
    assert len(paths) == 20
    for path in paths:
        tissues = to_tissues(read_volume(path).array, "synthseg")
        share = np.bincount(tissues.ravel(), minlength=len(TISSUES) + 1) / (tissues > 0).sum()
        assert share[1 + TISSUES.index("white_matter")] > 0.05
        assert share[1 + TISSUES.index("grey_matter")] > 0.05
