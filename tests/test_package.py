import importlib.metadata
import subprocess
import sys

import pytest

import keras_mri_cyclegan


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
