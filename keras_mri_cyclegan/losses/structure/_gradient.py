"""The image gradient that the edge-based losses share."""

from typing import Any

from keras_mri_cyclegan.losses.structure.structure_loss import spatial_axes


def image_gradient(images: Any) -> list[Any]:
    """Return the forward difference along each spatial axis, in units of intensity per pixel.

    `images[i + 1] - images[i]`, at every pixel that has a next one along all axes, so each
    result is one pixel smaller than `images` along every spatial axis.

    Forward differences, not central ones: those cannot see a checkerboard, which generators with
    strides are prone to paint, and told true pairs from shifted ones less well.
    """
    axes = spatial_axes(images)
    here = images[_cut(axes, None)]
    return [images[_cut(axes, axis)] - here for axis in axes]


def _cut(axes: tuple[int, ...], forward: int | None) -> tuple:
    """Slices that drop the first pixel along the axis `forward`, the last along the others."""
    along = (slice(1, None) if axis == forward else slice(None, -1) for axis in axes)
    return (slice(None), *along)
