"""A folder of slices as one array."""

import fnmatch
import os
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.volumes import VolumeWarning, members, sidecar
from keras_mri_cyclegan.volumes.grey_file import SUFFIXES, read_grey
from keras_mri_cyclegan.volumes.names import suffix_of
from keras_mri_cyclegan.volumes.other_formats import ways_from
from keras_mri_cyclegan.volumes.synthetic import says_so, warn_of

BACKGROUND = -1.0  # air


@overload
def load_image_folder(
    path: str | os.PathLike,
    size: tuple[int, int] | None = None,
    fit: str = "resize",
    value_range: tuple[float, float] | None = None,
    pattern: str = "*",
    return_paths: Literal[False] = False,
    unreadable: str = "error",
) -> np.ndarray: ...


@overload
def load_image_folder(
    path: str | os.PathLike,
    size: tuple[int, int] | None = None,
    fit: str = "resize",
    value_range: tuple[float, float] | None = None,
    pattern: str = "*",
    *,
    return_paths: Literal[True],
    unreadable: str = "error",
) -> tuple[np.ndarray, list[Path]]: ...


def load_image_folder(
    path: str | os.PathLike,
    size: tuple[int, int] | None = None,
    fit: str = "resize",
    value_range: tuple[float, float] | None = None,
    pattern: str = "*",
    return_paths: bool = False,
    unreadable: str = "error",
) -> np.ndarray | tuple[np.ndarray, list[Path]]:
    """Load a folder of grey slices as images in `[-1, 1]`.

    Reads the 8- and 16-bit grey PNG and TIFF files (`.png`, `.tif`, `.tiff` in any case) that lie
    directly in the folder, in natural order: "Image #2" before "Image #10". Hidden files, other
    files and sub-folders are passed over. Nothing is converted on the quiet: a file with colour
    (also one whose three channels are equal), palette, alpha, several pages, or values that are
    not unsigned 8- or 16-bit integers is an error. The checksums of PNG files are compared; TIFF
    has none, so a pixel changed by a broken disk goes unnoticed there.

    Args:
        path: The folder.
        size: `(height, width)` of the images returned. Defaults to `None`: the size of the files,
            which must then be the same for all.
        fit: How to get to `size`. `"resize"` stretches the image to it, bilinear and antialiased
            (no overshoot); the proportions change if those of `size` are others. `"pad"` keeps
            the pixels and puts background (-1) around them, centred; an odd pixel goes to the
            bottom or right. Defaults to `"resize"`.
        value_range: `(low, high)`, the file values that become -1 and 1, such as `(0, 4095)` for
            12-bit data in 16-bit files. A value outside it is an error. Defaults to `None`: all
            that the file's type can hold, `(0, 255)` or `(0, 65535)`.
        pattern: Which file names to take, as in a shell and case-sensitive: `"*_T1_*"`. Defaults
            to `"*"`, all.
        return_paths: Whether to return the files' paths as well. Defaults to `False`.
        unreadable: What becomes of an image that cannot be read: empty, damaged, of another kind,
            or a link whose target is not there. `"error"`: an error that names it. `"warn"`: it is
            left out, and one warning names all of them. Defaults to `"error"`.

    Returns:
        float32 array `(images, height, width, 1)` in `[-1, 1]`; with `return_paths=True` a tuple
        of it and the list of the paths, in the same order.

    Raises:
        ValueError: No such folder, no image in it or none that matches; an image that is damaged,
            of another kind, outside `value_range`, or larger than the `size` to pad to; images of
            different sizes without a `size`; 8- and 16-bit files together without a
            `value_range`. The message names the file.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from PIL import Image
        >>> from keras_mri_cyclegan.datasets import load_image_folder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for k in (10, 2):
        ...         slice_ = np.full((4, 6), 25 * k, "uint8")
        ...         Image.fromarray(slice_).save(os.path.join(folder, f"Image #{k}.png"))
        ...     images, paths = load_image_folder(folder, size=(8, 8), fit="pad", return_paths=True)
        >>> images.shape, [path.name for path in paths]
        ((2, 8, 8, 1), ['Image #2.png', 'Image #10.png'])
    """
    _checks.one_of("fit", fit, ("resize", "pad"))
    size = _checked_size(size, fit)
    value_range = _checked_range(value_range)
    _checks.one_of("unreadable", unreadable, ("error", "warn"))
    read = _read_all(_find(path, pattern), path, unreadable)
    paths, files = list(read), list(read.values())
    _check_together(files, paths, size, value_range)
    beside = [str(path), *map(str, paths)]
    warn_of([f"`{name}`" for name in beside if says_so(sidecar.path_of(name))])
    scaled = (_scale(*pair, value_range) for pair in zip(files, paths, strict=True))
    if size is not None and fit == "resize":
        scaled = (_resize(image, size) for image in scaled)
    elif size is not None:
        scaled = (_pad(image, size, file) for image, file in zip(scaled, paths, strict=True))
    images = np.stack(list(scaled))[..., None]
    if value_range is None and files[0].dtype == np.uint16 and images.max() < 0:
        warnings.warn(
            f"The 16-bit images in `{path}` reach only {max(x.max() for x in files)} of 65535, "
            "so they lie in the lower half of [-1, 1]. If they hold fewer bits, say so: "
            "`value_range=(0, 4095)` for 12 bits.",
            UserWarning,
            stacklevel=2,
        )
    return (images, paths) if return_paths else images


