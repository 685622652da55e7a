"""Errors as colours: no error is black, so that what lights up is wrong."""

import numpy as np

# Both brighten evenly from black. Amounts: five colours of matplotlib's inferno (CC0).
ABSOLUTE = np.array([(0, 0, 0), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)])
# Signs: too dark is blue, too bright is red, which people who see no red from green tell apart.
SIGNED = np.array([(150, 225, 255), (40, 110, 235), (0, 0, 0), (215, 55, 25), (255, 215, 120)])


def coloured(shares: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Return colours for numbers from 0, the first colour, to 1, the last one.

    Args:
        shares: Floats of any shape. Beyond 0 and 1 they are given the colour at the end.
        colours: `(colours, 3)`, evenly spaced; between them the way is straight.

    Returns:
        uint8 array `(*shape, 3)`.
    """
    at = np.linspace(0, 1, len(colours))
    channels = [np.interp(shares, at, channel) for channel in colours.T]
    # NaN has no colour: it is black here, and left to the caller.
    return np.round(np.nan_to_num(np.stack(channels, axis=-1))).astype("uint8")
