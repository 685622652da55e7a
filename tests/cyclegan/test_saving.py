import keras
import numpy as np
import pytest
from small import SHAPE, compiled, cyclegan, images, set_weights, tiny_cyclegan, weights

import keras_mri_cyclegan as kmc

A, B = images(2, seed=1), images(2, seed=2)


def test_saved_model_goes_on_as_if_it_had_not_been_saved(tmp_path):
    model = compiled(tiny_cyclegan(pool_size=2))
    model.fit(A, B, epochs=1, verbose=0)
    model.save(tmp_path / "t1_t2.keras")
    loaded = keras.models.load_model(tmp_path / "t1_t2.keras")
    np.testing.assert_array_equal(loaded.translate(A), model.translate(A))
    for one in (model, loaded):
        one.fit(kmc.data.UnpairedDataset(A, B, seed=9), epochs=1, verbose=0)
    for x, y in zip(weights(model), weights(loaded), strict=True):
        np.testing.assert_array_equal(x, y)


def test_what_the_discriminators_see_goes_on_as_well(tmp_path):
    augmentation = kmc.layers.DifferentiableAugmentation(seed=1)
    model = compiled(tiny_cyclegan(pool_size=2, augmentation=augmentation))
    model.fit(A, B, epochs=1, verbose=0)
    model.save(tmp_path / "t1_t2.keras")
    loaded = keras.models.load_model(tmp_path / "t1_t2.keras")
    assert loaded.augmentation.get_config() == model.augmentation.get_config()
    for one in (model, loaded):
        one.fit(kmc.data.UnpairedDataset(A, B, seed=9), epochs=1, verbose=0)
    for x, y in zip(weights(model), weights(loaded), strict=True):
        np.testing.assert_array_equal(x, y)


def test_moments_are_saved_once(tmp_path):
    import h5py

    model = compiled()
    model.save_weights(tmp_path / "x.weights.h5")
    sizes = []
    with h5py.File(tmp_path / "x.weights.h5") as file:
        file.visititems(
            lambda name, item: (
                sizes.append(item.size)
                if isinstance(item, h5py.Dataset) and name.startswith("optimizer")
                else None
            )
        )
    parameters = sum(np.size(w) for w in weights(model))
    assert 2 * parameters <= sum(sizes) <= 2 * parameters + 10


def test_compile_settings_are_what_the_user_said(tmp_path):
    model = cyclegan()
    model.compile(
        keras.optimizers.SGD(0.1), adversarial_loss="hinge", cycle_weight=3, identity_weight=0
    )
    model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    assert (loaded.cycle_weight, loaded.identity_weight) == (3, 0)
    assert isinstance(loaded.adversarial_loss, kmc.losses.Hinge)
    assert isinstance(loaded.optimizer.generator_optimizer, keras.optimizers.SGD)
    config = model.get_compile_config()
    assert config["jit_compile"] == "auto"
    assert config["generator_optimizer"]["module"] == "keras.optimizers"
    assert "keras.src" not in str(config)


def test_structure_losses_are_saved(tmp_path):
    model = cyclegan()
    model.compile(
        structure_loss=[kmc.losses.BackgroundConsistency(0.2), kmc.losses.MindSSC()],
        structure_weight=[10.0, kmc.losses.WarmUp(2.0, steps=5)],
    )
    model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    assert [term.name for term in loaded.structure] == ["background_consistency", "mind_ssc"]
    assert loaded.structure[0].loss.threshold == 0.2
    assert [float(term.weight(3)) for term in loaded.structure] == pytest.approx([10.0, 1.2])


def test_half_precision_is_saved_with_the_scale_of_its_loss(tmp_path):
    """Opened where the policy is another one."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = compiled()
        model.fit(A, B, epochs=2, verbose=0)  # the first steps overflow and are not taken
        model.save(tmp_path / "x.keras")
    finally:
        keras.config.set_dtype_policy("float32")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    assert isinstance(loaded.optimizer, keras.optimizers.LossScaleOptimizer)
    assert int(loaded.optimizer.iterations) == int(model.optimizer.iterations) > 0
    for x, y in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (x, y)))
    keras.config.set_dtype_policy("mixed_float16")
    try:
        plain = kmc.CycleGAN.from_config(cyclegan_of_float32().get_config())
    finally:
        keras.config.set_dtype_policy("float32")
    assert plain.dtype_policy.name == "float32"


def cyclegan_of_float32():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        return cyclegan()
    finally:
        keras.config.set_dtype_policy(policy)


def test_a_file_is_replaced_in_one_step(tmp_path, monkeypatch):
    path = tmp_path / "x.keras"
    cyclegan().save(path)
    before = path.read_bytes()

    def full(self, path, *arguments, **options):
        with open(path, "wb") as file:
            file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", full)
    with pytest.raises(ValueError, match=r"x\.keras`: writing failed.*The disk is full"):
        cyclegan().save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["x.keras"]
    assert path.read_bytes() == before


def test_the_old_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"cannot hold a `CycleGAN`.*Save it as `\.keras`"):
        cyclegan().save(tmp_path / "x.h5")


def test_config_round_trip():
    model = cyclegan(pool_size=7)
    copy = kmc.CycleGAN.from_config(model.get_config())
    assert (copy.pool_size, copy.seed, copy.name) == (7, 0, model.name)
    set_weights(copy)
    np.testing.assert_array_equal(copy.translate(A), model.translate(A))


def test_summary_tells_what_each_network_does(capsys):
    model = cyclegan(shape_a=(16, 16, 3), shape_b=SHAPE, pool_size=4)
    model.summary()
    text = capsys.readouterr().out
    rows = {line.split()[0]: line for line in text.splitlines() if line}
    assert "16 x 16 x 3 -> 16 x 16 x 1" in rows["generator_ab"]
    assert "16 x 16 x 1 -> 6 x 6 x 1" in rows["discriminator_b"]
    assert "4 past fakes" in rows["pool_a"]
    for name, network in model.networks.items():
        assert f"{network.count_params():,}" in rows[name]
    total = sum(network.count_params() for network in model.networks.values())
    assert f"{total:,}" in rows["total"]

    lines = []
    model.summary(expand_nested=True, print_fn=lines.append)
    assert "down_1" in "\n".join(lines)
