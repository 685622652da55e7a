"""Image size in a JPEG header, to check before decoding."""

import struct

# What starts a frame in JPEG (any but DHT, JPG, DAC) and JPEG-LS: the size follows.
STARTS_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}


def size_of(frame: bytes) -> tuple[int, int, int] | None:
    """Return `(rows, columns, components)` from the header of any kind of JPEG.

    Args:
        frame: A JPEG, JPEG-LS or JPEG 2000 codestream, the last perhaps in a JP2 file.

    Returns:
        The size, or `None` if there is none to be found.

    Example:
        >>> from keras_mri_cyclegan.volumes.dicom.codestream import size_of
        >>> size_of(bytes.fromhex("ffd8 ffc3 000b 08 0040 0030 01 011100"))
        (64, 48, 1)
    """
    start = frame.find(b"\xff\x4f\xff\x51")
    if start >= 0 and not frame.startswith(b"\xff\xd8"):
        return _of_jpeg2000(frame[start + 4 : start + 42])
    return _of_jpeg(frame)


def _of_jpeg2000(siz: bytes) -> tuple[int, int, int] | None:
    if len(siz) < 38:
        return None
    right, bottom, left, top = struct.unpack(">4I", siz[4:20])
    return bottom - top, right - left, struct.unpack(">H", siz[36:38])[0]


def _of_jpeg(frame: bytes) -> tuple[int, int, int] | None:
    if not frame.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker in (0xFF, 0x01) or 0xD0 <= marker <= 0xD8:  # filler, or without a length
            at += 1 if marker == 0xFF else 2
        elif marker in STARTS_OF_FRAME:
            if at + 10 > len(frame):
                return None
            rows, columns, components = struct.unpack(">HHB", frame[at + 5 : at + 10])
            return rows, columns, components
        else:
            at += 2 + struct.unpack(">H", frame[at + 2 : at + 4])[0]
    return None
