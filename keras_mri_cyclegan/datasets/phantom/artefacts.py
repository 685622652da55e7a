"""What a scanner adds to the picture: Rician noise and a smooth bias field."""

import numpy as np

from keras_mri_cyclegan.datasets.phantom.waves import Waves

# The Gaussian noise of each of the two receiver channels is redrawn beyond this many standard
# deviations (one sample in 16,000), so that the brightest possible pixel is known in advance.
NOISE_LIMIT = 4.0

# The bias field has wavelengths about the size of a head: the sensitivity of a receiver coil.
_BIAS_WAVELENGTH = 260.0  # mm


def bounded_normal(rng: np.random.Generator, shape: tuple) -> np.ndarray:
    """Standard normal numbers, float32, redrawn until all are within `NOISE_LIMIT`."""
    values = rng.standard_normal(shape, dtype="float32")
    outside = np.abs(values) > NOISE_LIMIT
    while outside.any():
        values[outside] = rng.standard_normal(int(outside.sum()), dtype="float32")
        outside = np.abs(values) > NOISE_LIMIT
    return values


def add_rician_noise(signal: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Magnitude of the signal after noise in the real and in the imaginary channel.

    Gudbjartsson and Patz, Magn. Reson. Med. 34 (1995) 910: the magnitude of a complex signal
    with independent Gaussian noise in both channels has a Rician distribution; in air, where
    there is no signal, that is a Rayleigh distribution of mean `sigma * sqrt(pi / 2)`.

    Args:
        signal: Signal before the magnitude, any shape.
        sigma: Standard deviation of the noise of one channel, in the units of the signal. With
            0 the result is the magnitude of `signal` alone.
        rng: `numpy.random.Generator`.

    Returns:
        The magnitude, float32, of the same shape; at most
        `hypot(|signal| + 4 sigma, 4 sigma)`.
    """
    if sigma == 0:
        return np.abs(signal)
    real = signal + np.float32(sigma) * bounded_normal(rng, signal.shape)
    imaginary = np.float32(sigma) * bounded_normal(rng, signal.shape)
    return np.hypot(real, imaginary)


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
