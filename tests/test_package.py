import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import keras_mri_cyclegan

ROOT = Path(__file__).parents[1]
# Packages whose module has another name.
MODULES = {"pillow": "PIL", "scikit-image": "skimage"}


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_version_is_that_of_the_package():
    assert keras_mri_cyclegan.__version__ == importlib.metadata.version("keras-mri-cyclegan")


@pytest.mark.backend
def test_import_adds_nothing_heavy_to_keras_and_prints_nothing():
    """Beyond what `import keras` does by itself: no module of weight, and not a word."""
    report = run(
        "import contextlib, io, sys\n"
        "import keras, h5py\n"
        "before = set(sys.modules)\n"
        "words = io.StringIO()\n"
        "with contextlib.redirect_stdout(words), contextlib.redirect_stderr(words):\n"
        "    import keras_mri_cyclegan\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names)), repr(words.getvalue()))\n"
    )
    assert report.stdout.strip() == "['keras_mri_cyclegan'] ''"


def test_the_package_imports_what_it_installs():
    """D2, D3: highdicom and imageio were dependencies of users for the sake of the tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [project["dependencies"], *(extras[name] for name in ("dicom", "preprocessing"))]
    names = [re.split(r"[><=\[ ]", line)[0] for lines in wanted for line in lines]
    source = "\n".join(path.read_text("utf-8") for path in ROOT.glob("keras_mri_cyclegan/**/*.py"))
    imported = set(re.findall(r"^ *(?:from|import) (\w+)", source, re.M))
    imported |= set(re.findall(r"require\(\s*\"(\w+)", source))
    assert {MODULES.get(name, name.replace("-", "_")) for name in names} <= imported
