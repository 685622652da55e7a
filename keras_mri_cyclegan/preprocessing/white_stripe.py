"""WhiteStripe normalisation by normal-appearing white matter."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan.preprocessing.normalization import LinearNormalization, foreground
from keras_mri_cyclegan.preprocessing.z_score import checked_limit
from keras_mri_cyclegan.volumes import Volume, VolumeError

# Range in standard deviations of the stripe that includes air, and fluid in T2. In scans of two
# patients, air was 50 to 100 standard deviations below the stripe, fluid in T2 130 to 175 above it.
LIMITS = {"t1": 100.0, "flair": 100.0, "t2": 175.0, "pd": 175.0}
# The kernel density estimate of the mode is evaluated at every voxel: a million take hours and
# bring no accuracy.
MAX_VOXELS = 20_000


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class WhiteStripe(LinearNormalization):
    """Normalise a scan by its normal-appearing white matter (Shinohara et al., 2014).

    `intensity-normalization` (the extra `preprocessing`) finds the mode of white matter in the
    histogram, and a stripe of quantiles around this mode. The stripe's mean is mapped to 0, and
    `limit` of its standard deviations to 1. The method is meant for skull-stripped brains; it uses
    the voxels inside the volume's mask, or, without a mask, all that are not air (see `ZScore`).
    More than 20,000 such voxels are subsampled at random, reproducibly, since a kernel density
    estimate of all would take very long.

    Args:
        modality: Contrast of the scans, which decides where white matter is in the histogram:
            `"t1"`, `"t2"`, `"flair"` or `"pd"`; or a pair, for domains a and b. Defaults to
            `"t1"` for both.
        width: Half the stripe's width, as a share of the voxels, in `(0, 0.5)`. Defaults to 0.05.
        limit: Number of the stripe's standard deviations mapped to 1. Defaults to `None`: 100
            for T1 and FLAIR, 175 for T2 and PD, a range that includes air and fluid.
        clip: Whether to clip values to [-1, 1]. The record's `"clipped"` is the clipped share of
            all voxels. If `False`, `invert` is exact to float32 rounding. Defaults to `True`.

    Raises:
        ValueError: An argument is out of its range.
        VolumeError: The foreground of a scan is empty, or no stripe can be found in it.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import WhiteStripe
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> rng = np.random.default_rng(0)
        >>> grey, white = rng.normal(300, 20, 2000), rng.normal(500, 20, 2000)
        >>> scan = Volume(np.concatenate([grey, white]).reshape(10, 20, 20), np.eye(4))
        >>> _, record = WhiteStripe("t1").apply(scan, {})
        >>> round((record["low"] + record["high"]) / 2, -1)  # the mean of the stripe
        500.0
    """

    def __init__(
        self,
        modality: str | Sequence[str] = "t1",
        width: float = 0.05,
        limit: float | None = None,
        clip: bool = True,
    ):
        super().__init__(clip)
        both = (modality, modality) if isinstance(modality, str) else tuple(modality)
        if len(both) != 2:
            raise ValueError(
                "`modality` must be one modality, or two for domains a and b. Received: "
                f"{modality!r}."
            )
        self.modality = tuple(_checks.one_of("modality", name, tuple(LIMITS)) for name in both)
        self.width = _checks.weight("width", width)
        if not 0 < self.width < 0.5:
            raise ValueError(f"`width` must be above 0 and below 0.5. Received: {width!r}.")
        self.limit = None if limit is None else checked_limit(limit)

    def for_domain(self, domain: str) -> "WhiteStripe":
        """Return the transform for scans of domain `"a"` or `"b"`, with that domain's modality."""
        modality = self.modality[("a", "b").index(domain)]
        return WhiteStripe(modality, self.width, self.limit, self.clip)

    def limits(self, volume: Volume) -> tuple[float, float]:
        """Return the stripe's mean minus, and plus, `limit` of its standard deviations."""
        module = require(
            "intensity_normalization.normalizers.individual.whitestripe", "preprocessing"
        )
        modality = self.modality[0]
        models = require("intensity_normalization.domain.models", "preprocessing")
        exceptions = require("intensity_normalization.domain.exceptions", "preprocessing")
        values = foreground(volume).astype("float64")
        if len(values) > MAX_VOXELS:
            values = np.random.default_rng(0).choice(values, MAX_VOXELS, replace=False)
        stripe = module.WhiteStripeNormalizer(width=self.width, modality=models.Modality(modality))
        try:
            stripe.fit(Image(values), Image(np.ones(values.shape)))
        except exceptions.NormalizationError as error:
            raise VolumeError(
                volume.path,
                f"{error}. Expected white matter among {len(values)} voxels of the foreground: "
                "check the scan and its mask, or use `Percentile`.",
            ) from error
        reach = (LIMITS[modality] if self.limit is None else self.limit) * stripe.std
        return stripe.mean - reach, stripe.mean + reach

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            "modality": list(self.modality),
            "width": self.width,
            "limit": self.limit,
            "clip": self.clip,
        }


class Image:
    """Image for `intensity_normalization`, whose own class would round to float32."""

    def __init__(self, data: np.ndarray):
        self.data = data

    def get_data(self) -> np.ndarray:
        """Return the array."""
        return self.data
