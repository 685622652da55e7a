import keras
import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.networks import HEAD_CONTRASTS, contrast_code, save_weights_float16
from keras_mri_cyclegan.simulation import CONTRASTS

SMALL = {"depth": 2, "filters": 4, "blocks": 1}


def randomised(network):
    rng = np.random.default_rng(0)
    for weight in network.weights:  # that float16 holds exactly
        weight.assign(rng.normal(0, 0.1, weight.shape).astype("float16").astype("float32"))
    return network


@pytest.fixture(scope="module")
def network():
    return randomised(kmc.conditional_unet_generator((None, None, 1), **SMALL))


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "small.npz"
    save_weights_float16(network, path)
    return path


def images(count=2, size=16):
    return np.random.default_rng(1).uniform(-1, 1, (count, size, size, 1)).astype("float32")


def test_the_contrasts_are_those_that_can_be_simulated():
    assert {*HEAD_CONTRASTS, "random"} == set(CONTRASTS)
    codes = [contrast_code(one, "t2")[:8].tolist() for one in HEAD_CONTRASTS]
    assert len(set(map(tuple, codes))) == len(HEAD_CONTRASTS)
    np.testing.assert_array_equal(
        contrast_code("t2", "flair")[8:], contrast_code("flair", "t2")[:8]
    )


def test_each_image_is_translated_as_its_conditions_say(network):
    batch = images()
    codes = np.stack([contrast_code("t1", "t2"), contrast_code("t1", "flair_fs")])
    both = network.predict({"image": batch, "conditions": codes}, verbose=0)
    assert both.shape == batch.shape
    assert np.abs(both).max() <= 1
    swapped = network.predict({"image": batch, "conditions": codes[::-1]}, verbose=0)
    assert np.abs(swapped - both).max() > 0.01
    one = network.predict({"image": batch[:1], "conditions": codes[:1]}, verbose=0)
    np.testing.assert_allclose(one, both[:1], atol=1e-5)


def test_contrast_generator_is_the_same_network_with_its_conditions_fixed(network, weights):
    generator = kmc.contrast_generator("t1", "flair_fs", weights=weights, **SMALL)
    codes = np.repeat(contrast_code("t1", "flair_fs")[None], 2, axis=0)
    expected = network.predict({"image": images(), "conditions": codes}, verbose=0)
    found = generator.predict(images(), verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert generator.output_shape == (None, None, None, 1)


def test_tissues_are_a_second_output(tmp_path):
    both = randomised(kmc.conditional_unet_generator((16, 16, 1), tissues=5, **SMALL))
    codes = np.repeat(contrast_code("t1", "t2")[None], 2, axis=0)
    found = both.predict({"image": images(), "conditions": codes}, verbose=0)
    assert found["tissues"].shape == (2, 16, 16, 5)
    np.testing.assert_allclose(found["tissues"].sum(axis=-1), 1, atol=1e-5)
    save_weights_float16(both, tmp_path / "both.npz")
    generator = kmc.contrast_generator("t1", "t2", weights=tmp_path / "both.npz", **SMALL)
    alone = generator.predict(images(), verbose=0)  # a generator does without them
    np.testing.assert_allclose(alone, found["translation"], atol=1e-4)


def test_float16_weights_are_the_weights_rounded(network, weights):
    with np.load(weights) as file:
        assert {array.dtype for array in (file[key] for key in file.files)} == {np.dtype("float16")}
        total = sum(file[key].size for key in file.files)
    assert total == network.count_params()
    generator = kmc.contrast_generator("t1", "t2", weights=weights, **SMALL)
    for one, other in zip(generator.weights, network.weights, strict=True):
        rounded = np.asarray(keras.ops.convert_to_numpy(other.value), "float16")
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(one.value), rounded)


def test_weights_of_another_network_change_nothing(weights, tmp_path):
    with pytest.raises(ValueError, match="another network"):
        kmc.contrast_generator("t1", "t2", weights=weights, **{**SMALL, "filters": 8})
    with pytest.raises(ValueError, match="no file"):
        kmc.contrast_generator("t1", "t2", weights=tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(weights.read_bytes()[:500])
    with pytest.raises(ValueError, match="cannot be read"):
        kmc.contrast_generator("t1", "t2", weights=tmp_path / "bad.npz", **SMALL)
    np.savez(tmp_path / "object.npz", a=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="cannot be read"):  # and nothing was run
        kmc.contrast_generator("t1", "t2", weights=tmp_path / "object.npz", **SMALL)


def test_weights_that_float16_cannot_hold(tmp_path):
    network = kmc.contrast_generator("t1", "t2", weights=None, **SMALL)
    network.get_layer("output").bias.assign([1e6])
    with pytest.raises(ValueError, match="output/bias"):
        save_weights_float16(network, tmp_path / "large.npz")
    assert not list(tmp_path.iterdir())


def test_a_model_around_a_model_is_refused(network, tmp_path):
    inner = kmc.contrast_generator("t1", "t2", (16, 16, 1), weights=None, **SMALL)
    with pytest.raises(ValueError, match="inner model"):
        save_weights_float16(keras.Sequential([inner]), tmp_path / "nested.npz")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("t1", "t1"), "must differ"),
        (("t3", "t2"), "source"),
        (("t1", "T2"), "target"),
        (("t1", "t2", (20, 16, 1)), "input_shape"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        kmc.contrast_generator(*arguments, weights=None)
    for wrong in (5, True):
        with pytest.raises(ValueError, match="`weights`"):
            kmc.contrast_generator("t1", "t2", weights=wrong, **SMALL)
    with pytest.raises(ValueError, match="`contrast`"):
        kmc.tissue_segmenter("T1", weights=None)


def test_a_volume_and_a_copy():
    volumetric = kmc.conditional_unet_generator((8, 8, 8, 1), conditions=3, **SMALL)
    assert volumetric.output_shape == (None, 8, 8, 8, 1)
    generator = kmc.contrast_generator("t1", "t2", (16, 16, 1), weights=None, **SMALL)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(generator))
    again.set_weights(generator.get_weights())
    np.testing.assert_allclose(
        again.predict(images(), verbose=0), generator.predict(images(), verbose=0), atol=1e-6
    )


def test_the_shipped_start_knows_the_order_of_the_tissues():
    """Phantoms are nothing that the start was taught on: fluid bright in T2 and dark in FLAIR."""
    t1, tissues = kmc.datasets.load_phantom("t1", slices=3, size=96, return_tissues=True)
    names = kmc.datasets.phantom.TISSUES
    means = {}
    for target in ("t2", "flair"):
        found = kmc.contrast_generator("t1", target).predict(t1, verbose=0)[..., 0]
        means[target] = {
            name: found[tissues[..., names.index(name)] > 0.9].mean()
            for name in ("csf", "grey_matter", "white_matter")
        }
    t2, flair = means["t2"], means["flair"]
    assert t2["csf"] > t2["grey_matter"] > t2["white_matter"]
    assert flair["csf"] + 0.3 < min(flair["white_matter"], flair["grey_matter"])
