"""Reversible preprocessing of scans: transforms, samplers and their pipeline."""

from keras_mri_cyclegan._notices import ScanWarning
from keras_mri_cyclegan.preprocessing.bias_field import CorrectBiasField
from keras_mri_cyclegan.preprocessing.cutter import Cutter
from keras_mri_cyclegan.preprocessing.foreground_mask import ForegroundMask
from keras_mri_cyclegan.preprocessing.head_preprocessing import head_preprocessing
from keras_mri_cyclegan.preprocessing.mask_from_files import MaskFromFiles
from keras_mri_cyclegan.preprocessing.min_max import MinMax
from keras_mri_cyclegan.preprocessing.normalization import Normalization
from keras_mri_cyclegan.preprocessing.nyul import Nyul
from keras_mri_cyclegan.preprocessing.patches import Patches
from keras_mri_cyclegan.preprocessing.percentile import Percentile
from keras_mri_cyclegan.preprocessing.prepared import Prepared
from keras_mri_cyclegan.preprocessing.preprocessing import Preprocessing
from keras_mri_cyclegan.preprocessing.reorient import Reorient
from keras_mri_cyclegan.preprocessing.resample import Resample
from keras_mri_cyclegan.preprocessing.slices import Slices
from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.preprocessing.white_stripe import WhiteStripe
from keras_mri_cyclegan.preprocessing.z_score import ZScore

__all__ = [
    "CorrectBiasField",
    "Cutter",
    "ForegroundMask",
    "MaskFromFiles",
    "MinMax",
    "Normalization",
    "Nyul",
    "Patches",
    "Percentile",
    "Prepared",
    "Preprocessing",
    "Reorient",
    "Resample",
    "ScanWarning",
    "Slices",
    "Step",
    "WhiteStripe",
    "ZScore",
    "head_preprocessing",
]
