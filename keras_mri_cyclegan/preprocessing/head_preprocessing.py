"""What a careful person does to a raw scan of the head before it is translated."""

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.preprocessing.bias_field import CorrectBiasField
from keras_mri_cyclegan.preprocessing.foreground_mask import ForegroundMask
from keras_mri_cyclegan.preprocessing.percentile import Percentile
from keras_mri_cyclegan.preprocessing.preprocessing import Preprocessing
from keras_mri_cyclegan.preprocessing.reorient import Reorient
from keras_mri_cyclegan.preprocessing.resample import Resample
from keras_mri_cyclegan.preprocessing.slices import Slices
from keras_mri_cyclegan.preprocessing.step import Step

DIM = 0.35  # of Otsu's threshold: the scalp is dim where fat is suppressed


def head_preprocessing(
    pixel: float = 1.2,
    plane: str = "axial",
    size: tuple[int, int] | None = None,
    bias_field: bool = False,
) -> Preprocessing:
    """Build the preprocessing of raw scans of the head, as the taught networks expect them.

    1. `Reorient("RAS")`.
    2. `Resample`: the pixels in the plane become `pixel` mm, after smoothing where they become
       larger; the distance of the slices stays.
    3. `ForegroundMask(threshold=0.35)`: the head is found, a dim scalp included.
    4. `CorrectBiasField` (N4), on request.
    5. `Percentile`: the 99.5th percentile of the head becomes 1, air -1.
    6. `ForegroundMask(True, 0.35)`: all that is around the head becomes -1.
    7. `Slices`, turned as radiologists look at them.

    `translate_volume` undoes all of it: a translation is on the grid of its source, with the
    source's distance between pixels. Needs the extra `preprocessing`, and `bias-field` for N4.

    Args:
        pixel: Side of a pixel in the plane, in mm. The networks were taught on 0.9 to 1.8.
            Defaults to 1.2.
        plane: The plane of the slices as the scanner measured them. Defaults to `"axial"`, in
            which the networks were taught.
        size: `(height, width)` of training images. Defaults to `None`: as they are.
        bias_field: Whether to correct the shading of the coil, which takes most of the time.
            Defaults to `False`.

    Returns:
        A `Preprocessing`.

    Raises:
        ValueError: `pixel` is not above 0, or an argument out of its range.

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
