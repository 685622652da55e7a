import warnings

import keras
import numpy as np
import pytest
from small import SHAPE, cyclegan, images, networks, set_weights, weights

import keras_mri_cyclegan as kmc

TERMS = {
    "loss",
    "adversarial_ab",
    "adversarial_ba",
    "cycle_a",
    "cycle_b",
    "identity_a",
    "identity_b",
    "discriminator_a",
    "discriminator_b",
}
A, B = images(5, seed=1), images(3, seed=2)


def compiled(model=None, rate=1e-2, **arguments):
    model = cyclegan() if model is None else model
    model.compile(
        keras.optimizers.Adam(rate, beta_1=0.5), keras.optimizers.Adam(rate, beta_1=0.5), **arguments
    )
    return model


# === Training ===


def test_every_term_is_in_the_logs_and_every_network_learns():
    model = compiled()
    before = weights(model)
    history = model.fit(A, B, batch_size=1, epochs=3, verbose=0).history
    assert set(history) == TERMS
    assert all(len(values) == 3 and np.isfinite(values).all() for values in history.values())
    assert history["cycle_a"][-1] < history["cycle_a"][0]
    assert all(np.abs(x - y).max() > 0 for x, y in zip(before, weights(model), strict=True))


def test_logs_of_an_epoch_are_means_over_its_batches():
    model = compiled(rate=1e-12)  # so that nothing changes between batches
    logs = model.fit(A[:4], B[:2], batch_size=2, epochs=1, verbose=0).history
    expected = np.abs(model.translate(A[:4], direction="ba") - A[:4]).mean()
    assert logs["identity_a"][0] == pytest.approx(expected, rel=1e-4)


def test_weights_of_zero_skip_the_work():
    calls = []

    @keras.saving.register_keras_serializable("tests")
    class Counted(keras.layers.Layer):
        def call(self, x):
            calls.append(self.name)
            return x

    def generator(name):
        image = keras.Input(SHAPE)
        x = keras.layers.Conv2D(1, 3, padding="same")(Counted(name=name)(image))
        return keras.Model(image, x, name=name)

    def count(**arguments):
        model = kmc.CycleGAN(
            **{**networks(), "generator_ab": generator("g"), "generator_ba": generator("f")}
        )
        model.compile(run_eagerly=True, **arguments)
        calls.clear()
        logs = model.train_on_batch(A[:1], B[:1], return_dict=True)
        return len(calls), set(logs)

    assert count() == (6, TERMS)
    assert count(identity_weight=0) == (4, TERMS - {"identity_a", "identity_b"})
    assert count(identity_weight=0, cycle_weight=0) == (
        2,
        TERMS - {"identity_a", "identity_b", "cycle_a", "cycle_b"},
    )


