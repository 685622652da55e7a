"""Reading of DICOM series and multi-frame files; writing of derived series."""

from keras_mri_cyclegan.volumes.dicom.opening import is_dicom
from keras_mri_cyclegan.volumes.dicom.patient import patient_id, text_of
from keras_mri_cyclegan.volumes.dicom.read import read
from keras_mri_cyclegan.volumes.dicom.write import check_derivable, write

__all__ = ["check_derivable", "is_dicom", "patient_id", "read", "text_of", "write"]
