"""Motion in k-space against shifts that are known."""

import numpy as np
import pytest

from keras_mri_cyclegan.simulation import motion_ghosts
from keras_mri_cyclegan.simulation.ghosts import draw_path

IMAGE = np.pad(np.random.default_rng(0).random((20, 24)).astype("float32"), 6)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shift", [0, 3, -2])
def test_a_constant_path_is_a_shift(axis, shift):
    path = np.full(IMAGE.shape[axis], float(shift))
    found = motion_ghosts(IMAGE, path, axis)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.roll(IMAGE, shift, axis), atol=1e-5)


def test_against_every_line_of_its_own():
    """Line by line of the discrete Fourier transform of a shifted head."""
    n = IMAGE.shape[0]
    path = np.random.default_rng(1).integers(-2, 3, n).astype(float)
    line = np.zeros((n, IMAGE.shape[1]), complex)
    frequencies = np.arange(n) - n // 2
    for k, (frequency, shift) in enumerate(zip(frequencies, path, strict=True)):
        moved = np.roll(IMAGE, int(shift), 0)
        line[k] = (moved * np.exp(-2j * np.pi * frequency * np.arange(n) / n)[:, None]).sum(0)
    expected = (
        np.abs(
            (
                line[:, None]
                * np.exp(2j * np.pi * frequencies[:, None] * np.arange(n) / n)[..., None]
            ).sum(0)
        )
        / n
    )
    np.testing.assert_allclose(motion_ghosts(IMAGE, path, 0), expected, atol=1e-4)


def test_to_and_fro_makes_ghosts_at_the_distance_of_its_frequency():
    image = np.zeros((64, 8), "float32")
    image[32] = 1
    path = 1.0 * np.sin(2 * np.pi * 8 * np.arange(64) / 64)
    found = motion_ghosts(image, path, 0)[:, 0]
    ghosts = found.copy()
    ghosts[29:36] = 0
    assert ghosts.max() > 0.05
    assert abs(int(ghosts.argmax()) - 32) % 8 <= 1 or abs(int(ghosts.argmax()) - 32) % 8 >= 7


def test_drawn_paths_stay_within_their_amplitude():
    rng = np.random.default_rng(2)
    for _ in range(50):
        path = draw_path(64, 1.5, rng)
        assert path.shape == (64,)
        assert 0 < np.abs(path).max() <= 1.5 + 1e-9