@pytest.mark.parametrize("adversarial", ["least_squares", "binary_crossentropy", "hinge"])
@pytest.mark.parametrize("pool_size", [0, 3])
def test_adversarial_losses_and_pools(adversarial, pool_size):
    model = compiled(cyclegan(pool_size=pool_size), adversarial_loss=adversarial)
    history = model.fit(A, B, batch_size=2, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert len([w for w in model.layers if "pool" in w.name]) == (2 if pool_size else 0)


def test_discriminators_are_shown_past_fakes():
    model = compiled(cyclegan(pool_size=2))
    model.fit(A[:4], B[:3], batch_size=1, epochs=1, verbose=0)
    assert int(model.pool_a.filled) == 2
    latest = model.translate(B, direction="ba")
    kept = keras.ops.convert_to_numpy(model.pool_a.images)
    assert all(np.abs(kept[:1] - image[None]).max() > 1e-6 for image in latest)


def test_volumes():
    shape = (8, 8, 8, 1)
    model = compiled(cyclegan(shape_a=shape))
    volumes = images(2, shape)
    history = model.fit(volumes, volumes[::-1], batch_size=1, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.translate(volumes).shape == volumes.shape
    assert set(model.evaluate(volumes, volumes, return_dict=True, verbose=0)) == SCORES


def test_different_numbers_of_channels_turn_identity_off_and_say_so():
    model = cyclegan(shape_a=(16, 16, 3), shape_b=(16, 16, 1))
    with pytest.warns(UserWarning, match="as many channels in domain A as in domain B, found 3 and 1"):
        model.compile()
    three, one = images(2, (16, 16, 3)), images(2)
    history = model.fit(three, one, epochs=1, verbose=0).history
    assert set(history) == TERMS - {"identity_a", "identity_b"}
    assert model.translate(three).shape == one.shape
    assert model.translate(one, direction="ba").shape == three.shape
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.compile(identity_weight=0)


def test_the_seed_repeats_a_training():
    def run():
        keras.utils.set_random_seed(7)
        model = compiled(cyclegan(dropout=0.5, seed=3))
        data = kmc.data.UnpairedDataset(A, B, batch_size=2, seed=5)
        return model.fit(data, epochs=2, verbose=0).history

    first, second = run(), run()
    assert first == second


# === Keras' own switches ===


@pytest.mark.parametrize("jit_compile", [True, False])
def test_jit_compile_changes_no_number(jit_compile):
    if jit_compile and keras.backend.backend() == "torch":
        pytest.skip("torch.compile takes minutes for a step on a CPU")
    model = compiled(jit_compile=jit_compile)
    found = model.train_on_batch(A[:2], B[:2], return_dict=True)
    eager = compiled(run_eagerly=True)
    expected = eager.train_on_batch(A[:2], B[:2], return_dict=True)
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(float(value), rel=1e-4), name


def test_steps_per_execution():
    if keras.backend.backend() == "torch":
        pytest.skip("Keras allows one step per execution on torch")
    several, single = compiled(steps_per_execution=2), compiled()
    data = kmc.data.UnpairedDataset(A, B, seed=1)
    found = several.fit(data, epochs=1, verbose=0).history
    data = kmc.data.UnpairedDataset(A, B, seed=1)
    expected = single.fit(data, epochs=1, verbose=0).history
    for x, y in zip(weights(several), weights(single), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-4)
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-4)


POLICIES = [
    "mixed_bfloat16",
    pytest.param(
        "mixed_float16",
        marks=pytest.mark.skipif(
            keras.backend.backend() == "torch", reason="torch lacks float16 convolutions on a CPU"
        ),
    ),
]


@pytest.fixture
def policy(request):
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("policy", POLICIES, indirect=True)
def test_mixed_precision_gives_the_terms_of_float32(policy):
    model = compiled(rate=1e-12)
    found = model.fit(A[:2], B[:2], epochs=1, verbose=0).history
    assert model.generator_ab.get_layer("down_1").compute_dtype == policy.removeprefix("mixed_")
    assert model.translate(A).dtype == np.float32
    keras.config.set_dtype_policy("float32")
    expected = compiled(rate=1e-12).fit(A[:2], B[:2], epochs=1, verbose=0).history
    for name in TERMS:
        assert found[name][0] == pytest.approx(expected[name][0], rel=0.05, abs=0.02), name


@pytest.mark.parametrize("policy", POLICIES, indirect=True)
def test_mixed_precision_updates_are_as_large_as_those_of_float32(policy):
    """A loss scaled for float16 is scaled back for both optimizers."""

    def first_change():
        model = cyclegan()
        model.compile(keras.optimizers.SGD(1e-2), keras.optimizers.SGD(1e-2))
        before = weights(model)
        for _ in range(20):  # Keras skips a step and halves its scale as long as that overflows
            model.train_on_batch(A[:1], B[:1])
            change = [y - x for x, y in zip(before, weights(model), strict=True)]
            if np.abs(change[0]).max() > 0:
                return change
        raise AssertionError("no step in twenty was taken")

    found = first_change()
    keras.config.set_dtype_policy("float32")
    for x, y in zip(found, first_change(), strict=True):
        assert np.linalg.norm(x - y) <= 0.25 * np.linalg.norm(y) + 1e-5


# === Sources of data ===


def batches():
    return [(A[[i % 5]], B[[i % 3]]) for i in range(4)]


class Sequence(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return batches()[index]


def tf_dataset():
    tf = pytest.importorskip("tensorflow")
    a, b = (np.stack(side) for side in zip(*batches(), strict=True))
    return tf.data.Dataset.from_tensor_slices((a, b))


def torch_loader():
    data = pytest.importorskip("torch.utils.data")
    torch = pytest.importorskip("torch")
    a, b = (torch.from_numpy(np.concatenate(side)) for side in zip(*batches(), strict=True))
    return data.DataLoader(data.TensorDataset(a, b), batch_size=1)


SOURCES = {
    "PyDataset": Sequence,
    "tf.data": tf_dataset,
    "torch DataLoader": torch_loader,
    "generator": lambda: (batch for batch in batches()),
}


@pytest.mark.parametrize("source", SOURCES)
def test_fit_takes_any_source_of_batches(source):
    model = compiled()
    options = {"shuffle": False} if source == "PyDataset" else {}
    history = model.fit(SOURCES[source](), epochs=1, verbose=0, **options).history
    expected = compiled()
    losses = [float(expected.train_on_batch(*pair, return_dict=True)["loss"]) for pair in batches()]
    assert history["loss"][0] == pytest.approx(np.mean(losses), rel=1e-3)
    for x, y in zip(weights(model), weights(expected), strict=True):
        np.testing.assert_allclose(x, y, atol=2e-3)


def test_validation_data_are_scored():
    history = compiled().fit(A, B, epochs=1, verbose=0, validation_data=(A[:3], B)).history
    assert set(history) == TERMS | {f"val_{name}" for name in SCORES}


# === Translating and scoring ===

SCORES = {f"{score}_{direction}" for score in ("psnr", "ssim", "mae") for direction in ("ab", "ba")}


def test_translate_in_both_directions():
    model = cyclegan()
    np.testing.assert_array_equal(
        model.translate(A, direction="ab"), model.generator_ab.predict(A, verbose=0)
    )
    np.testing.assert_array_equal(
        model.translate(B, direction="ba", batch_size=2), model.generator_ba.predict(B, batch_size=2, verbose=0)
    )
    compiled(model)
    np.testing.assert_allclose(model.predict(A, verbose=0), model.translate(A), atol=1e-6)


def test_evaluate_scores_both_directions_as_scikit_image_does():
    metrics = pytest.importorskip("skimage.metrics")
    model = compiled()
    a, b = A[:3], B
    found = model.evaluate(a, b, batch_size=2, return_dict=True, verbose=0)
    assert set(found) == SCORES
    for direction, source, truth in (("ab", a, b), ("ba", b, a)):
        translated = model.translate(source, direction=direction)
        pairs = [(t[..., 0].astype("float64"), f[..., 0].astype("float64")) for t, f in zip(truth, translated, strict=True)]
        expected = {
            "psnr": np.mean([metrics.peak_signal_noise_ratio(*p, data_range=2) for p in pairs]),
            "ssim": np.mean([metrics.structural_similarity(*p, data_range=2) for p in pairs]),
            "mae": np.mean([np.abs(t - f).mean() for t, f in pairs]),
        }
        for score, value in expected.items():
            assert found[f"{score}_{direction}"] == pytest.approx(value, abs=1e-4), score


def test_evaluate_does_not_train():
    model = compiled()
    before = weights(model)
    model.evaluate(A[:3], B, verbose=0)
    for x, y in zip(before, weights(model), strict=True):
        np.testing.assert_array_equal(x, y)


# === Saving ===


def test_saved_model_goes_on_as_if_it_had_not_been_saved(tmp_path):
    model = compiled(cyclegan(pool_size=3))
    model.fit(A, B, epochs=2, verbose=0)
    model.save(tmp_path / "t1_t2.keras")
    loaded = keras.models.load_model(tmp_path / "t1_t2.keras")
    np.testing.assert_array_equal(loaded.translate(A), model.translate(A))
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
            lambda name, item: sizes.append(item.size)
            if isinstance(item, h5py.Dataset) and name.startswith("optimizer")
            else None
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


# === What does not fit ===


def test_networks_that_do_not_fit_are_named():
    parts = networks()
    parts["discriminator_b"] = kmc.patchgan_discriminator((32, 32, 1), layers=1, filters=2)
    model = kmc.CycleGAN(**parts)
    with pytest.raises(ValueError, match=r"discriminator_b's input.*\(32, 32, 1\), not \(16, 16, 1\)"):
        model.compile()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cycle_weight": -1}, "`cycle_weight` must be finite and at least 0"),
        ({"identity_weight": "5"}, "`identity_weight` must be a number"),
        ({"adversarial_loss": "wasserstein"}, "`adversarial_loss` must be one of 'least_squares'"),
        (
            {"generator_optimizer": keras.optimizers.Adam(loss_scale_factor=8.0)},
            "`generator_optimizer` must not scale the loss",
        ),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        cyclegan().compile(**arguments)


def test_one_optimizer_for_both_is_refused():
    optimizer = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="must be two optimizers"):
        cyclegan().compile(optimizer, optimizer)


def test_used_optimizer_is_refused():
    model = compiled()
    with pytest.raises(ValueError, match="must be a new optimizer"):
        cyclegan().compile(model.optimizer.generator_optimizer)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"generator_ab": "unet"}, "`generator_ab` must be a `keras.Model`"),
        ({"pool_size": -1}, "`pool_size` must be an integer of at least 0"),
        (
            {"discriminator_a": kmc.patchgan_discriminator((None, None, 1), filters=1)},
            "`pool_size` must be 0 where a discriminator takes images of any size",
        ),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        kmc.CycleGAN(**{**networks(), **arguments})


