"""The embedded data set: paired pictures of seeded heads in any contrast."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from keras_mri_cyclegan._checks import positive_int, weight
from keras_mri_cyclegan.datasets.phantom.anatomy import HIGHEST, LOWEST, Head
from keras_mri_cyclegan.datasets.phantom.contrasts import sequence_of
from keras_mri_cyclegan.datasets.phantom.scanner import Scanner
from keras_mri_cyclegan.datasets.phantom.signal import Sequence
from keras_mri_cyclegan.datasets.phantom.tissues import TISSUES

_DEFAULT_SLICES = 64


def load_phantom(
    contrasts: Any = ("t1", "t2"),
    slices: int | None = None,
    size: int | tuple[int, int] = (128, 128),
    subjects: int | Iterable[int] | None = None,
    seed: int = 0,
    field_strength: float = 1.5,
    noise: float = 0.0,
    bias_field: float = 0.0,
    lesions: int = 0,
    volumes: bool = False,
    depth: int | None = None,
    return_tissues: bool = False,
) -> tuple[np.ndarray, ...]:
    """Pictures of seeded heads, computed from the MR signal equations; nothing is downloaded.

    Every head is a formula: skin, fat, skull with marrow, cerebrospinal fluid, folded cortex,
    white matter, ventricles, caudate nucleus, putamen, pallidum and thalamus, drawn anew for
    every subject. Its tissues have published T1, T2 and proton density (`tissue_properties`),
    and the contrasts differ in the timing of the sequence alone. So slice k of every contrast
    shows the same anatomy, and the right answer of a translation is known in each pixel, while
    training can be unpaired (use disjoint `subjects` for the two contrasts and for the test).

    Pixels are square: `max(217 / height, 181 / width)` mm. The front of the head is up, and the
    subject's left is on the right, as radiologists look at it. A slice is infinitely thin; in
    its plane partial volumes are averaged. Slices are equally spaced from below the ventricles
    to near the vertex, over 68 mm.

    The signal is `PD (1 - exp(-TR/T1)) exp(-TE/T2)` for a spin echo, and
    `PD |1 - 2 exp(-TI/T1) + exp(-TR/T1)| exp(-TE/T2)` for inversion recovery, where in a mixed
    pixel the magnitude is taken after the tissues have been added. A value is
    `2 * signal / scale - 1`, with the same `scale` for all subjects and slices: the signal of
    the brightest tissue that the phantom can have in this contrast (lesions included, whether
    there are some or not), times the most that `bias_field` and `noise` can add. Nothing is
    ever clipped, and air is exactly -1 if `noise` is 0.

    Args:
        contrasts: One contrast or several, each `"t1"`, `"t2"`, `"pd"`, `"flair"`, or a timing
            in ms: `Sequence(tr=..., te=..., ti=...)` or a dictionary with the keys `"tr"`,
            `"te"` and, for inversion recovery, `"ti"`. The timings behind the names are in
            `default_sequence`. Defaults to `("t1", "t2")`.
        slices: How many slices in all. Subject by subject, as equally as possible (the first
            subjects have one more), each from the lowest to the highest. Defaults to 64; not
            for `volumes`.
        size: `(height, width)` in pixels, or one integer for both; at least 16. Defaults to
            `(128, 128)`.
        subjects: Over how many subjects the slices are spread (an integer n means the subjects
            0 to n - 1), or the numbers of the subjects, such as `range(100, 110)`. Subject i of
            a seed has the same head whatever else is asked for. Defaults to one for every eight
            slices, and to one volume.
        seed: Seed of the whole family of heads. Defaults to 0.
        field_strength: 1.5 or 3.0 tesla. Defaults to 1.5.
        noise: Standard deviation of the Gaussian noise in each of the two receiver channels, as
            a fraction of the brightest tissue's signal, at most 1; the magnitude of both is
            Rician. Values beyond four standard deviations are redrawn. Defaults to 0.
        bias_field: Peak-to-peak amplitude of a smooth field that multiplies the signal, less
            than 2: 0.4 is 0.8 to 1.2, which BrainWeb calls 40 %. Defaults to 0.
        lesions: White-matter lesions per subject, at most 100. Defaults to 0.
        volumes: Stack the slices of each subject into a volume. Defaults to `False`.
        depth: Slices in each volume; only for `volumes`. Defaults to 64.
        return_tissues: Return the known tissues as well. Defaults to `False`.

    Returns:
        A tuple with one float32 array for each contrast, in the order of `contrasts`:
        `(slices, height, width, 1)` in [-1, 1], or `(subjects, depth, height, width, 1)` for
        `volumes`. With `return_tissues` one more follows: the fractions of the tissues in every
        pixel, float32, `(slices, height, width, 13)` or `(subjects, depth, height, width, 13)`,
        which sum to 1, in the order of `keras_mri_cyclegan.datasets.phantom.TISSUES`.
        Noise and bias are independent between contrasts. The same arguments give the same
        arrays, bit for bit on one machine; no global random state is read or changed.

    Raises:
        ValueError: An argument of the wrong type or outside its range, an unknown contrast or
            field strength, or more subjects than slices.

    Example:
        >>> from keras_mri_cyclegan.datasets.phantom import load_phantom
        >>> t1, t2 = load_phantom(slices=6, size=32, subjects=2)
        >>> t1.shape, t2.shape
        ((6, 32, 32, 1), (6, 32, 32, 1))
        >>> test_t1, test_t2 = load_phantom(slices=3, size=32, subjects=[2])
        >>> (flair,) = load_phantom("flair", volumes=True, depth=8, size=32, lesions=5)
        >>> flair.shape
        (1, 8, 32, 32, 1)

    References:
        Kwan, Evans and Pike, MRI simulation-based evaluation of image-processing and
        classification methods, IEEE Transactions on Medical Imaging 18 (1999), whose BrainWeb
        images are the model for this phantom; nothing of theirs is in it but the constants.
    """
    sequences = [sequence_of(one, field_strength) for one in _as_list(contrasts)]
    height, width = _checked_size(size)
    seed = positive_int("seed", seed, minimum=0)
    noise = _checked_fraction("noise", noise, 1.0)
    bias_field = _checked_fraction("bias_field", bias_field, 2.0)
    lesions = positive_int("lesions", lesions, minimum=0)
    if lesions > 100:
        raise ValueError(f"`lesions` must be at most 100 for each subject. Received: {lesions}.")
    numbers, counts = _share_slices(slices, subjects, volumes, depth)

    scanner = Scanner(height, width, sequences, field_strength, noise, bias_field, seed)
    channels = [1] * len(sequences) + [len(TISSUES)] * bool(return_tissues)
    shape = (len(numbers), counts[0]) if volumes else (sum(counts),)
    arrays = [np.empty((sum(counts), height, width, c), dtype="float32") for c in channels]
    done = 0
    for number, count in zip(numbers, counts, strict=True):
        head = Head(seed, number, lesions)
        for k, z in enumerate(_slice_heights(count)):
            images, tissues = scanner.slice(head, number, k, z)
            pictures = [*images, tissues] if return_tissues else images
            for array, picture in zip(arrays, pictures, strict=True):
                array[done] = picture
            done += 1
    return tuple(array.reshape(*shape, *array.shape[1:]) for array in arrays)


def _slice_heights(count: int) -> np.ndarray:
    """Middles of `count` equal slabs of the imaged range, in mm."""
    return LOWEST + (np.arange(count) + 0.5) * (HIGHEST - LOWEST) / count


def _as_list(contrasts: Any) -> list:
    if isinstance(contrasts, (str, Sequence, Mapping)):
        return [contrasts]
    ordered = isinstance(contrasts, Iterable) and not isinstance(contrasts, (set, frozenset))
    found = list(contrasts) if ordered else []
    if not found:
        raise ValueError(
            "`contrasts` must name at least one contrast, in order, for example ('t1', 't2'). "
            f"Received: {contrasts!r}."
        )
    return found


def _checked_size(size: Any) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, (int, np.integer)) else size
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(f"`size` must be (height, width) or one integer. Received: {size!r}.")
    height, width = (positive_int("size", value, minimum=16) for value in pair)
    return height, width


def _checked_fraction(name: str, value: Any, maximum: float) -> float:
    value = weight(name, value)
    if value > maximum or (name == "bias_field" and value == maximum):
        raise ValueError(
            f"`{name}` is relative to the signal and must be at most {maximum:g}"
            f"{' (not included)' if name == 'bias_field' else ''}. Received: {value!r}."
        )
    return value


def _share_slices(slices, subjects, volumes, depth) -> tuple[list[int], list[int]]:
    """The subjects' numbers, and the slices of each."""
    if volumes and slices is not None:
        raise ValueError(
            "`slices` is not for `volumes`: say `depth`, the slices of each volume, and "
            f"`subjects`, the number of volumes. Received: slices={slices!r}, volumes=True."
        )
    if not volumes and depth is not None:
        raise ValueError(
            "`depth` is only for `volumes=True`: say `slices`, the number of all slices. "
            f"Received: depth={depth!r}, volumes={volumes!r}."
        )
    name, count = ("depth", depth) if volumes else ("slices", slices)
    count = positive_int(name, _DEFAULT_SLICES if count is None else count)
    if subjects is None:
        subjects = 1 if volumes else max(1, count // 8)
    if isinstance(subjects, (int, np.integer)) or not isinstance(subjects, Iterable):
        subjects = range(positive_int("subjects", subjects))
    numbers = [positive_int("subjects", number, minimum=0) for number in subjects]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(
            "`subjects` must hold at least one number, and none of them twice. "
            f"Received: {numbers!r}."
        )
    if volumes:
        return numbers, [count] * len(numbers)
    if len(numbers) > count:
        raise ValueError(
            "`subjects` must not be more than `slices`, so that each has a slice. Received: "
            f"{len(numbers)} subjects, slices={count}."
        )
    each, more = divmod(count, len(numbers))
    return numbers, [each + (i < more) for i in range(len(numbers))]
