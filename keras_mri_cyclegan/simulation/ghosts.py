"""Motion artefacts: ghosts and repeated edges."""

import numpy as np


def motion_ghosts(image: np.ndarray, path: np.ndarray, axis: int) -> np.ndarray:
    """The image of a head that moves along the phase-encoding axis.

    A scanner measures the lines of k-space one after the other. A displacement by `d` pixels while
    line `k` is measured multiplies it by `exp(-2 pi i k d / size)` (Wood and Henkelman, Med. Phys.
    12 (1985) 143). Movement to and fro gives ghosts; a jerk gives stripes beside the edges.

    Args:
        image: float32 array, any rank.
        path: Displacement in pixels while each line is measured, `(size of the axis,)`, from the
            lowest to the highest frequency.
        axis: The phase-encoding axis.

    Returns:
        The magnitude, float32, of the same shape.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.simulation import motion_ghosts
        >>> image = np.eye(8, dtype="float32")
        >>> moved = motion_ghosts(image, np.full(8, 2.0), axis=0)
        >>> bool(np.allclose(moved, np.roll(image, 2, axis=0), atol=1e-6))
        True
    """
    size = image.shape[axis]
    line = np.fft.fftshift(np.fft.fftfreq(size))
    phase = np.fft.ifftshift(np.exp(-2j * np.pi * line * path)).astype("complex64")
    phase = phase.reshape([-1 if k == axis else 1 for k in range(image.ndim)])
    return np.abs(np.fft.ifft(np.fft.fft(image, axis=axis) * phase, axis=axis)).astype("float32")


def draw_path(size: int, amplitude: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the displacement while each line of k-space is measured.

    Args:
        size: Number of lines.
        amplitude: Largest displacement in pixels.
        rng: `numpy.random.Generator`.

    Returns:
        Array `(size,)`: in half of the cases to and fro, as breathing and pulsation move a head; in
        the other half a jerk in the first or the last third of the scan, so that the middle of
        k-space stays where the head was.
    """
    lines = np.arange(size)
    if rng.random() < 0.5:
        turns = rng.uniform(3, 12)
        return amplitude * np.sin(2 * np.pi * (turns * lines / size + rng.random()))
    after = lines > rng.uniform(0.65, 0.95) * size
    path = amplitude * after * rng.choice((-1, 1))
    return path if rng.random() < 0.5 else path[::-1].copy()
