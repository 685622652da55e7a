"""Two contrasts in, one out: from scans to a scan by the way that the messages tell."""

import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.data import UnpairedDataset, from_volumes
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing, Reorient, Slices
from keras_mri_cyclegan.volumes import Volume

SCANS = [
    Volume(np.random.default_rng(k).uniform(0, 90, (16, 16, 4)), np.eye(4), path=f"p1_t{k}.nii")
    for k in range(3)
]


def fitted():
    return Preprocessing([Reorient(), MinMax()], Slices()).fit(SCANS[:1], SCANS[2:], verbose=0)


def generator():
    return kmc.unet_generator((16, 16, 2), depth=2, filters=2, output_channels=1)


def test_the_way_out_gives_a_translation():
    preprocessing, scans = fitted(), SCANS[:2]
    with pytest.raises(ValueError, match=r"network takes 2\. Neighbouring slices give") as error:
        kmc.translate_volume(generator(), scans[0], preprocessing=preprocessing, verbose=0)
    prepared = [preprocessing.prepare(scan) for scan in scans]
    images = np.concatenate([preprocessing.cutter.cut(one.volume) for one in prepared], axis=-1)
    volume = preprocessing.cutter.join(
        generator().predict(images, verbose=0), like=prepared[0].volume
    )
    made = preprocessing.restore(volume, prepared[0], "target", "b")
    assert made.shape == scans[0].shape
    for step in ("preprocessing.prepare(scan)", "axis=-1)", "cutter.join(generator.predict(images)",
                 "preprocessing.restore(volume, prepared[0], 'target', 'b')"):  # fmt: skip
        assert step in str(error.value)


def test_an_odd_number_of_channels_may_be_neighbours():
    network = kmc.unet_generator((16, 16, 3), depth=2, filters=2, output_channels=1)
    with pytest.raises(ValueError, match=r"`Slices\(neighbours=1\)`, pass .* several contrasts"):
        kmc.translate_volume(network, SCANS[0], preprocessing=fitted(), verbose=0)


def test_several_scans_in_the_place_of_one():
    network = kmc.unet_generator((16, 16, 1), depth=2, filters=2)
    with pytest.raises(ValueError, match=r"`source` must be a path or a Volume\. Received: list"):
        kmc.translate_volume(network, SCANS[:2], preprocessing=fitted(), verbose=0)
    with pytest.raises(
        ValueError, match=r"(?s)`a` must be a folder.*several contrasts.*cutter.cut"
    ):
        from_volumes([("p1_t1.nii", "p1_t2.nii")], ["p1_flair.nii"], verbose=0)


def test_one_contrast_for_a_network_of_two():
    images = [kmc.data.VolumeImages([SCANS[k]], fitted(), "ab"[k // 2], verbose=0) for k in (0, 2)]
    model = kmc.CycleGAN(
        generator_ab=generator(),
        generator_ba=kmc.unet_generator((16, 16, 1), depth=2, filters=2, output_channels=2),
        discriminator_a=kmc.patchgan_discriminator((16, 16, 2), layers=1, filters=2),
        discriminator_b=kmc.patchgan_discriminator((16, 16, 1), layers=1, filters=2),
    )
    model.compile(identity_weight=0.0)
    with pytest.raises(ValueError, match=r"takes \(16, 16, 2\)\. Build .*np\.concatenate\(\[t1"):
        model.fit(UnpairedDataset(*images), verbose=0)
