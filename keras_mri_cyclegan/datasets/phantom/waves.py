"""Smooth random functions of the position: what makes one head differ from the next."""

import numpy as np


class Waves:
    """A random field in space with about one wavelength: a sum of plane sine waves.

    It has zero mean and unit variance over space, is known at every point without a grid (so
    that all resolutions see the same head), and its gradient is known as well.

    Args:
        rng: `numpy.random.Generator` that draws directions, wavelengths and phases.
        wavelength: Mean wavelength in mm.
        count: Number of sine waves.
        spread: Relative spread of the wavelengths around the mean.
    """

    def __init__(self, rng: np.random.Generator, wavelength: float, count: int, spread=0.15):
        direction = rng.normal(size=(count, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        lengths = wavelength * (1.0 + spread * rng.uniform(-1.0, 1.0, size=(count, 1)))
        self.wave_vectors = (2.0 * np.pi / lengths * direction).astype("float32")
        self.phases = rng.uniform(0.0, 2.0 * np.pi, size=(count, 1)).astype("float32")
        self.amplitude = np.float32(np.sqrt(2.0 / count))

    def _angles(self, points: np.ndarray) -> np.ndarray:
        return self.wave_vectors @ points + self.phases

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """The field at `points` (3, n) in mm: (n,)."""
        return self.amplitude * np.sin(self._angles(points)).sum(axis=0)

    def with_gradient(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The field (n,) and its gradient per mm (3, n) at `points` (3, n)."""
        angles = self._angles(points)
        gradient = self.amplitude * (self.wave_vectors.T @ np.cos(angles))
        return self.amplitude * np.sin(angles).sum(axis=0), gradient
