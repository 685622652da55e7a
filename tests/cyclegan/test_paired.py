"""Training with pairs: the supervised term, its data, and pix2pix as the limit."""

import keras
import numpy as np
import pytest
from keras import ops
from small import SHAPE, TERMS, compiled, cyclegan, images, tiny_cyclegan, weights
from test_objective import START, A, B, expected_gradients, model_and_data

import keras_mri_cyclegan as kmc

PAIRED_A = np.array([[-0.4, 0.25], [0.75, 0.05]])
PAIRED_B = np.array([[0.6, -0.15], [-0.35, 0.8]])
HUBER = keras.losses.Huber(delta=0.3)


def huber(error):
    error = np.abs(error)
    return np.where(error <= 0.3, error**2 / 2, 0.3 * (error - 0.15))


def per_pixel_fourth_power(truth, translated):
    return ops.power(truth - translated, 4)


LOSSES = {
    "mae": ("mae", np.abs),
    "MeanSquaredError": ("MeanSquaredError", np.square),
    "huber": (HUBER, huber),
    "function": (per_pixel_fourth_power, lambda error: error**4),
}


def batch(images):
    return images.reshape(1, 2, 2, 1).astype("float32")


def paired_values(weights, error, a, b):
    """Return the two terms in float64: one-pixel networks, `weight x + bias`."""
    (ab, ab_bias), (ba, ba_bias) = weights["generator_ab"], weights["generator_ba"]
    return {
        "paired_ab": error(b - (ab * a + ab_bias)).mean(),
        "paired_ba": error(a - (ba * b + ba_bias)).mean(),
    }


def paired_gradients(error, a, b):
    result = {}
    for name in ("generator_ab", "generator_ba"):
        for position in range(2):
            step = np.eye(2)[position] * 1e-6
            ahead, behind = (
                sum(paired_values({**START, name: START[name] + s}, error, a, b).values())
                for s in (step, -step)
            )
            result[name, position] = (ahead - behind) / 2e-6
    return result


@pytest.mark.parametrize(
    ("loss", "cycle_weight", "identity_weight", "alone"),
    [
        ("mae", 10, 5, True),
        ("MeanSquaredError", 10, 5, False),
        ("huber", 0, 0, True),
        ("function", 0, 0, False),
    ],
)
def test_step_follows_the_gradient_of_the_objective_with_pairs(
    loss, cycle_weight, identity_weight, alone
):
    paired_loss, error = LOSSES[loss]
    model, a, b = model_and_data()
    rate, weight = 1e-2, 7.0
    model.compile(
        keras.optimizers.SGD(rate),
        keras.optimizers.SGD(rate),
        cycle_weight=cycle_weight,
        identity_weight=identity_weight,
        paired_weight=weight,
        paired_loss=paired_loss,
    )
    before = {name: model.networks[name].get_weights() for name in START}
    pairs = () if alone else (batch(PAIRED_A), batch(PAIRED_B))
    logs = model.train_on_batch(a, b, pairs, return_dict=True)
    truth = (A, B) if alone else (PAIRED_A, PAIRED_B)
    for name, value in paired_values(START, error, *truth).items():
        assert float(logs[name]) == pytest.approx(value, rel=1e-5)
    factors = {"cycle": cycle_weight, "identity": identity_weight, "paired": weight}
    total = sum(
        factors.get(name.split("_")[0], 1) * float(value)
        for name, value in logs.items()
        if name != "loss"
    )
    assert float(logs["loss"]) == pytest.approx(total, rel=1e-5)

    expected = expected_gradients("least_squares", cycle_weight, identity_weight)
    added = paired_gradients(error, *truth)
    for (name, position), gradient in expected.items():
        gradient += weight * added.get((name, position), 0.0)
        after = model.networks[name].get_weights()[position]
        found = float((before[name][position] - after).squeeze()) / rate
        assert found == pytest.approx(gradient, rel=1e-3, abs=1e-4), (name, position)


def test_the_weight_may_depend_on_the_step():
    model, a, b = model_and_data()
    model.compile(
        keras.optimizers.SGD(1e-3),
        keras.optimizers.SGD(1e-3),
        paired_weight=kmc.losses.WarmUp(6.0, steps=2),
    )
    for weight in (0.0, 3.0, 6.0):
        model.reset_metrics()
        logs = {
            name: float(v) for name, v in model.train_on_batch(a, b, (), return_dict=True).items()
        }
        terms = sum(
            {"cycle": 10, "identity": 5, "paired": weight}.get(name.split("_")[0], 1) * value
            for name, value in logs.items()
            if name != "loss"
        )
        assert logs["loss"] == pytest.approx(terms, rel=1e-5)


# === Data: every source that fit takes ===

X, Y = images(4, seed=1), images(3, seed=2)
PAIRS = images(5, seed=3), images(5, seed=4)


