import sys

import pytest

from keras_mri_cyclegan._extras import require


def test_returns_the_module():
    assert require("json", extra="tensorflow") is sys.modules["json"]
    assert require("importlib.metadata", extra="x") is sys.modules["importlib.metadata"]


@pytest.mark.parametrize("name", ["tensorflow", "tensorflow.data"])
def test_missing_package_names_the_extra(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(
        ImportError, match=r'pip install "keras-mri-cyclegan\[tensorflow\]"'
    ) as info:
        require(name, extra="tensorflow")
    assert info.value.name == name


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import a_dependency_that_is_not_there", "a_dependency_that_is_not_there"),
        ("raise ImportError('shared library missing')", "shared library missing"),
    ],
)
def test_broken_package_keeps_its_own_error(tmp_path, monkeypatch, source, message):
    (tmp_path / "kmc_broken_package.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=message) as info:
        require("kmc_broken_package", extra="tensorflow")
    assert "keras-mri-cyclegan" not in str(info.value)
