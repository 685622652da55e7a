"""Training images of many scans, prepared when needed."""

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
MARK = ".synthetic"  # ending of an empty file that marks a cache entry of a synthetic scan


class VolumeImages:
    """Training images of a list of scans, as one array that need not fit into memory.

    The constructor reads and prepares every scan once. With `cache`, the prepared images of each
    scan are stored in a file in this folder, from which single images are read, also in later runs;
    only one scan at a time is in memory (0.16 GiB while preparing 256 x 256 x 150 voxels, whatever
    the number of scans). Without `cache`, up to `memory` of prepared images are kept; beyond that
    the least recently used scans are dropped, and a dropped scan is read and prepared again each
    time one of its images is needed, which is slow.

    A cache entry is checked (CRC-32) when it is opened; a damaged one is written again. If the
    scan's file, the preprocessing, its fitted values or this library's version change, a new entry
    is written, and the old one stays: empty the folder from time to time.

    Indexing is NumPy's along the first axis, returns copies, and works from any thread. In another
    process (`use_multiprocessing`), the cache is shared, and images kept in memory are copied.

    Args:
        scans: A folder, a glob, or a list of paths and volumes (`Volume`).
        preprocessing: A `Preprocessing`, fitted if its steps need it.
        domain: `"a"` or `"b"`, the domain for which it was fitted. Defaults to `"a"`.
        memory: GiB of prepared images to keep, without `cache`. A scan of 256 x 256 x 150 takes
            0.037 GiB. Defaults to 2.0.
        cache: Folder for prepared images, created if it does not exist. Defaults to `None`.
        verbose: 1 for a progress bar, 0 for none. Defaults to 1.
        fill_nan: Replacement for NaN and infinite values in the scans' files, as in `read_volume`.
            Defaults to `None`: such values raise an error.
        slice_tolerance: As in `read_volume`, for DICOM series. Defaults to `None`.

    Raises:
        ValueError: An argument is out of its range, or there is no scan, or the same scan twice.
        VolumeError: A scan cannot be read or prepared, has no image for training, or has images of
            another shape than the first scan's.

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
        self.sizes: Sizes = []  # voxel sizes of the scans that are not from the cache
        self.corners: dict[int, np.ndarray] = {}  # corners of the same scans in space, `(8, 3)`
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
        """The scans, as passed to the constructor; `counts` has the number of images of each."""
        return tuple(self._scans)

    @property
    def patients(self) -> tuple[str | None, ...]:
        """Patient of each scan, `None` where the scan's name does not tell.

        `from_volumes` sets it from its argument `patient`.
        """
        if self._patients is None:
            return tuple(known_patients(self._scans, None))
        return self._patients

    @patients.setter
    def patients(self, value: Sequence[str | None]) -> None:
        self._patients = tuple(value)

    @property
    def patient_of_each(self) -> list[str | None]:
        """Patient of each image."""
        return self._each(self.patients)

    @property
    def comparable_patients(self) -> list[str | None]:
        """Patient of each image, in a normalised spelling for comparison with another set.

        `None` where a name may be that of a contrast or a scanner: a name without a number,
        `ct_001`, or the same name for all scans, `3T_001`.
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
        """Whether the patients were passed in, or all names can only be patients, `sub-01`."""
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
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype:
        """float32."""
        return np.dtype("float32")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        """Return copies of the images at `index`, an integer, a slice or an array."""
        chosen = np.arange(len(self))[index]
        flat = np.ravel(chosen)
        images = np.empty((len(flat), *self.shape[1:]), "float32")
        owners = np.searchsorted(self._first, flat, side="right") - 1
        for scan in np.unique(owners):
            places = np.flatnonzero(owners == scan)
            images[places] = self._read(int(scan), flat[places] - self._first[scan])
        return images.reshape(*np.shape(chosen), *self.shape[1:])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all images as one array, whatever the memory it takes."""
        if copy is False:
            raise ValueError("An array of all images is always a copy. Received: copy=False.")
        return self[:].astype(dtype or "float32", copy=False)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for another process, without the lock."""
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state from another process, with a new lock."""
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
                f"and memory={self.memory:.2f} of it are kept. Whenever an image of another scan "
                f"is needed, its scan is read and prepared again: about {seconds:.1f} s each time. "
                "Pass `cache=`, a folder with as much free space, or increase `memory`.",
                UserWarning,
                stacklevel=3,
            )
        return tuple(counts)

    def _read(self, number: int, indices: np.ndarray) -> np.ndarray:
        if self.cache is not None:
            return self._entries[number].read(indices)
        # The lock covers preparing: one scan in memory at a time, and none prepared twice. Notices
        # are dropped, since the constructor has already shown them.
        with self._lock, gathered({}):
            return self._prepared(number)[indices]

    def _prepared(self, number: int) -> np.ndarray:
        """Return the images of a scan, from memory or prepared again."""
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
            volume = unmarked(volume)  # one warning for all scans
        volume = self.preprocessing.prepare(volume, self.domain).volume
        if (size := voxel_size(volume)) is not None:
            self.sizes.append((scan_name(scan).strip("`"), size))
            ends = np.indices((2, 2, 2)).reshape(3, -1) * np.array([volume.shape]).T
            self.corners[number] = (volume.affine[:3, :3] @ ends).T + volume.affine[:3, 3]
        images = self.preprocessing.cutter.training_images(volume)
        if not len(images):
            raise VolumeError(
                scan_name(scan).strip("`"),
                "no image to train on is left of this scan. Expected at least one: leave the scan "
                "out, or make the preprocessing drop fewer images (`minimum_foreground`).",
            )
        return np.ascontiguousarray(_checks.images(f"images of {scan_name(scan)}", images))

    def _check_shape(self, scan: Scan, shape: tuple) -> None:
        if self._image_shape is None:
            self._image_shape = tuple(shape[1:])
        elif tuple(shape[1:]) != self._image_shape:
            raise VolumeError(
                scan_name(scan).strip("`"),
                f"images of shape {tuple(shape[1:])}, and those of {scan_name(self._scans[0])} "
                f"have {self._image_shape}. Expected one shape for all: pass the preprocessing a "
                "size to pad and crop to, `Preprocessing(cutter=Slices(size=(256, 256)))`, with "
                "`Resample` as its first step if the spacings differ.",
            )


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"`cache` must be a folder, or a path where one can be created. Received: {path!r} "
            f"({error.strerror})."
        ) from error