def sources(alone):
    def dataset():
        sides = {} if alone else {"a": X, "b": Y}
        return kmc.data.UnpairedDataset(**sides, paired=PAIRS, batch_size=2, seed=0)

    return {
        "dataset": dataset(),
        "workers": kmc.data.UnpairedDataset(
            **({} if alone else {"a": X, "b": Y}), paired=PAIRS, batch_size=2, seed=0, workers=2
        ),
        "generator": (batch for batch in _ahead(dataset())),
    }


def _ahead(dataset):
    # The first epoch of `fit`, which moves an UnpairedDataset on before.
    dataset.on_epoch_end()
    yield from (dataset[i] for i in range(len(dataset)))


def trained(source, steps=1, **arguments):
    model = compiled(rate=1e-3, paired_weight=10.0, steps_per_execution=steps)
    history = model.fit(source, epochs=1, verbose=0, **arguments).history
    return {name: values[0] for name, values in history.items()}, weights(model)


@pytest.mark.parametrize("alone", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_fit_takes_pairs_from_every_source(alone):
    results = {name: trained(source) for name, source in sources(alone).items()}
    pytest.importorskip("tensorflow")
    # `fit` looks at a first batch, which moves the dataset on to the epoch of the others.
    results["tf.data"] = trained(sources(alone)["dataset"].to_tf_dataset())
    if keras.backend.backend() != "torch":
        results["two steps at once"] = trained(sources(alone)["dataset"], steps=2)
    expected_logs, expected = results.pop("dataset")
    assert set(expected_logs) == TERMS | {"paired_ab", "paired_ba"}
    for source, (logs, found) in results.items():
        for x, y in zip(found, expected, strict=True):
            np.testing.assert_allclose(x, y, atol=2e-4, err_msg=source)
        if source != "two steps at once":  # Keras on JAX shows the last of them
            assert logs == pytest.approx(expected_logs, rel=1e-3)


@pytest.mark.parametrize("alone", [False, True])
def test_fit_takes_pairs_from_a_torch_loader(alone):
    torch = pytest.importorskip("torch")
    if alone:
        data = [(x, y, ()) for x, y in zip(*PAIRS, strict=True)]
    else:
        data = [(X[k % 4], Y[k % 3], (PAIRS[0][k], PAIRS[1][k])) for k in range(5)]

    def collate(images):
        a, b, pairs = torch.utils.data.default_collate(images)
        return a, b, tuple(pairs)

    options = {"batch_size": 2, "drop_last": True}
    logs, _ = trained(torch.utils.data.DataLoader(data, **options, collate_fn=collate))
    as_list = torch.utils.data.DataLoader(data, **options)
    if keras.backend.backend() == "tensorflow":
        with pytest.raises(ValueError, match=r"must be a tuple, .*`collate_fn`"):
            trained(as_list)
    else:
        assert set(trained(as_list)[0]) == set(logs)
    assert set(logs) == TERMS | {"paired_ab", "paired_ba"}


def test_validation_beside_pairs():
    logs, _ = trained(sources(False)["dataset"], validation_data=(PAIRS[0], PAIRS[1]))
    assert {"val_mae_ab", "paired_ab"} <= set(logs)


def test_pairs_of_other_channels():
    model = compiled(
        cyclegan(shape_a=(16, 16, 2), shape_b=SHAPE), paired_weight=1.0, identity_weight=0
    )
    x = images(3, (16, 16, 2), seed=1)
    dataset = kmc.data.UnpairedDataset(x, Y, paired=(x, Y), seed=0)
    history = model.fit(dataset, epochs=1, verbose=0).history
    assert np.isfinite(history["paired_ab"] + history["paired_ba"]).all()


def test_resumed_training_sees_the_pairs_of_the_run_that_was_not_interrupted():
    def start():
        model = tiny_cyclegan(pool_size=0, dropout=0.0)
        return compiled(model, rate=1e-3, paired_weight=10.0)

    def data():
        return kmc.data.UnpairedDataset(
            X, Y, batch_size=2, seed=0, paired=PAIRS, augment=kmc.data.RandomFlip()
        )

    whole, halves = start(), start()
    whole.fit(data(), epochs=2, verbose=0)
    halves.fit(data(), epochs=1, verbose=0)
    halves.fit(data(), epochs=2, initial_epoch=1, verbose=0)
    for x, y in zip(weights(whole), weights(halves), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-6)


def test_a_batch_of_pairs_alone_equals_its_images_twice():
    """pix2pix saves the second pass through the generators, and is the same step."""
    found = []
    for pairs in ((), PAIRS):
        model = compiled(rate=1e-3, cycle_weight=0, identity_weight=0, paired_weight=100.0)
        logs = model.train_on_batch(*PAIRS, pairs, return_dict=True)
        assert set(logs) == {name for name in TERMS if "cycle" not in name} - {
            "identity_a",
            "identity_b",
        } | {"paired_ab", "paired_ba"}
        found.append(weights(model))
    for x, y in zip(*found, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-4)


@pytest.mark.compiled  # tens of steps
def test_learns_the_phantoms_contrasts_from_pairs():
    t1, t2 = kmc.datasets.load_phantom(("t1", "t2"), slices=6, size=16, subjects=[0])
    settings = {"cycle_weight": 0, "identity_weight": 0, "paired_weight": 100.0}
    model = compiled(cyclegan(), rate=5e-3, run_eagerly=False, **settings)
    before = model.evaluate(t1, t2, return_dict=True, verbose=0)
    dataset = kmc.data.UnpairedDataset(paired=(t1, t2), batch_size=2, seed=0)
    history = model.fit(dataset, epochs=15, verbose=0).history
    after = model.evaluate(t1, t2, return_dict=True, verbose=0)
    for way in ("ab", "ba"):
        assert history[f"paired_{way}"][-1] < 0.6 * history[f"paired_{way}"][0]
        assert after[f"mae_{way}"] < 0.6 * before[f"mae_{way}"]


# === Settings ===


@pytest.mark.parametrize("weight", [8.0, kmc.losses.LinearDecay(8.0, steps=10)])
def test_settings_are_saved(tmp_path, weight):
    model = tiny_cyclegan()
    model.compile(paired_weight=weight, paired_loss=keras.losses.MeanSquaredError(name="error"))
    model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    assert float(loaded.paired.weight(0)) == 8.0
    assert isinstance(loaded.paired.loss, keras.losses.MeanSquaredError)
    assert loaded.paired.loss.name == "error"
    logs = loaded.train_on_batch(X[:3], Y, PAIRS, return_dict=True)
    assert {"paired_ab", "paired_ba"} <= set(logs)


def test_a_file_from_before_there_were_pairs_opens():
    model = compiled()
    config = model.get_compile_config()
    del config["paired_weight"], config["paired_loss"]
    other = cyclegan()
    other.compile_from_config(config)
    assert other.paired is None


def test_without_pairs_nothing_is_added():
    model = compiled()
    assert model.paired is None
    assert set(model.train_on_batch(X[:3], Y, return_dict=True)) == TERMS


# === What cannot be ===


def unpaired():
    return kmc.data.UnpairedDataset(X, Y, seed=0)


def with_pairs(**sides):
    return kmc.data.UnpairedDataset(**sides, paired=PAIRS, seed=0)


@pytest.mark.parametrize("source", [unpaired, lambda: iter([(X, Y)]), lambda: (X, Y)])
def test_a_weight_and_no_pairs(source):
    model, source = compiled(paired_weight=10.0), source()
    with pytest.raises(ValueError, match=r"no pairs, and paired_weight=10\.0.*`UnpairedDataset\("):
        model.fit(*source if isinstance(source, tuple) else (source,))


def test_a_weight_and_no_pairs_in_a_batch():
    with pytest.raises(ValueError, match=r"no pairs, and paired_weight=10\.0"):
        compiled(paired_weight=10.0).train_on_batch(X[:3], Y)


@pytest.mark.parametrize(
    "source",
    [
        lambda: with_pairs(a=X, b=Y),
        with_pairs,
        lambda: iter([(X, Y, PAIRS)]),
        lambda: iter([(X, X, ())]),
    ],
)
def test_pairs_and_no_weight(source):
    with pytest.raises(ValueError, match=r"have pairs, and with paired_weight=0.*Compile with"):
        compiled().fit(source())


def test_pairs_and_no_weight_in_a_batch():
    with pytest.raises(ValueError, match="have pairs, and with paired_weight=0"):
        compiled().train_on_batch(X[:3], Y, PAIRS)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((X, Y, np.ones(4, "float32")), "third part.*ndarray"),
        ((X, Y, (X,)), "third part.*1 parts"),
        ((X, Y, (X, Y)), "equally many images.*4 and 3"),
        ((X, Y, ()), "equally many images.*4 and 3"),
        (
            (X, Y, (X[:, :8], X[:, :8])),
            "first batch of `x`, images of A, holds images of",
        ),
        ((X, Y, X, Y), "Received: 4 parts"),
    ],
)
def test_batches_that_cannot_be(batch, message):
    with pytest.raises(ValueError, match=message):
        compiled(paired_weight=1.0).fit(iter([batch]))


def test_pairs_of_a_size_that_the_networks_do_not_take():
    small = images(2, (8, 8, 1))
    dataset = kmc.data.UnpairedDataset(X, Y, paired=(small, small))
    with pytest.raises(ValueError, match="The dataset's paired `a` holds images of shape"):
        compiled(paired_weight=1.0).fit(dataset)


def test_a_dataset_of_pairs_is_not_for_evaluation():
    with pytest.raises(ValueError, match=r"`evaluate\(\*dataset.paired\)`"):
        compiled(paired_weight=1.0).evaluate(with_pairs())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"paired_weight": -1}, "`paired_weight`"),
        ({"paired_weight": "much"}, "`paired_weight`.*'much'"),
        ({"paired_weight": None}, "`paired_weight`.*None"),
        ({"paired_loss": "nothing"}, "`paired_loss`.*'nothing'"),
        ({"paired_loss": None}, "`paired_loss`.*None"),
        ({"paired_loss": keras.losses.Huber}, "`paired_loss`.*Huber"),
    ],
)
def test_settings_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        cyclegan().compile(**arguments)
