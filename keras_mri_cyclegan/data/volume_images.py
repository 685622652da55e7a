"""The training images of many scans, prepared when they are needed."""

import os
import re
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks, volumes
from keras_mri_cyclegan._notices import gathered, once
from keras_mri_cyclegan.data import image_cache
from keras_mri_cyclegan.data._scans import Scan, scan_list, scan_name
from keras_mri_cyclegan.data.patient_names import PERSON, spelling
from keras_mri_cyclegan.data.patients import known_patients
from keras_mri_cyclegan.preprocessing import Preprocessing
from keras_mri_cyclegan.preprocessing.voxel_sizes import Sizes, compare, voxel_size
from keras_mri_cyclegan.volumes import Volume, VolumeError, sidecar
from keras_mri_cyclegan.volumes.synthetic import is_synthetic, says_so, unmarked, warn_of
from keras_mri_cyclegan.volumes.validate import reading_options

GIB = 2**30
MARK = ".synthetic"  # what the name of an empty file beside a scan's entry in the cache ends in


class VolumeImages:
    """The training images of a list of scans, as one array that need not fit into memory.

    Every scan is read and prepared once, one after another, when this is made. Then, with
    `cache`, an image is read from a file of its scan's prepared images in this folder, where the
    next run finds it again; in memory is one scan at a time (256 x 256 x 150 voxels took 0.16 GiB
    while they were prepared, of however many scans). Without `cache`, the prepared images
    are held, up to `memory`: what exceeds it is dropped, the least recently used scan first, and
    a dropped scan is read and prepared again each time one of its images is needed, which is slow.

    An entry of the cache is checked (CRC-32) when it is opened; a damaged one is made anew. If the
    scan's file changes, or the preprocessing, what it learnt, or this library's version, another
    entry is made, and the old one stays: empty the folder now and then.

    Indexing is NumPy's along the first axis, and returns copies. It may be done from any thread.
    In another process (`use_multiprocessing`), the cache is shared, and what is held is copied.

    Args:
        scans: A folder, a glob, or a list of paths and volumes (`Volume`).
        preprocessing: A `Preprocessing`, fitted if it needs to be.
        domain: `"a"` or `"b"`, as it was fitted. Defaults to `"a"`.
        memory: GiB of prepared images to hold, without `cache`. A scan of 256 x 256 x 150 takes
            0.037 GiB. Defaults to 2.0.
        cache: Folder for prepared images, made if it does not exist. Defaults to `None`.
        verbose: 1 for a progress bar, 0 for none. Defaults to 1.
        fill_nan: What NaN and infinite values in the scans' files become, as for `read_volume`.
            Defaults to `None`: they are an error.
        slice_tolerance: As for `read_volume`, of DICOM series. Defaults to `None`.

    Raises:
        ValueError: An argument out of its range, no scan, or the same scan twice.
        VolumeError: A scan that cannot be read or prepared, has no image to train on, or has
            images of another shape than the first one's.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.data import VolumeImages
        >>> from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing, Reorient, Slices
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> preprocessing = Preprocessing([Reorient(), MinMax()], Slices(size=(16, 16)))
        >>> rng = np.random.default_rng(0)
        >>> scans = [Volume(rng.uniform(0, 99, (12, 14, 5)), np.eye(4)) for _ in range(3)]
        >>> images = VolumeImages(scans, preprocessing, verbose=0)
        >>> images.shape, images.counts, images[[0, 14]].shape
        ((15, 16, 16, 1), (5, 5, 5), (2, 16, 16, 1))
    """

    def __init__(
        self,
        scans: Any,
        preprocessing: Preprocessing,
        domain: str = "a",
        memory: float = 2.0,
        cache: str | os.PathLike | None = None,
        verbose: int = 1,
        fill_nan: float | None = None,
        slice_tolerance: float | None = None,
    ):
        self._scans = scan_list("scans", scans)
        self.preprocessing = preprocessing
        self.domain = _checks.one_of("domain", domain, ("a", "b"))
        self.memory = _checks.weight("memory", memory)
        self.reading = reading_options(fill_nan, slice_tolerance)
        self.cache = None if cache is None else os.fspath(cache)
        if self.cache is not None:
            _make_folder(self.cache)
        self.synthetic: list[str] = []
        self.sizes: Sizes = []  # of the voxels of scans that are not from the cache
        self.corners: dict[int, np.ndarray] = {}  # where they are, `(8, 3)`, of the same scans
        self._entries: list[image_cache.CachedImages] = []
        self._held: OrderedDict[int, np.ndarray] = OrderedDict()
        self._held_bytes = 0
        self._lock = threading.Lock()
        self._image_shape: tuple | None = None
        self._patients: tuple[str | None, ...] | None = None
        self.counts = self._prepare_all(_checks.one_of("verbose", verbose, (0, 1)))
        if self.domain not in preprocessing.spacing:
            compare(self.sizes, preprocessing.cutter)
        self._first = np.concatenate([[0], np.cumsum(self.counts)])
        warn_of(self.synthetic)

    @property
    def scans(self) -> tuple[Scan, ...]:
        """The scans, as they were passed in; of image `k` in the order of `counts`."""
        return tuple(self._scans)

    @property
    def patients(self) -> tuple[str | None, ...]:
        """Whose scan each one is, `None` where its name does not tell.

        `from_volumes` sets it by its `patient`.
        """
        if self._patients is None:
            return tuple(known_patients(self._scans, None))
        return self._patients

    @patients.setter
    def patients(self, value: Sequence[str | None]) -> None:
        self._patients = tuple(value)

    @property
    def patient_of_each(self) -> list[str | None]:
        """The patient of each image."""
        return self._each(self.patients)

    @property
    def comparable_patients(self) -> list[str | None]:
        """The patient of each image, in the spelling in which those of another set are compared.

        `None` where a name may be that of a contrast or a scanner: one without a number, `ct_001`,
        or the same for all scans, `3T_001`.
        """
        given = self._patients is not None
        names = [
            spelling(name) if name and (given or re.search(r"\d", name)) else None
            for name in self.patients
        ]
        if len(set(names)) == 1 and not self.patients_are_certain:
            names = [None] * len(names)
        return self._each(names)

    @property
    def patients_are_certain(self) -> bool:
        """Whether the patients were given, or are all called as nothing else is, `sub-01`."""
        names = [name for name in self.patients if name is not None]
        return self._patients is not None or all(PERSON.fullmatch(name) for name in names)

    def _each(self, of_scans: Sequence[str | None]) -> list[str | None]:
        together = zip(of_scans, self.counts, strict=True)
        return [patient for patient, count in together for _ in range(count)]

    @property
    def shape(self) -> tuple:
        """`(images, [depth,] height, width, channels)`."""
        return (int(self._first[-1]), *(self._image_shape or ()))

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype:
        """float32."""
        return np.dtype("float32")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        """Return copies of the images that `index` chooses: an integer, a slice or an array."""
        chosen = np.arange(len(self))[index]
        flat = np.ravel(chosen)
        images = np.empty((len(flat), *self.shape[1:]), "float32")
        owners = np.searchsorted(self._first, flat, side="right") - 1
        for scan in np.unique(owners):
            places = np.flatnonzero(owners == scan)
            images[places] = self._read(int(scan), flat[places] - self._first[scan])
        return images.reshape(*np.shape(chosen), *self.shape[1:])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all images as one array, whatever memory that takes."""
        if copy is False:
            raise ValueError("All images as one array are a copy of them. Received: copy=False.")
        return self[:].astype(dtype or "float32", copy=False)

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs."""
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take up in this process what another one had."""
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        where = f"cache={self.cache!r}" if self.cache is not None else f"memory={self.memory:g}"
        return f"VolumeImages({len(self._scans)} scans, shape={self.shape}, {where})"

    @once()
    def _prepare_all(self, verbose: int) -> tuple[int, ...]:
        progress = keras.utils.Progbar(len(self._scans), verbose=verbose, unit_name="scan")
        counts, in_all, begun = [], 0, time.monotonic()
        for number, scan in enumerate(self._scans):
            if self.cache is None:
                shape = self._prepared(number).shape
            else:
                self._entries.append(self._cached(number))
                shape = self._entries[-1].shape
                self._check_shape(scan, shape)
            counts.append(shape[0])
            in_all += 4 * int(np.prod(shape))
            progress.update(number + 1)
        if self.cache is None and in_all > self.memory * GIB:
            seconds = (time.monotonic() - begun) / len(self._scans)
            warnings.warn(
                f"The prepared images of domain {self.domain.upper()} take {in_all / GIB:.2f} GiB, "
                f"and memory={self.memory:.2f} of it are held. Whenever an image of another scan "
                f"is needed, its scan is read and prepared again: about {seconds:.1f} s each time. "
                "Pass `cache=` a folder with as much free space, or raise `memory`.",
                UserWarning,
                stacklevel=3,
            )
        return tuple(counts)

    def _read(self, number: int, indices: np.ndarray) -> np.ndarray:
        if self.cache is not None:
            return self._entries[number].read(indices)
        # Also while preparing: one scan in memory at a time, and none twice. What there is to say
        # of it was said when this was made.
        with self._lock, gathered({}):
            return self._prepared(number)[indices]

    def _prepared(self, number: int) -> np.ndarray:
        """Return the images of a scan, held or prepared anew."""
        images = self._held.pop(number, None)
        if images is None:
            images = self._prepare(number)
            self._check_shape(self._scans[number], images.shape)
            if images.nbytes > self.memory * GIB:
                return images
            self._held_bytes += images.nbytes
        self._held[number] = images  # last, as the most recently used
        while self._held_bytes > self.memory * GIB:
            _, dropped = self._held.popitem(last=False)
            self._held_bytes -= dropped.nbytes
        return images

    def _cached(self, number: int) -> image_cache.CachedImages:
        scan = self._scans[number]
        path = image_cache.entry_path(
            self.cache or "", scan, self.preprocessing, self.domain, self.reading
        )
        found = image_cache.load(path)
        if found is None:
            before = len(self.synthetic)
            images = self._prepare(number)
            if len(self.synthetic) > before:
                open(path + MARK, "w").close()
            return image_cache.store(path, images)
        beside = not isinstance(scan, Volume) and says_so(sidecar.path_of(scan))
        if beside or os.path.exists(path + MARK):
            self.synthetic.append(scan_name(scan))
        return found

    def _prepare(self, number: int) -> np.ndarray:
        scan = self._scans[number]
        volume = scan if isinstance(scan, Volume) else volumes.read_volume(scan, **self.reading)
        if is_synthetic(volume):
            if scan_name(scan) not in self.synthetic:
                self.synthetic.append(scan_name(scan))
            volume = unmarked(volume)  # it is warned of once, of all
        volume = self.preprocessing.prepare(volume, self.domain).volume
        if (size := voxel_size(volume)) is not None:
            self.sizes.append((scan_name(scan).strip("`"), size))
            ends = np.indices((2, 2, 2)).reshape(3, -1) * np.array([volume.shape]).T
            self.corners[number] = (volume.affine[:3, :3] @ ends).T + volume.affine[:3, 3]
        images = self.preprocessing.cutter.training_images(volume)
        if not len(images):
            raise VolumeError(
                scan_name(scan).strip("`"),
                "no image to train on is left of this scan. Expected one at least: leave the scan "
                "out, or let the preprocessing drop fewer images (`minimum_foreground`).",
            )
        return np.ascontiguousarray(_checks.images(f"images of {scan_name(scan)}", images))

    def _check_shape(self, scan: Scan, shape: tuple) -> None:
        if self._image_shape is None:
            self._image_shape = tuple(shape[1:])
        elif tuple(shape[1:]) != self._image_shape:
            raise VolumeError(
                scan_name(scan).strip("`"),
                f"images of shape {tuple(shape[1:])}, and those of {scan_name(self._scans[0])} "
                f"have {self._image_shape}. Expected one shape for all: give the preprocessing a "
                "size to pad and crop to, `Preprocessing(cutter=Slices(size=(256, 256)))`, and "
                "`Resample` first if the spacings differ.",
            )


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"`cache` must be a folder, or the path of one that can be made. Received: {path!r} "
            f"({error.strerror})."
        ) from error
