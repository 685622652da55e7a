"""Every example in a docstring runs and shows what it says."""

import doctest
import importlib
import pkgutil

import keras
import pytest

import keras_mri_cyclegan

pytestmark = pytest.mark.usefixtures("quick_curves")
OTHER_BACKENDS = {"tensorflow", "jax", "torch"} - {keras.backend.backend()}
MODULES = [
    module.name
    for module in pkgutil.walk_packages(keras_mri_cyclegan.__path__, "keras_mri_cyclegan.")
    if not (
        module.name.startswith("keras_mri_cyclegan.cyclegan.backends.")
        and module.name.rsplit(".", 1)[1].split("_")[0] in OTHER_BACKENDS
    )
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    results = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0


@pytest.mark.parametrize("name", keras_mri_cyclegan.__all__)
def test_everything_public_is_documented(name):
    public = getattr(keras_mri_cyclegan, name)
    names = [public, *(getattr(public, inner) for inner in getattr(public, "__all__", []))]
    assert all((thing.__doc__ or "").strip() for thing in names if callable(thing))
