"""Image gradient of the edge-based losses."""

from typing import Any

from keras_mri_cyclegan.losses.structure.structure_loss import spatial_axes


def image_gradient(images: Any) -> list[Any]:
    """Return the forward difference along each spatial axis, in units of intensity per pixel.

    `images[i + 1] - images[i]`, at every pixel that has a successor along all axes. Each result
    is hence one pixel smaller than `images` along every spatial axis.

    Forward instead of central differences: central differences are blind to checkerboards, which
    strided generators tend to produce, and separated true pairs from shifted ones less well.
    """
    axes = spatial_axes(images)
    here = images[_cut(axes, None)]
    return [images[_cut(axes, axis)] - here for axis in axes]


def _cut(axes: tuple[int, ...], forward: int | None) -> tuple:
    """Return slices that drop the first pixel along the axis `forward`, the last along others."""
    along = (slice(1, None) if axis == forward else slice(None, -1) for axis in axes)
    return (slice(None), *along)
