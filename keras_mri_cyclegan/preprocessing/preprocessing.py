"""The preprocessing pipeline: a chain of transforms and a sampler, saved beside the model."""

import copy
import dataclasses
import hashlib
import itertools
import os
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._endings import check_ending
from keras_mri_cyclegan._notices import once
from keras_mri_cyclegan.preprocessing import json_file, parts, voxel_sizes
from keras_mri_cyclegan.preprocessing.background import check_range, notice_bright_air
from keras_mri_cyclegan.preprocessing.cutter import Cutter
from keras_mri_cyclegan.preprocessing.fitting import fit_domain, read_if_path
from keras_mri_cyclegan.preprocessing.normalization import Normalization, short
from keras_mri_cyclegan.preprocessing.percentile import Percentile
from keras_mri_cyclegan.preprocessing.prepared import Prepared
from keras_mri_cyclegan.preprocessing.reorient import Reorient
from keras_mri_cyclegan.preprocessing.slices import Slices
from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.volumes import Volume, VolumeError
from keras_mri_cyclegan.volumes.synthetic import is_synthetic, warn_of
from keras_mri_cyclegan.volumes.validate import reading_options

DOMAINS = ("a", "b")
EXPECTED = ("steps", "cutter", "domains")  # "spacing" is optional: older files lack it
FORMAT = "keras_mri_cyclegan preprocessing"
VERSION = 1


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Preprocessing:
    """Reversible preprocessing of scans: a chain of transforms ("steps") and a sampler ("cutter").

    The steps bring each scan to a common grid and to [-1, 1]; the sampler extracts images from it.
    `prepare` applies the steps and records their changes, and `restore` inverts them, back to the
    scan's own grid. `fit` learns from the training scans of each domain the state of transforms
    such as `Nyul`, and the intensities of a typical scan. Save the preprocessing beside the model,
    so that later translations use the same state.

    Args:
        steps: Transforms, in order. `()` for scans that are already in [-1, 1]. Defaults to
            `(Reorient("RAS"), Percentile())`.
        cutter: The sampler, `Slices` or `Patches`. Defaults to `Slices("axial")`.

    Raises:
        ValueError: An element of `steps` is not a transform, or `cutter` is not a sampler; their
            class is not registered; or a transform that must be fitted before it is applied
            (`Nyul`) is followed by another that learns a state.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing, Reorient, Slices
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> rng = np.random.default_rng(0)
        >>> t1 = [Volume(rng.uniform(0, 900, (8, 9, 5)), np.diag([-1, 1, 2, 1])) for _ in range(3)]
        >>> t2 = [Volume(rng.uniform(0, 300, (8, 9, 5)), np.diag([-1, 1, 2, 1])) for _ in range(3)]
        >>> preprocessing = Preprocessing([Reorient(), MinMax()], Slices("axial"))
        >>> preprocessing.fit(t1, t2, verbose=0).domains
        ('a', 'b')
        >>> prepared = preprocessing.prepare(t1[0], domain="a")
        >>> images = preprocessing.cutter.cut(prepared.volume)  # (slices, rows, columns, 1)
        >>> images.shape, float(images.min()), float(images.max())
        ((5, 9, 8, 1), -1.0, 1.0)
        >>> volume = preprocessing.cutter.join(images, like=prepared.volume)
        >>> restored = preprocessing.restore(volume, prepared)
        >>> restored.orientation, bool(np.allclose(restored.array, t1[0].array, atol=1e-4))
        ('LAS', True)
        >>> as_t2 = preprocessing.restore(volume, prepared, intensities="target", domain="b")
        >>> round(float(as_t2.array.max()), -1)  # as bright as a typical T2 scan
        300.0
    """

    def __init__(self, steps: Sequence[Step] | None = None, cutter: Cutter | None = None):
        if steps is None:
            steps = (Reorient("RAS"), Percentile())
        elif not isinstance(steps, Sequence) or isinstance(steps, str):
            raise ValueError(
                f"`steps` must be a list of steps, such as [Reorient(), Percentile()]. "
                f"Received: {steps!r}."
            )
        for index, step in enumerate(steps):
            parts.check_part(f"steps[{index}]", step, Step)
        self.steps = tuple(steps)
        self.cutter = Slices("axial") if cutter is None else cutter
        parts.check_part("cutter", self.cutter, Cutter)
        for index, step in enumerate(self.steps):
            later = next((s for s in self.steps[index + 1 :] if s.has_state), None)
            if step.needs_fit and later is not None:
                raise ValueError(
                    f"`steps` has {step!r}, which must be fitted before it can be applied, before "
                    f"{later!r}, which would be fitted to its output. Expected no step that learns "
                    f"a state after {step!r}: leave one of the two out."
                )
        self._states: dict[str, list[dict[str, Any]]] = {}
        self._spacing: dict[str, voxel_sizes.Range] = {}

    @property
    def fitted(self) -> bool:
        """Whether the preprocessing has been fitted, by `fit` or before it was saved."""
        return bool(self._states)

    @property
    def domains(self) -> tuple[str, ...]:
        """The fitted domains, out of `"a"` and `"b"`."""
        return tuple(domain for domain in DOMAINS if domain in self._states)

    @property
    def spacing(self) -> dict[str, voxel_sizes.Range]:
        """Smallest and largest voxel size of the training scans of each domain.

        Sizes are `[left-right, front-back, feet-head]` in mm, after the steps. They are saved with
        the preprocessing; `prepare` compares each scan with them.
        """
        return copy.deepcopy(self._spacing)

    @once()
    def fit(
        self,
        a: Iterable[Volume | str | os.PathLike],
        b: Iterable[Volume | str | os.PathLike] | None = None,
        verbose: int = 1,
        fill_nan: float | None = None,
        slice_tolerance: float | None = None,
    ) -> "Preprocessing":
        """Fit the steps to the training scans of one or both domains.

        Each scan is read once, and only one scan is in memory at a time. No scan is read if no
        step learns a state. If fitting fails, the preprocessing is unchanged. The voxel sizes of
        the scans are compared, and kept in `spacing`.

        Args:
            a: Files or volumes of domain A: any iterable, a folder or a glob.
            b: Files or volumes of domain B. Defaults to `None`: domain B is not fitted.
            verbose: 0 for silence, 1 for a progress bar. Defaults to 1.
            fill_nan: Replacement for NaN and infinite values in a file, as for `read_volume`.
                Defaults to `None`: such values are an error.
            slice_tolerance: Tolerance for DICOM series, as for `read_volume`. Defaults to `None`.

        Returns:
            This object.

        Raises:
            ValueError: A domain has no scan, or an element is neither a file nor a volume.
            VolumeError: A scan cannot be read or prepared; the message names its file.

        Warns:
            ScanWarning: Pixel sizes differ by more than 5 % among the scans of both domains.
            SyntheticWarning: Scans are marked as synthetic.
        """
        sources = {"a": a} if b is None else {"a": a, "b": b}
        reading = reading_options(fill_nan, slice_tolerance)
        synthetic: list[str] = []
        fitted = {
            domain: fit_domain(self.steps, volumes, domain, verbose, reading, synthetic)
            for domain, volumes in sources.items()
        }
        warn_of(synthetic)
        self._states |= {domain: states for domain, (states, _) in fitted.items()}
        self.learn_spacing({domain: sizes for domain, (_, sizes) in fitted.items()})
        return self

    def learn_spacing(self, sizes: dict[str, voxel_sizes.Sizes]) -> None:
        """Store the range of each domain's voxel sizes, and warn if the scans' sizes differ.

        Called by `fit` and `data.from_volumes`.

        Args:
            sizes: For each domain, the names and voxel sizes of its scans. `{}` only compares the
                stored ranges.
        """
        self._spacing = {d: kept for d, kept in self._spacing.items() if d not in sizes}
        known = [voxel_sizes.of_range(*item) for item in self._spacing.items()]
        voxel_sizes.compare([*itertools.chain(*known, *sizes.values())], self.cutter)
        self._spacing |= {d: voxel_sizes.range_of(new) for d, new in sizes.items() if new}

    def prepare(
        self,
        volume: Volume | str | os.PathLike,
        domain: str = "a",
        fill_nan: float | None = None,
        slice_tolerance: float | None = None,
    ) -> Prepared:
        """Apply all steps to a scan.

        Args:
            volume: A volume, or the path of its file.
            domain: The domain of the scan, `"a"` or `"b"`. Defaults to `"a"`.
            fill_nan: Replacement for NaN and infinite values in a file, as for `read_volume`.
                Defaults to `None`: such values are an error.
            slice_tolerance: Tolerance for DICOM series, as for `read_volume`. Defaults to `None`.

        Returns:
            A `Prepared`: the volume in [-1, 1], and the records that `restore` needs.

        Raises:
            ValueError: A step must be fitted to scans of `domain` first.
            VolumeError: The scan cannot be read or prepared.

        Warns:
            ScanWarning: Air is not the darkest; the pixel size differs by more than 5 % from that
                of the training scans; or thick slices are sampled across their plane.
            SyntheticWarning: The scan is marked as synthetic.
        """
        states = self._states_of(domain)
        source = volume = read_if_path(volume, reading_options(fill_nan, slice_tolerance))
        if is_synthetic(volume):
            warn_of([f"`{volume.path}`"])
        records = []
        for step, state in zip(self.steps, states, strict=True):
            volume, record = step.for_domain(domain).apply(volume, state)
            records.append(record)
        if not any(isinstance(step, Normalization) for step in self.steps):
            check_range(volume)
        notice_bright_air(volume)
        voxel_sizes.notice_cut_across(source, self.cutter)
        if domain in self._spacing:
            voxel_sizes.notice_other_size(volume, self._spacing[domain], domain, self.cutter)
        return Prepared(
            volume, records, domain, source.shape, source.affine, source.header, source.path
        )

    def restore(
        self,
        volume: Volume,
        prepared: Prepared,
        intensities: str = "source",
        domain: str | None = None,
    ) -> Volume:
        """Invert the steps: bring a volume back to the original scan's grid, header and path.

        Args:
            volume: A volume on the grid of `prepared.volume`, such as a network's output
                reassembled by `cutter.join`.
            prepared: The result of `prepare`.
            intensities: Intensities of the result. `"source"`: those of the scan itself, by the
                exact inverse, except where a step clips or cannot be undone. `"target"`: those of
                a typical training scan of `domain`. `"normalized"`: in [-1, 1]; the header's dtype
                becomes float32.
            domain: For `"target"`, the domain of `volume` after translation, `"a"` or `"b"`.

        Raises:
            ValueError: An argument is out of its range, or `domain` was not fitted.
            VolumeError: `volume` has another shape than `prepared.volume`, or the steps do not
                restore the shape of the scan.
        """
        _checks.one_of("intensities", intensities, ("source", "target", "normalized"))
        if not isinstance(prepared, Prepared) or len(prepared.records) != len(self.steps):
            raise ValueError(
                "`prepared` must be the result of `prepare` of this preprocessing. Received: "
                f"{type(prepared).__name__}."
            )
        if volume.shape != prepared.volume.shape:
            raise VolumeError(
                prepared.source_path,
                f"a volume of shape {volume.shape} to restore. Expected that of `prepared.volume`, "
                f"{prepared.volume.shape}: use `cutter.join(images, like=prepared.volume)`.",
            )
        states = self._target_states(domain) if intensities == "target" else None
        for index in reversed(range(len(self.steps))):
            step, record = self.steps[index], prepared.records[index]
            if isinstance(step, Normalization):
                if intensities == "normalized":
                    continue
                if states is not None:
                    record = step.typical(states[index])
            volume = step.invert(volume, record)
        if volume.shape != prepared.source_shape:
            raise VolumeError(
                prepared.source_path,
                f"restored to shape {volume.shape}. Expected {prepared.source_shape}: a step's "
                "`invert` does not undo its `apply`.",
            )
        header = prepared.source_header
        if header is not None and intensities == "normalized":
            # In the dtype of the source, often an integer, only three values fit in [-1, 1].
            header = dataclasses.replace(header, dtype=np.dtype("float32"))
        return volume.replace(
            affine=prepared.source_affine, header=header, path=prepared.source_path
        )

    def training_images(
        self, volume: Volume | str | os.PathLike, domain: str = "a", **options: Any
    ) -> np.ndarray:
        """Return the training images of a scan, float32 in [-1, 1].

        `options` are the remaining arguments of `prepare`.
        """
        return self.cutter.training_images(self.prepare(volume, domain, **options).volume)

    def get_config(self) -> dict[str, Any]:
        """Return the JSON-serialisable steps, sampler and fitted states."""
        return {
            "steps": [parts.to_entry(step) for step in self.steps],
            "cutter": parts.to_entry(self.cutter),
            "domains": {domain: copy.deepcopy(self._states[domain]) for domain in self.domains},
            "spacing": self.spacing,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Preprocessing":
        """Build the object from the result of `get_config`.

        Raises:
            ValueError: `config` is invalid. Classes are looked up among those registered with
                Keras; nothing is imported or executed.
        """
        if not isinstance(config, dict) or {*config, "spacing"} != {*EXPECTED, "spacing"}:
            raise ValueError(
                "A preprocessing's config must have 'steps', 'cutter' and 'domains'. Received: "
                f"{short(list(config) if isinstance(config, dict) else config)}."
            )
        if not isinstance(config["steps"], list) or not isinstance(config["domains"], dict):
            raise ValueError(
                "In a preprocessing's config, 'steps' must be a list and 'domains' "
                f"a dictionary. Received: {short(config)}."
            )
        steps = [
            parts.from_entry(f"steps[{index}]", entry, Step)
            for index, entry in enumerate(config["steps"])
        ]
        result = cls(steps, parts.from_entry("cutter", config["cutter"], Cutter))
        for domain, states in config["domains"].items():
            _checks.one_of("domains", domain, DOMAINS)
            if not isinstance(states, list) or len(states) != len(steps):
                raise ValueError(
                    f"Domain {domain!r} must have a list of {len(steps)} states, one for each "
                    f"step. Received: {short(states)}."
                )
            for step, state in zip(steps, states, strict=True):
                if not isinstance(state, dict):
                    raise ValueError(f"A state must be a dictionary. Received: {short(state)}.")
                step.check_state(state)
        result._states = copy.deepcopy(config["domains"])
        result._spacing = copy.deepcopy(
            voxel_sizes.checked_ranges(config.get("spacing", {}), DOMAINS)
        )
        return result

    def save(self, path: str | os.PathLike) -> None:
        """Write the preprocessing to a JSON file, atomically.

        Raises:
            ValueError: JSON cannot represent a step's config or state; or `path` has the suffix of
                another kind of file, such as `model.keras`.
            VolumeError: The file cannot be written.
        """
        check_ending("path", path, "JSON", ".json")
        json_file.write(path, {"format": FORMAT, "version": VERSION, **self.get_config()})

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Preprocessing":
        """Load a file written by `save`; all numbers are bit-identical.

        Raises:
            VolumeError: The file is missing, damaged, of another format or version, or names a
                class that is not registered. Nothing in the file is imported or executed.
        """
        content = json_file.read_of(path, FORMAT, VERSION)
        try:
            return cls.from_config(content)
        except ValueError as error:
            raise VolumeError(os.fspath(path), str(error)) from error

    def fingerprint(self) -> str:
        """Return the SHA-256, in hex, of the steps, the sampler and the fitted states."""
        config = {name: self.get_config()[name] for name in EXPECTED}
        text = json_file.to_text({"version": VERSION, **config}, indent=None)
        return hashlib.sha256(text.encode()).hexdigest()

    def __repr__(self) -> str:
        fitted = f", fitted on {', '.join(self.domains)}" if self.fitted else ""
        return f"Preprocessing({list(self.steps)!r}, {self.cutter!r}{fitted})"

    def _states_of(self, domain: str) -> list[dict[str, Any]]:
        _checks.one_of("domain", domain, DOMAINS)
        if domain in self._states:
            return self._states[domain]
        needy = next((step for step in self.steps if step.needs_fit), None)
        if needy is not None:
            raise ValueError(
                f"{needy!r} must be fitted to scans of domain {domain!r} first. Fitted domains: "
                f"{self.domains}. Call `preprocessing.fit(a, b)` with the training scans, or load "
                "a fitted preprocessing: `Preprocessing.load(path)`."
            )
        return [{} for _ in self.steps]

    def _target_states(self, domain: str | None) -> list[dict[str, Any]]:
        if domain not in self.domains:
            raise ValueError(
                "`intensities='target'` needs `domain`, the domain of the volume after "
                "translation, and a preprocessing fitted to scans of this domain. Received: "
                f"domain={domain!r}; fitted domains: {self.domains}. Call `preprocessing.fit(a, "
                "b)`, or use `intensities='source'` or 'normalized'."
            )
        return self._states[domain]
