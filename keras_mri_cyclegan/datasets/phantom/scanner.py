"""From a head to its pictures: sampling, signal, bias field, noise and scaling."""

import numpy as np

from keras_mri_cyclegan.datasets.phantom.anatomy import HIGHEST, LOWEST, Head
from keras_mri_cyclegan.datasets.phantom.bias_field import BiasField
from keras_mri_cyclegan.datasets.phantom.signal import signal
from keras_mri_cyclegan.datasets.phantom.tissues import property_arrays
from keras_mri_cyclegan.simulation.noise import NOISE_LIMIT, add_rician_noise

# A picture is at least this high and wide, in mm: the extent of the BrainWeb volumes.
_FIELD_OF_VIEW = (217.0, 181.0)

_SUPERSAMPLING = 2  # points along each side of a pixel


class Scanner:
    """Images slices of heads in several contrasts.

    Args:
        height: Rows of a picture.
        width: Columns of a picture.
        sequences: The `Sequence` of each contrast.
        field_strength: In tesla.
        noise: Standard deviation of the noise, relative to the brightest tissue.
        bias_field: Peak-to-peak amplitude of the bias field.
        seed: Seed of noise and bias.
    """

    def __init__(self, height, width, sequences, field_strength, noise, bias_field, seed):
        self.height, self.width, self.seed = height, width, seed
        self.noise, self.bias_field = noise, bias_field
        self.pixel = max(_FIELD_OF_VIEW[0] / height, _FIELD_OF_VIEW[1] / width)
        self.x = _centred(width * _SUPERSAMPLING, self.pixel / _SUPERSAMPLING)
        self.y = -_centred(height * _SUPERSAMPLING, self.pixel / _SUPERSAMPLING)
        properties = property_arrays(field_strength)
        table = np.stack([signal(*properties, sequence) for sequence in sequences])
        # In units of the brightest tissue of each contrast.
        if not np.abs(table).max(axis=1).all():
            raise ValueError(
                "`contrasts` holds a sequence that leaves no signal of any tissue. Received: "
                f"{sequences}. Shorten its echo time (TE)."
            )
        self.signals = (table / np.abs(table).max(axis=1, keepdims=True)).astype("float32")
        brightest = 1.0 + bias_field / 2 + NOISE_LIMIT * noise
        self.headroom = np.float32(np.hypot(brightest, NOISE_LIMIT * noise))

    def slice(self, head: Head, number: int, index: int, z: float):
        """The images (height, width, 1), one for each contrast, and the tissue fractions."""
        x, y = np.meshgrid(self.x, self.y)
        points = np.stack([x, y, np.full_like(x, z)]).reshape(3, -1)
        fractions = head.fractions(points, self.pixel / _SUPERSAMPLING)
        n = _SUPERSAMPLING
        fractions = fractions.reshape(-1, self.height, n, self.width, n).mean(axis=(2, 4))
        images = []
        for contrast, tissue_signals in enumerate(self.signals):
            image = np.tensordot(tissue_signals, fractions, axes=1)
            if self.bias_field:
                image = image * self._bias(number, contrast, z)
            rng = np.random.default_rng([self.seed, number, 3, contrast, index])
            image = add_rician_noise(image, self.noise, rng) / self.headroom
            # Only the rounding of the last float32 digit can pass 1.
            images.append(np.minimum(2 * image - 1, np.float32(1))[..., None])
        return images, np.moveaxis(fractions, 0, -1)

    def _bias(self, number: int, contrast: int, z: float) -> np.ndarray:
        rng = np.random.default_rng([self.seed, number, 2, contrast])
        lower = (self.x.min(), self.y.min(), LOWEST)
        upper = (self.x.max(), self.y.max(), HIGHEST)
        field = BiasField(self.bias_field, rng, lower, upper)
        n = _SUPERSAMPLING
        x, y = np.meshgrid(self.x.reshape(-1, n).mean(axis=1), self.y.reshape(-1, n).mean(axis=1))
        points = np.stack([x, y, np.full_like(x, z)]).reshape(3, -1)
        return field(points).reshape(self.height, self.width)


def _centred(count: int, step: float) -> np.ndarray:
    return ((np.arange(count) - (count - 1) / 2) * step).astype("float32")
