"""Tissues from 0.5 to 7 T against the papers' numbers and order."""

import pathlib
import re

import numpy as np
import pytest

from keras_mri_cyclegan.datasets import phantom
from keras_mri_cyclegan.simulation import TISSUES, effective_t2, tissue_properties

FIELDS = (0.5, 1.0, 1.5, 3.0, 7.0)


@pytest.mark.parametrize("field", FIELDS)
def test_every_tissue_is_possible(field):
    tissues = tissue_properties(field)
    assert tuple(tissues) == tuple(name for name in TISSUES if name != "soft_tissue")
    for tissue in tissues.values():
        assert 0 < tissue.t2 < tissue.t1
        assert 0 < tissue.pd <= 1


@pytest.mark.parametrize("field", FIELDS)
def test_order_of_relaxation_times(field):
    t = tissue_properties(field)
    assert t["fat"].t1 < t["white_matter"].t1 < t["grey_matter"].t1 < t["csf"].t1
    assert t["white_matter"].t1 < t["brain_stem"].t1 < t["thalamus"].t1
    assert t["bone"].t2 < t["pallidum"].t2 < t["white_matter"].t2 < t["grey_matter"].t2
    assert t["grey_matter"].t2 < t["lesion"].t2 < t["csf"].t2
    assert t["white_matter"].t1 < t["tumour"].t1 < t["oedema"].t1 < t["csf"].t1


def test_wright_2008_and_yacoub_2003():
    """T1 in ms at 1.5, 3 and 7 T; T2 at 7 T."""
    for name, times in {
        "white_matter": (646, 838, 1126),
        "grey_matter": (1197, 1607, 1939),
        "putamen": (1084, 1332, 1644),
        "caudate": (1109, 1395, 1684),
    }.items():
        assert tuple(tissue_properties(b)[name].t1 for b in (1.5, 3.0, 7.0)) == times
    assert tissue_properties(7.0)["grey_matter"].t2 == 55.0
    assert tissue_properties(7.0)["white_matter"].t2 == 45.9


def test_rooney_2007_between_and_beyond_the_measurements():
    """T1 of white matter is 0.71 ms * (42.58e6 B0)**0.382, fitted from 0.2 to 7 T."""
    for field in (0.5, 1.0, 2.0, 4.0, 7.0):
        expected = 0.71 * (42.58e6 * field) ** 0.382
        assert tissue_properties(field)["white_matter"].t1 == pytest.approx(expected, rel=0.1)


def test_t2_does_not_grow_below_measurements():
    low, usual = tissue_properties(0.5), tissue_properties(1.5)
    for name in TISSUES:
        if name != "soft_tissue":
            assert low[name].t2 == pytest.approx(usual[name].t2)
            assert low[name].t1 <= usual[name].t1 * (1 + 1e-12)


def test_properties_do_not_jump_at_a_measurement():
    for field in (1.5, 3.0):
        below, above = tissue_properties(field - 1e-6), tissue_properties(field + 1e-6)
        for name, tissue in tissue_properties(field).items():
            np.testing.assert_allclose(below[name], tissue, rtol=1e-5)
            np.testing.assert_allclose(above[name], tissue, rtol=1e-5)


def test_effective_t2_at_1_5_t_is_brainwebs_and_at_7_t_peters():
    """Kwan et al. 1999: 69 and 61 ms; Peters et al., Magn. Reson. Imaging 25 (2007): 33 and 27."""
    assert effective_t2(1.5)["grey_matter"] == pytest.approx(69)
    assert effective_t2(1.5)["white_matter"] == pytest.approx(61)
    assert effective_t2(7.0)["grey_matter"] == pytest.approx(33.2, rel=0.1)
    assert effective_t2(7.0)["white_matter"] == pytest.approx(26.8, rel=0.25)
    for name, star in effective_t2(3.0).items():
        assert star < tissue_properties(3.0)[name].t2


def test_effective_t2_of_the_nuclei_is_gelmans():
    """Gelman et al. 1999, 3 T: R2 + R2' is 25.8/s + 12.0/s in the globus pallidus."""
    star = effective_t2(3.0)
    assert star["pallidum"] == pytest.approx(1000 / (25.8 + 12.0))
    assert star["pallidum"] < star["putamen"] < star["caudate"] < star["thalamus"]
    assert star["thalamus"] < effective_t2(1.5)["thalamus"]


@pytest.mark.parametrize("field", [1.5, 3.0])
def test_the_phantom_has_the_same_tissues(field):
    ours = tissue_properties(field)
    for name, tissue in phantom.tissue_properties(field).items():
        assert tissue == ((0, 0, 0) if name in ("air", "bone") else ours[name])


@pytest.mark.parametrize("field", [0, 0.4, 7.1, "3", True, None, float("nan")])
def test_unknown_field_strength(field):
    with pytest.raises(ValueError, match=r"`field_strength`.*Received"):
        tissue_properties(field)


def test_the_documented_table_is_the_code():
    page = pathlib.Path(__file__).parents[2] / "docs" / "concepts" / "heads.md"
    rows = re.findall(
        r"^\| (`\w+`.*?) \|(.*?)\|(.*?)\|(.*?)\|(.*?)\|", page.read_text("utf-8"), re.M
    )
    found = set()
    for names, *cells, pd in rows:
        if not re.fullmatch(r"[\d.]+", pd.strip()):
            continue  # of another table
        for name in re.findall(r"`(\w+)`", names):
            found.add(name)
            for field, cell in zip((1.5, 3.0, 7.0), cells, strict=True):
                tissue = tissue_properties(field)[name]
                assert tissue.pd == pytest.approx(float(pd), abs=0.01)
                if cell.strip():
                    t1, t2 = map(float, cell.split(","))
                    assert tissue.t1 == pytest.approx(t1, rel=0.002), name
                    assert tissue.t2 == pytest.approx(t2, rel=0.005), name
    assert found == set(tissue_properties())
