"""Reading and writing scans: the class `Volume` and one reader and writer per file format."""

from keras_mri_cyclegan.volumes.errors import SyntheticWarning, VolumeError, VolumeWarning
from keras_mri_cyclegan.volumes.files import (
    check_target,
    find_volumes,
    read_volume,
    read_volumes,
    write_volume,
)
from keras_mri_cyclegan.volumes.volume import SourceHeader, Volume

__all__ = [
    "SourceHeader",
    "SyntheticWarning",
    "Volume",
    "VolumeError",
    "VolumeWarning",
    "check_target",
    "find_volumes",
    "read_volume",
    "read_volumes",
    "write_volume",
]
