"""Slice order and affine from the positions of single images."""

import warnings

import numpy as np

from keras_mri_cyclegan.volumes.dicom.frames import Frame
from keras_mri_cyclegan.volumes.errors import VolumeError, VolumeWarning

# Positions are written with a few digits; a missing slice is off by a whole step.
TOLERANCE_MM, TOLERANCE = 0.01, 0.01
LARGEST = 0.25  # of a step: above, a missing slice could not be told from jitter
COPY = "nothing but the file's name: one is a copy"
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def arrange(
    path: str, frames: list[Frame], slice_tolerance: float | None = None
) -> tuple[list[Frame], np.ndarray]:
    """Sort images into a stack and compute its affine.

    The voxel `(column, row, slice)` is, by DICOM PS3.3 C.7.6.2.1.1, at `position of the slice +
    column * spacing between columns * direction of rows + row * spacing between rows * direction
    of columns`; what is patient's left and back there is negative in RAS+.

    Args:
        path: What was passed in, for the messages.
        frames: The images, in any order.
        slice_tolerance: By how many millimetres a step may differ from the usual one, and a slice
            lie off the line. Defaults to `None`: 0.01 mm or a hundredth of a step, whichever is
            larger.

    Returns:
        The images in the order of their slices, along the normal of their plane (the direction
        of rows x the direction of columns), and the affine `(4, 4)` that takes `(column, row,
        slice, 1)` to RAS+ millimetres.

    Raises:
        VolumeError: Images that are not parallel or not of one spacing, two at one place, or
            slices that are not evenly spaced on a line.
    """
    first = frames[0]
    for frame in frames[1:]:
        _check_alike(path, first, frame)
    normal = np.cross(first.orientation[0], first.orientation[1])
    ordered = sorted(frames, key=lambda frame: (float(frame.position @ normal), frame.number))
    step = _step(path, ordered, normal, slice_tolerance)
    affine = np.eye(4)
    affine[:3, 0] = first.orientation[0] * first.spacing[1]
    affine[:3, 1] = first.orientation[1] * first.spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = ordered[0].position
    return ordered, LPS_TO_RAS @ affine


def _check_alike(path: str, first: Frame, frame: Frame) -> None:
    differs = None
    if not np.allclose(frame.orientation, first.orientation, atol=1e-3):
        differs = ("orientations", first.orientation.ravel(), frame.orientation.ravel())
    elif not np.allclose(frame.spacing, first.spacing, rtol=1e-3):
        differs = ("pixel spacings", first.spacing, frame.spacing)
    if differs:
        what, one, other = differs
        raise VolumeError(
            path,
            f"images of different {what}: {_named(first)} has {one.tolist()}, {_named(frame)} has "
            f"{other.tolist()}. Expected parallel slices of one grid. A localizer has to be taken "
            "apart: put the images of each direction in a folder of their own.",
        )


def _step(
    path: str, frames: list[Frame], normal: np.ndarray, slice_tolerance: float | None
) -> np.ndarray:
    if len(frames) == 1:
        thickness = frames[0].thickness
        if thickness is None:
            warnings.warn(
                f"`{path}`: a single slice without SpacingBetweenSlices and SliceThickness. It is "
                "taken as 1 mm thick.",
                VolumeWarning,
                stacklevel=2,
            )
        return normal * (1.0 if thickness is None else thickness)
    along = np.array([frame.position @ normal for frame in frames])
    steps = np.diff(along)
    usual = float(np.median(steps))
    close = int(np.argmin(steps))
    if steps[close] <= max(1e-3, TOLERANCE * usual):
        _raise_same_place(path, frames[close], frames[close + 1])
    usually = max(TOLERANCE_MM, TOLERANCE * usual)
    tolerance = usually if slice_tolerance is None else slice_tolerance
    if slice_tolerance is not None and slice_tolerance > LARGEST * usual:
        raise VolumeError(
            path,
            f"`slice_tolerance` of {slice_tolerance:g} mm for slices {usual:g} mm apart. Expected "
            f"at most a quarter, {LARGEST * usual:g}: beyond, slices may be missing.",
        )
    gap = int(np.argmax(np.abs(steps - usual)))
    if abs(steps[gap] - usual) > tolerance:
        raise VolumeError(
            path,
            f"slices that are not evenly spaced: most are {usual:g} mm apart, {_named(frames[gap])}"
            f" and {_named(frames[gap + 1])} are {steps[gap]:g} mm. Expected steps equal to within "
            f"{tolerance:.2g} mm. {_way_out(abs(steps[gap] - usual), usual)}",
        )
    step = (frames[-1].position - frames[0].position) / (len(frames) - 1)
    line = frames[0].position + np.arange(len(frames))[:, None] * step
    away = np.linalg.norm([frame.position for frame in frames] - line, axis=1)
    worst = int(np.argmax(away))
    if away[worst] > tolerance:
        raise VolumeError(
            path,
            f"slices that are not on a straight line: {_named(frames[worst])} is "
            f"{away[worst]:g} mm off. Expected {tolerance:.2g} mm at most. "
            f"{_way_out(away[worst], usual)}",
        )
    found = max(float(away[worst]), float(np.abs(steps - usual).max()))
    if found > usually:
        warnings.warn(
            f"`{path}`: its slices are up to {found:.3g} mm off an even spacing of "
            f"{np.linalg.norm(step):g} mm, and taken as evenly spaced (`slice_tolerance`).",
            VolumeWarning,
            stacklevel=2,
        )
    return step


def _way_out(off: float, usual: float) -> str:
    """Return the way out for a slice that deviates by so many millimetres."""
    if off > LARGEST * usual:
        return "Slices are missing or belong elsewhere: export the series again."
    enough = np.ceil(off * 110) / 100
    return (
        "If the positions were rounded, or the table moved unevenly, say how much is too little to "
        f"matter: `read_volume(path, slice_tolerance={min(enough, LARGEST * usual):g})`."
    )


def _raise_same_place(path: str, one: Frame, other: Frame) -> None:
    differences = [
        f"{keyword} {one.distinctions[keyword]} and {other.distinctions[keyword]}"
        for keyword in one.distinctions
        if one.distinctions[keyword] != other.distinctions.get(keyword, one.distinctions[keyword])
    ]
    if "SOPInstanceUID" in one.distinctions and not any("SOPInst" in d for d in differences):
        differences = differences or [COPY]
    differences = [d for d in differences if not d.startswith("SOPInstanceUID")]
    copied = differences == [COPY]
    way_out = (
        "remove one, or move it out of the folder"
        if copied
        else "put each echo, time point or kind of image in a folder of its own"
    )
    raise VolumeError(
        path,
        f"two images at the same place: {_named(one)} and {_named(other)}. They differ in "
        f"{'; '.join(differences[:3]) or 'none of the usual attributes'}. Expected one volume: "
        f"{way_out}.",
    )


def _named(frame: Frame) -> str:
    return f"{frame.path} (frame {frame.number + 1})" if frame.number else frame.path
