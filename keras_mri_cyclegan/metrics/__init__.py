"""Image quality metrics of translations, with and without pairs.

With pairs: PSNR, SSIM and NRMSE, equal to scikit-image's, multi-scale SSIM and MAE. Without pairs:
displacement of the anatomy, and distances between two sets of images in intensities or features.
"""

from keras_mri_cyclegan.metrics.absolute_error import MAE, mae
from keras_mri_cyclegan.metrics.displacement import displacement, displacement_field
from keras_mri_cyclegan.metrics.frechet_inception_distance import fid
from keras_mri_cyclegan.metrics.histogram_distance import histogram_distance
from keras_mri_cyclegan.metrics.kernel_inception_distance import kid
from keras_mri_cyclegan.metrics.multi_scale_structural_similarity import MSSSIM, ms_ssim
from keras_mri_cyclegan.metrics.peak_signal_to_noise_ratio import PSNR, psnr
from keras_mri_cyclegan.metrics.root_mean_squared_error import NRMSE, nrmse
from keras_mri_cyclegan.metrics.structural_similarity import SSIM, ssim

__all__ = [
    "MAE",
    "MSSSIM",
    "NRMSE",
    "PSNR",
    "SSIM",
    "displacement",
    "displacement_field",
    "fid",
    "histogram_distance",
    "kid",
    "mae",
    "ms_ssim",
    "nrmse",
    "psnr",
    "ssim",
]
