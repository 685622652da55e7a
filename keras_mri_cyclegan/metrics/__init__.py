"""How close a translated image comes to the real one: PSNR and SSIM, equal to scikit-image's.

For the mean absolute error use `keras.metrics.MeanAbsoluteError`.
"""

from keras_mri_cyclegan.metrics.peak_signal_to_noise_ratio import PSNR, psnr
from keras_mri_cyclegan.metrics.structural_similarity import SSIM, ssim

__all__ = ["PSNR", "SSIM", "psnr", "ssim"]
