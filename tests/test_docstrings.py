"""Every example in a docstring runs and shows what it says."""

import doctest
import importlib
from pathlib import Path

import pytest

import keras_mri_cyclegan

pytestmark = pytest.mark.usefixtures("small_networks")
PACKAGE = Path(keras_mri_cyclegan.__file__).parent
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples(name):
    module = importlib.import_module(name.removesuffix(".__init__"))
    results = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("name", keras_mri_cyclegan.__all__)
def test_everything_public_is_documented(name):
    public = getattr(keras_mri_cyclegan, name)
    names = [public, *(getattr(public, inner) for inner in getattr(public, "__all__", []))]
    assert all((thing.__doc__ or "").strip() for thing in names if callable(thing))
