"""Standard preprocessing of raw scans of the head."""

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.preprocessing.bias_field import CorrectBiasField
from keras_mri_cyclegan.preprocessing.foreground_mask import ForegroundMask
from keras_mri_cyclegan.preprocessing.percentile import Percentile
from keras_mri_cyclegan.preprocessing.preprocessing import Preprocessing
from keras_mri_cyclegan.preprocessing.reorient import Reorient
from keras_mri_cyclegan.preprocessing.resample import Resample
from keras_mri_cyclegan.preprocessing.slices import Slices
from keras_mri_cyclegan.preprocessing.step import Step

DIM = 0.35  # share of Otsu's threshold: the scalp is dim in fat-suppressed scans


def head_preprocessing(
    pixel: float = 1.2,
    plane: str = "axial",
    size: tuple[int, int] | None = None,
    bias_field: bool = False,
) -> Preprocessing:
    """Build the preprocessing of raw scans of the head that the taught starts expect.

    1. `Reorient("RAS")`.
    2. `Resample` to in-plane pixels of `pixel` mm, smoothing where pixels become larger; the
       slice spacing is unchanged.
    3. `ForegroundMask(threshold=0.35)`: the mask of the head, including a dim scalp.
    4. `CorrectBiasField` (N4), optional.
    5. `Percentile`: the 99.5th percentile of the head is mapped to 1, air to -1.
    6. `ForegroundMask(True, 0.35)`: everything outside the head is set to -1.
    7. `Slices`, in radiological orientation.

    `translate_volume` inverts the changes of the grid: a translation has the grid and pixel
    spacing of its source. Needs the extra `preprocessing`, and `bias-field` for N4.

    Args:
        pixel: In-plane pixel size in mm, above 0. The taught starts were trained on 0.9 to 1.8.
            Defaults to 1.2.
        plane: The plane in which the slices were acquired. Defaults to `"axial"`, the plane of the
            taught starts.
        size: `(height, width)` of training images. Defaults to `None`: unchanged.
        bias_field: Whether to correct the bias field, which takes most of the time.
            Defaults to `False`.

    Returns:
        A `Preprocessing`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> array = np.zeros((60, 60, 4), "float32")
        >>> array[15:45, 10:50] = 700.0
        >>> scan = kmc.volumes.Volume(array, np.diag([0.6, 0.6, 5.0, 1.0]))
        >>> preprocessing = kmc.preprocessing.head_preprocessing(pixel=1.2)
        >>> preprocessing.cutter.cut(preprocessing.prepare(scan).volume).shape
        (4, 30, 30, 1)
    """
    pixel = _checks.weight("pixel", pixel)
    if not pixel:
        raise ValueError("`pixel` must be above 0 (in mm). Received: 0.")
    _checks.one_of("bias_field", bias_field, (True, False))
    cutter = Slices(plane, size)
    axis = {"sagittal": 0, "coronal": 1, "axial": 2}[plane]
    steps: list[Step] = [
        Reorient("RAS"),
        Resample([None if k == axis else pixel for k in range(3)]),
        ForegroundMask(threshold=DIM),
    ]
    if bias_field:
        steps.append(CorrectBiasField())
    return Preprocessing([*steps, Percentile(), ForegroundMask(True, DIM)], cutter)
