"""Colour maps of signed and absolute errors, black for no error."""

import numpy as np

# Both maps brighten evenly from black. Absolute errors: five colours of matplotlib's inferno (CC0).
ABSOLUTE = np.array([(0, 0, 0), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)])
# Signed errors: blue is too dark, red is too bright; distinguishable with red-green blindness.
SIGNED = np.array([(150, 225, 255), (40, 110, 235), (0, 0, 0), (215, 55, 25), (255, 215, 120)])


def coloured(shares: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Map numbers from 0 (first colour) to 1 (last colour) to colours.

    Args:
        shares: Floats of any shape, clipped to [0, 1].
        colours: `(colours, 3)`, evenly spaced and linearly interpolated.

    Returns:
        uint8 array `(*shape, 3)`.
    """
    positions = np.linspace(0, 1, len(colours))
    channels = [np.interp(shares, positions, channel) for channel in colours.T]
    # NaN is black here; the caller may replace its colour.
    return np.round(np.nan_to_num(np.stack(channels, axis=-1))).astype("uint8")
