"""Rician noise."""

import numpy as np

# The Gaussian noise of each of the two receiver channels is redrawn beyond this many standard
# deviations (one sample in 16,000), so that the brightest possible pixel is known in advance.
NOISE_LIMIT = 4.0


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