NAN = A.copy()
NAN[2, 3, 4, 0] = np.nan


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (A[..., 0], B, r"`x` must have shape \(batch, height, width, channels\).*channel axis"),
        (A, B[:, :8], r"`y` holds images of shape \(8, 16, 1\), and the network takes \(16, 16, 1\)"),
        ((A * 127).astype("uint8"), B, "`x` must hold floating point numbers.*uint8"),
        (A.astype(complex), B, "`x` must hold floating point numbers"),
        (A[:0], B, "`x` holds no image"),
        (NAN, B, r"`x` holds 1 values that are NaN or infinite \(first in image 2\)"),
        (A, None, "needs images of both domains"),
    ],
)
def test_fit_refuses_images_that_the_networks_cannot_take(a, b, message):
    model = compiled()
    before = weights(model)
    with pytest.raises(ValueError, match=message):
        model.fit(a, b, verbose=0)
    for x, y in zip(before, weights(model), strict=True):
        np.testing.assert_array_equal(x, y)


def test_fit_checks_the_first_batch_of_a_source():
    with pytest.raises(ValueError, match=r"first batch of domain B.*\(8, 16, 1\)"):
        compiled().fit((pair for pair in [(A, B[:, :8])]), verbose=0)
    with pytest.raises(ValueError, match=r"must yield pairs of batches, \(a, b\)"):
        compiled().fit((single for single in [(A,)]), verbose=0)
    with pytest.raises(ValueError, match="yielded no batch"):
        compiled().fit(iter([]), verbose=0)


def test_fit_before_compile_says_so():
    with pytest.raises(ValueError, match="compile"):
        cyclegan().fit(A, B)


def test_images_of_0_to_255_warn_once():
    model = cyclegan()
    with pytest.warns(UserWarning, match=r"values in \[.*\].*expect \[-1, 1\]") as caught:
        model.translate(A * 127 + 128)
        model.translate(A * 127 + 128)
    assert len([w for w in caught if "expect [-1, 1]" in str(w.message)]) == 1


def test_translate_refuses():
    model = cyclegan()
    with pytest.raises(ValueError, match="`direction` must be one of 'ab', 'ba'"):
        model.translate(A, direction="t1_to_t2")
    with pytest.raises(ValueError, match=r"holds images of shape \(16, 8, 1\)"):
        model.translate(A[:, :, :8])


def test_evaluate_needs_pairs():
    with pytest.raises(ValueError, match="needs as many of one as of the other. Received: 5 and 3"):
        compiled().evaluate(A, B, verbose=0)
