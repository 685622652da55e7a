"""The IXI data set: head scans of nearly 600 healthy people in T1, T2, PD and MRA."""

from keras_mri_cyclegan.datasets.ixi.load_ixi import CONTRASTS, LICENCE, load_ixi
from keras_mri_cyclegan.datasets.ixi.scans import SITES, patient_of
from keras_mri_cyclegan.datasets.ixi.split import IXI, Split

__all__ = ["CONTRASTS", "IXI", "LICENCE", "SITES", "Split", "load_ixi", "patient_of"]
