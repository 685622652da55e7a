"""Scanner effects on an image: bias field, blur, motion and noise."""

from dataclasses import dataclass

import numpy as np

from keras_mri_cyclegan.simulation._ranges import check_ranges
from keras_mri_cyclegan.simulation.blur import blur
from keras_mri_cyclegan.simulation.ghosts import draw_path, motion_ghosts
from keras_mri_cyclegan.simulation.smooth_field import smooth_field


@dataclass(frozen=True)
class Scanner:
    """Ranges of what a scanner adds, drawn anew for each image.

    Args:
        gain: What the image is multiplied by, as the intensity that is scaled to 1 differs a little
            from scan to scan. Defaults to `(1, 1)`.
        gamma: Power that the intensities are raised to, relative to bright tissue: what the signal
            equations do not know of a scanner. Defaults to `(1, 1)`.
        blur: Standard deviation of the point spread function in pixels. Defaults to `(0, 0.6)`.
        shading: Standard deviation of the logarithm of what a coil of many elements adds outside of
            the skull, close to it. Defaults to `(0, 0.4)`.
        bias_field: Standard deviation of the logarithm of the bias field. Defaults to `(0, 0.15)`.
        ghosts: Probability that the head moves. Defaults to 0.15.
        motion: Amplitude of the movement in pixels. Defaults to `(0.1, 0.7)`.
        noise: Standard deviation of the noise of each of two channels, relative to bright tissue.
            Defaults to `(0, 0.03)`.

    Raises:
        ValueError: A number out of its range.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.simulation import Scanner
        >>> image = np.pad(np.ones((16, 16), "float32"), 8)
        >>> worse = Scanner(noise=(0.05, 0.05)).degrade(image, 1.0, np.random.default_rng(0))
        >>> worse.shape, bool(0.01 < worse[:4].mean() < 0.1)
        ((32, 32), True)
    """

    gain: tuple[float, float] = (1.0, 1.0)
    gamma: tuple[float, float] = (1.0, 1.0)
    blur: tuple[float, float] = (0.0, 0.6)
    shading: tuple[float, float] = (0.0, 0.4)
    bias_field: tuple[float, float] = (0.0, 0.15)
    ghosts: float = 0.15
    motion: tuple[float, float] = (0.1, 0.7)
    noise: tuple[float, float] = (0.0, 0.03)

    def __post_init__(self) -> None:
        check_ranges(self, above_zero=("gain", "gamma"), probabilities=("ghosts",))

    def degrade(
        self,
        image: np.ndarray,
        bright: float,
        rng: np.random.Generator,
        shading: np.ndarray | None = None,
    ) -> np.ndarray:
        """The image as this scanner would give it.

        Args:
            image: float32 magnitudes `([depth,] height, width)`.
            bright: Signal of bright tissue, of which the noise is a share.
            rng: `numpy.random.Generator`.
            shading: What the coil multiplies each pixel by, of the shape of `image`. Defaults to
                nothing.

        Returns:
            float32 magnitudes of the same shape.
        """
        if shading is not None:
            image = image * shading
        gamma = np.float32(rng.uniform(*self.gamma))
        if gamma != 1:
            image = np.float32(bright) * (image / np.float32(bright)) ** gamma
        image = image * np.float32(rng.uniform(*self.gain))
        image = image * bias_field(image.shape, rng.uniform(*self.bias_field), rng)
        image = blur(image, rng.uniform(*self.blur), image.ndim)
        if rng.random() < self.ghosts:
            axis = image.ndim - 1 - int(rng.integers(2))
            path = draw_path(image.shape[axis], rng.uniform(*self.motion), rng)
            image = motion_ghosts(image, path, axis)
        sigma = rng.uniform(*self.noise) * bright
        # Not redrawn beyond some limit, as the phantom's noise is: a range need not be known.
        real, imaginary = rng.standard_normal((2, *image.shape), dtype="float32")
        real *= np.float32(sigma)
        real += image
        imaginary *= np.float32(sigma)
        return np.sqrt(real * real + imaginary * imaginary)


def bias_field(shape: tuple, spread: float, rng: np.random.Generator) -> np.ndarray:
    """A smooth positive field around 1: the sensitivity of a receive coil.

    Args:
        shape: Shape of the image.
        spread: Standard deviation of the field's logarithm.
        rng: `numpy.random.Generator`.

    Returns:
        float32 array of this shape.
    """
    return np.exp(np.float32(spread) * smooth_field(shape, 2, rng))
