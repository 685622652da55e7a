"""A smooth bias field, known at every point of space."""

import numpy as np

from keras_mri_cyclegan.datasets.phantom.waves import Waves

# The bias field has wavelengths about the size of a head: the sensitivity of a receiver coil.
_BIAS_WAVELENGTH = 260.0  # mm


class BiasField:
    """A smooth field that multiplies the signal, between `1 - amplitude/2` and `1 + amplitude/2`.

    Args:
        amplitude: Peak-to-peak relative amplitude over the field of view; 0.4 is what BrainWeb
            calls 40 % intensity non-uniformity, 0.8 to 1.2.
        rng: `numpy.random.Generator`.
        lower: Corner (x, y, z) of the imaged box, in mm.
        upper: Opposite corner, in mm.
    """

    def __init__(self, amplitude: float, rng: np.random.Generator, lower, upper):
        self.amplitude = amplitude
        self.waves = Waves(rng, _BIAS_WAVELENGTH, count=6)
        axes = [np.linspace(a, b, 12) for a, b in zip(lower, upper, strict=True)]
        grid = np.stack(np.meshgrid(*axes, indexing="ij")).reshape(3, -1).astype("float32")
        samples = self.waves(grid)
        self.low, self.high = samples.min(), samples.max()

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """The field at `points` (3, n) in mm: (n,), float32."""
        unit = (self.waves(points) - self.low) / (self.high - self.low)
        # The extremes were found on a grid; between its points the field may pass them slightly.
        return np.float32(1.0) + np.float32(self.amplitude) * (np.clip(unit, 0.0, 1.0) - 0.5)