def _checked_size(size: Any, fit: str) -> tuple[int, int] | None:
    if size is None:
        if fit == "pad":
            raise ValueError("`fit='pad'` needs the `size=(height, width)` to pad to.")
        return None
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ValueError(f"`size` must be (height, width). Received: {size!r}.")
    return _checks.positive_int("size", size[0]), _checks.positive_int("size", size[1])


def _checked_range(value_range: Any) -> tuple[float, float] | None:
    if value_range is None:
        return None
    try:
        low, high = (float(value) for value in value_range)
        sound = bool(np.isfinite([low, high]).all()) and low < high
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise ValueError(
            "`value_range` must be two finite numbers (low, high), low below high. Received: "
            f"{value_range!r}."
        )
    return low, high


def _find(path: str | os.PathLike, pattern: str) -> list[Path]:
    if not isinstance(path, (str, os.PathLike)) or not isinstance(pattern, str):
        raise ValueError(
            f"`path` and `pattern` must be strings. Received: {path!r} and {pattern!r}."
        )
    folder = Path(path)
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise ValueError(f"`{folder}` {found}. Expected the path of a folder of slices.")
    entries = [Path(entry) for entry in members.listing(str(folder))]
    others = Counter(
        "sub-folders (not searched)" if entry.is_dir() else entry.suffix.lower() or "no extension"
        for entry in entries
    )
    lost = [e for e in entries if members.is_unknown_link(str(e)) and not e.suffix]
    lost += [e for e in entries if suffix_of(members.copied_by(str(e))) in SUFFIXES]
    images = [e for e in entries if e.suffix.lower() in SUFFIXES and not e.is_dir()] + lost
    if not images:
        listed = ", ".join(f"{count} x {kind}" for kind, count in sorted(others.items()))
        raise ValueError(
            f"`{folder}` holds no image ({', '.join(SUFFIXES)}). Found: {listed or 'nothing'}. "
            "Give the folder that the slices lie in, or convert them."
            f"{ways_from(map(str, entries))}"
        )
    chosen = [entry for entry in images if fnmatch.fnmatchcase(entry.name, pattern)]
    if not chosen:
        raise ValueError(
            f"`pattern={pattern!r}` matches none of the {len(images)} images in `{folder}`, such "
            f"as `{images[0].name}`. It is compared with the whole file name."
        )
    return chosen


def _read_all(
    paths: list[Path], folder: str | os.PathLike, unreadable: str
) -> dict[Path, np.ndarray]:
    read, faults = {}, []
    for path in paths:
        try:
            if (fault := members.fault_of(str(path))) is not None:
                raise ValueError(f"`{path}` cannot be read: {fault}")
            read[path] = read_grey(path)
        except ValueError as error:
            if unreadable == "error":
                raise
            faults.append(str(error))
    if not read:
        raise ValueError(f"`{folder}`: none of {len(paths)} images can be read. {faults[0]}")
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        warnings.warn(
            f"`{folder}`: {len(faults)} of {len(paths)} images left out, which cannot be read.\n"
            f"{lines}",
            VolumeWarning,
            stacklevel=3,
        )
    return read


def _check_together(
    files: list[np.ndarray],
    paths: list[Path],
    size: tuple[int, int] | None,
    value_range: tuple[float, float] | None,
) -> None:
    shapes = Counter(image.shape for image in files)
    if size is None and len(shapes) > 1:
        listed = ", ".join(f"{n} x {shape}" for shape, n in shapes.most_common())
        raise ValueError(
            f"The images in `{paths[0].parent}` have different sizes (height, width): {listed}. "
            "Give the `size=(height, width)` that all are to have."
        )
    depths = Counter(str(image.dtype) for image in files)
    if value_range is None and len(depths) > 1:
        raise ValueError(
            f"`{paths[0].parent}` holds 8- and 16-bit images: {dict(depths)}. Give the "
            "`value_range=(low, high)` that all share, or load them apart with `pattern`."
        )


def _scale(image: np.ndarray, path: Path, value_range: tuple[float, float] | None) -> np.ndarray:
    low, high = value_range or (0, np.iinfo(image.dtype).max)
    if image.min() < low or image.max() > high:
        raise ValueError(
            f"`{path}` has values in [{image.min()}, {image.max()}], outside `value_range="
            f"({low:g}, {high:g})`. Give the range that the whole data set has."
        )
    return ((image.astype("float64") - low) * (2 / (high - low)) - 1).astype("float32")


def _resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    if image.shape == size:
        return image
    # On mode "F" Pillow widens the triangle to the size of the new pixel: an antialiased mean
    # with weights of at least 0, which leaves [-1, 1] by rounding at most.
    resized = Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized), -1, 1)


def _pad(image: np.ndarray, size: tuple[int, int], path: Path) -> np.ndarray:
    extra = [wanted - found for wanted, found in zip(size, image.shape, strict=True)]
    if min(extra) < 0:
        raise ValueError(
            f"`{path}` is {image.shape} (height, width), and `fit='pad'` cannot make it {size}, "
            "which is smaller. Give a larger `size`, or use `fit='resize'`."
        )
    around = [(more // 2, more - more // 2) for more in extra]
    return np.pad(image, around, constant_values=BACKGROUND)
