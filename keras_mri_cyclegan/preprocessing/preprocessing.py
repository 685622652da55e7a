"""The way of a scan to a network and back, as one object that is saved beside the model."""

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
EXPECTED = ("steps", "cutter", "domains")  # "spacing" is not in the first files
FORMAT = "keras_mri_cyclegan preprocessing"
VERSION = 1


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Preprocessing:
    """Everything done to a scan before a network sees it, and undone after.

    A chain of steps brings each scan to one grid and to [-1, 1]; a cutter makes images of it.
    `prepare` keeps what every step did to this scan, and `restore` undoes it on the scan's own
    grid. `fit` learns, from the training scans of each contrast, what some steps need before
    (`Nyul`), and how bright a typical scan is. Save it beside the model: a translation next year
    uses the same numbers.

    Args:
        steps: Steps, in order. `()` for scans that are in [-1, 1] already. Defaults to
            `(Reorient("RAS"), Percentile())`.
        cutter: `Slices` or `Patches`. Defaults to `Slices("axial")`.

    Raises:
        ValueError: Something that is not a step or a cutter, or is not registered; a step that
            has to be fitted before it can be applied (`Nyul`), followed by one that learns.

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
                    f"`steps` has {step!r}, which has to be fitted before it can be applied, in "
                    f"front of {later!r}, which learns from what comes out of it. Expected at most "
                    "one of them, and nothing that learns after it: leave one out."
                )
        self._states: dict[str, list[dict[str, Any]]] = {}
        self._spacing: dict[str, voxel_sizes.Range] = {}

    @property
    def fitted(self) -> bool:
        """Whether `fit` has been called, or what was loaded had been fitted."""
        return bool(self._states)

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains that have been fitted, of `"a"` and `"b"`."""
        return tuple(domain for domain in DOMAINS if domain in self._states)

    @property
    def spacing(self) -> dict[str, voxel_sizes.Range]:
        """The smallest and the largest voxel of the scans that were fitted on, for each domain.

        As `[left-right, front-back, feet-head]` in mm, after the steps; it is saved, and scans that
        are prepared later are compared with it.
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
        """Learn what the steps need from the training scans of one or both contrasts.

        Each scan is read once, and one scan is in memory at a time. Nothing is read if no step
        learns anything. Nothing is changed if it fails. The scans' voxels are compared, and their
        `spacing` kept.

        Args:
            a: Files or volumes of the first contrast: any iterable, or a folder or a glob.
            b: The same of the second. Defaults to `None`: not fitted now.
            verbose: 0 for silence, 1 for a progress bar. Defaults to 1.
            fill_nan: What NaN and infinite values in a file become, as for `read_volume`. Defaults
                to `None`: they are an error.
            slice_tolerance: As for `read_volume`, of DICOM series. Defaults to `None`.

        Returns:
            This object.

        Warns:
            ScanWarning: Pixels differ by more than 5 % among the scans, of both contrasts.

        Raises:
            ValueError: No scan, or something that is not one.
            VolumeError: A scan that cannot be read or prepared; the message names its file.

        Warns:
            SyntheticWarning: Scans that say that they are synthetic.
        """
        given = {"a": a} if b is None else {"a": a, "b": b}
        reading = reading_options(fill_nan, slice_tolerance)
        synthetic: list[str] = []
        fitted = {
            domain: fit_domain(self.steps, volumes, domain, verbose, reading, synthetic)
            for domain, volumes in given.items()
        }
        warn_of(synthetic)
        self._states |= {domain: states for domain, (states, _) in fitted.items()}
        self.learn_spacing({domain: sizes for domain, (_, sizes) in fitted.items()})
        return self

    def learn_spacing(self, sizes: dict[str, voxel_sizes.Sizes]) -> None:
        """Keep how large the voxels of each domain's scans are, and warn if they differ.

        `fit` and `data.from_volumes` call it.

        Args:
            sizes: For each domain the names and sizes of its scans; `{}` compares what is known.
        """
        self._spacing = {d: kept for d, kept in self._spacing.items() if d not in sizes}
        known = [voxel_sizes.of_range(*one) for one in self._spacing.items()]
        voxel_sizes.compare([*itertools.chain(*known, *sizes.values())], self.cutter)
        self._spacing |= {d: voxel_sizes.range_of(found) for d, found in sizes.items() if found}

    def prepare(
        self,
        volume: Volume | str | os.PathLike,
        domain: str = "a",
        fill_nan: float | None = None,
        slice_tolerance: float | None = None,
    ) -> Prepared:
        """Return a scan as the network's cutter takes it, with what `restore` needs.

        Args:
            volume: A volume, or the file of one.
            domain: The contrast of the scan, `"a"` or `"b"`. Defaults to `"a"`.
            fill_nan: What NaN and infinite values in a file become, as for `read_volume`. Defaults
                to `None`: they are an error.
            slice_tolerance: As for `read_volume`, of DICOM series. Defaults to `None`.

        Raises:
            ValueError: A step has to be fitted first.
            VolumeError: A scan that cannot be read or prepared.

        Warns:
            ScanWarning: Air is not the darkest; pixels differ by more than 5 % from those that
                were fitted on; thick slices are cut across.
            SyntheticWarning: A scan that says that it is synthetic.
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
        """Return a volume to the grid of the scan that was prepared, with its header and path.

        Args:
            volume: A volume on the grid of `prepared.volume`: a network's output, joined.
            prepared: What `prepare` returned.
            intensities: `"source"`: as those of the scan itself, the exact inverse (but for what
                a step clips or says it cannot undo). `"target"`: as those of a typical training
                scan of `domain`. `"normalized"`: in [-1, 1]; the header's dtype becomes float32.
            domain: For `"target"`, the contrast that `volume` now has, `"a"` or `"b"`.

        Raises:
            ValueError: An argument out of its range, or a `domain` that was not fitted.
            VolumeError: A volume of another shape, or one that the steps did not bring back to
                the shape of the scan.
        """
        _checks.one_of("intensities", intensities, ("source", "target", "normalized"))
        if not isinstance(prepared, Prepared) or len(prepared.records) != len(self.steps):
            raise ValueError(
                "`prepared` must be what `prepare` of this preprocessing returned. Received: "
                f"{type(prepared).__name__}."
            )
        if volume.shape != prepared.volume.shape:
            raise VolumeError(
                prepared.source_path,
                f"a volume of shape {volume.shape} to restore. Expected that of the prepared "
                f"volume, {prepared.volume.shape}: `cutter.join(images, like=prepared.volume)`.",
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
            # The type of the source, often an integer, would leave three of the values in [-1, 1].
            header = dataclasses.replace(header, dtype=np.dtype("float32"))
        return volume.replace(
            affine=prepared.source_affine, header=header, path=prepared.source_path
        )

    def training_images(
        self, volume: Volume | str | os.PathLike, domain: str = "a", **options: Any
    ) -> np.ndarray:
        """Return the images of a scan that a network is trained on, float32 in [-1, 1].

        `options` are the others of `prepare`.
        """
        return self.cutter.training_images(self.prepare(volume, domain, **options).volume)

    def get_config(self) -> dict[str, Any]:
        """Return what makes an equal object, fitted as this one is; JSON-able."""
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
            ValueError: Anything else. Classes are looked up among those registered with Keras;
                nothing is imported or executed.
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
        """Write a JSON file, whole or not at all.

        Raises:
            ValueError: A step's config or state that JSON cannot hold; a name as `model.keras`.
            VolumeError: The file cannot be written.
        """
        check_ending("path", path, "JSON", ".json")
        json_file.write(path, {"format": FORMAT, "version": VERSION, **self.get_config()})

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Preprocessing":
        """Read a file that `save` wrote: the same numbers, bit for bit.

        Raises:
            VolumeError: A file that is missing, damaged, of another format or version, or that
                names a class which is not registered. Nothing in it is imported or executed.
        """
        content = json_file.read_of(path, FORMAT, VERSION)
        try:
            return cls.from_config(content)
        except ValueError as error:
            raise VolumeError(os.fspath(path), str(error)) from error

    def fingerprint(self) -> str:
        """Return the SHA-256, in hex, of all that decides what this object does, fit included."""
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
                f"{needy!r} has to be fitted on scans of domain {domain!r} first. Fitted: "
                f"{self.domains}. Call `preprocessing.fit(a, b)` with the training scans, or load "
                "one that was fitted: `Preprocessing.load(path)`."
            )
        return [{} for _ in self.steps]

    def _target_states(self, domain: str | None) -> list[dict[str, Any]]:
        if domain not in self.domains:
            raise ValueError(
                "`intensities='target'` needs `domain`, the contrast that the volume now has, and "
                f"a preprocessing fitted on scans of it. Received: domain={domain!r}; fitted: "
                f"{self.domains}. Call `preprocessing.fit(a, b)`, or use `intensities='source'` "
                "or 'normalized'."
            )
        return self._states[domain]
