"""The attributes of one single-image file of a derived series."""

import datetime
from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes.dicom import attributes, describe
from keras_mri_cyclegan.volumes.dicom.rescale import Stored, decimal_string


def derived(
    source: Any,
    index: int,
    stored: Stored,
    bits: int,
    window: tuple[float, float],
    series: str,
    description: str,
    provenance: dict | None,
    now: datetime.datetime,
) -> Any:
    """Return the file of one slice, as a `pydicom.Dataset` with pixels.

    Args:
        source: The attributes of the source's image at the same place.
        index: The number of the slice, from 0.
        stored: The integers and their meaning.
        bits: How many bits of an integer are in use.
        window: Centre and width of a window that shows the series.
        series: The new SeriesInstanceUID.
        description: The new SeriesDescription.
        provenance: How the volume was generated, or `None` for an ordinary copy.
        now: The time.
    """
    dataset = attributes.kept(source, synthetic=provenance is not None)
    describe.identify(dataset, series, now)
    dataset.SeriesDescription = description
    dataset.InstanceNumber = index + 1
    others = list(source.get("ImageType") or [])[2:] if provenance is None else ["OTHER"]
    dataset.ImageType = ["DERIVED", "SECONDARY", *others]
    dataset.SourceImageSequence = [describe.source_image(source)]
    if provenance is not None:
        describe.mark_synthetic(dataset, source, provenance, now)
    if not stored.kept:
        dataset.RescaleSlope = decimal_string(stored.slopes[index])
        dataset.RescaleIntercept = decimal_string(stored.intercepts[index])
        dataset.RescaleType = "US"  # unspecified
    set_window(dataset, window)
    put_pixels(dataset, stored.array[index], bits)
    for keyword, value in (
        ("SmallestImagePixelValue", stored.array[index].min()),
        ("LargestImagePixelValue", stored.array[index].max()),
    ):
        dataset.add_new(keyword, "SS" if stored.array.dtype.kind == "i" else "US", int(value))
    return dataset


def set_window(dataset: Any, window: tuple[float, float]) -> None:
    """Set the window of a dataset, or of an item of FrameVOILUTSequence."""
    centre, width = window
    dataset.WindowCenter, dataset.WindowWidth = decimal_string(centre), decimal_string(width)
    if width < 1:  # which the usual function does not allow
        dataset.VOILUTFunction = "LINEAR_EXACT"


def put_pixels(dataset: Any, array: np.ndarray, bits: int) -> None:
    """Set the pixels of a dataset, uncompressed, little-endian."""
    allocated = 8 * array.dtype.itemsize
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = allocated, bits, bits - 1
    dataset.PixelRepresentation = int(array.dtype.kind == "i")
    content = array.astype(array.dtype.newbyteorder("<")).tobytes()
    dataset.add_new(
        "PixelData", "OB" if allocated == 8 else "OW", content + b"\0" * (len(content) % 2)
    )
