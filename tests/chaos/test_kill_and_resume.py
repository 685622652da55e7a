"""A few kills; `python tests/chaos/kill_and_resume.py --kills 100` does more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize(
    ("kills", "options"),
    [
        (1, ["--epochs", "1", "--eagerly"]),
        pytest.param(3, ["--epochs", "3"], marks=pytest.mark.slow),
    ],
)
def test_a_training_that_is_killed_ends_with_the_same_weights(kills, options):
    script = Path(__file__).with_name("kill_and_resume.py")
    result = subprocess.run(
        [sys.executable, script, "--kills", str(kills), *options],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert f": {kills} kills" in result.stdout
    assert "0 of them with other weights; 0 could not be resumed" in result.stdout
