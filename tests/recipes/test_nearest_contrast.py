"""Scans have the name under which the tissue network is surest."""

import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.recipes import nearest_contrast
from keras_mri_cyclegan.recipes.heads import _told_or_nearest


@pytest.fixture(scope="module")
def scans():
    return dict(
        zip(
            ("t1", "t2"),
            kmc.datasets.load_phantom(("t1", "t2"), slices=2, size=96),
            strict=True,
        )
    )


@pytest.mark.parametrize("name", ["t1", "t2"])
def test_the_right_name_first(scans, name):
    found = nearest_contrast(scans[name])
    assert next(iter(found)) == name
    assert set(found) == {"t1", "t2", "pd", "flair"}
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_names_that_are_told(scans, recwarn):
    assert _told_or_nearest("source", "mprage", scans["t1"], "heads") == "mprage"
    assert _told_or_nearest("target", None, scans["t2"], "heads") == "t2"
    assert not [one for one in recwarn if "look like" in str(one.message)]
    with pytest.warns(UserWarning, match=r"`target` is 't1', but these scans look like 't2'"):
        assert _told_or_nearest("target", "t1", scans["t2"], "heads") == "t1"


def test_air_has_no_contrast():
    with pytest.raises(ValueError, match="must show heads"):
        nearest_contrast(np.full((2, 32, 32, 1), -1.0, "float32"))
