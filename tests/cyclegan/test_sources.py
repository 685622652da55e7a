import keras
import numpy as np
import pytest
from small import SCORES, TERMS, compiled, images, tiny_cyclegan, weights

import keras_mri_cyclegan as kmc

A, B = images(5, seed=1), images(3, seed=2)


def batches():
    return [(A[[i % 5]], B[[i % 3]]) for i in range(3)]


class Sequence(keras.utils.PyDataset):
    def __len__(self):
        return 3

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


@pytest.fixture(scope="module")
def batch_by_batch():
    """The losses and the weights after it."""
    model = compiled()
    losses = [float(model.train_on_batch(*pair, return_dict=True)["loss"]) for pair in batches()]
    return losses, weights(model)


@pytest.mark.parametrize("source", SOURCES)
def test_fit_takes_any_source_of_batches(source, batch_by_batch):
    model = compiled()
    options = {"shuffle": False} if source == "PyDataset" else {}
    history = model.fit(SOURCES[source](), epochs=1, verbose=0, **options).history
    losses, expected = batch_by_batch
    assert history["loss"][0] == pytest.approx(np.mean(losses), rel=1e-3)
    for x, y in zip(weights(model), expected, strict=True):
        np.testing.assert_allclose(x, y, atol=2e-3)


def test_a_resumed_training_goes_on_with_its_order_of_data():
    def data():
        return kmc.data.UnpairedDataset(A[:4], B, batch_size=2, seed=3)

    whole = compiled(tiny_cyclegan(pool_size=0, dropout=0.0))
    whole.fit(data(), epochs=2, verbose=0)
    resumed = compiled(tiny_cyclegan(pool_size=0, dropout=0.0))
    resumed.fit(data(), epochs=1, verbose=0)
    resumed.fit(data(), epochs=2, initial_epoch=1, verbose=0)
    for x, y in zip(weights(whole), weights(resumed), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"validation_data": (A, B)}, "as many images of A as of B"),
        ({"validation_data": kmc.data.UnpairedDataset(A, B)}, "draws them independently"),
        ({"validation_split": 0.5}, "has no `validation_split`"),
        ({"class_weight": {0: 1.0}}, "has no `class_weight`"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_the_first_step(arguments, message):
    model = compiled()
    with pytest.raises(ValueError, match=message):
        model.fit(A, B, verbose=0, **arguments)
    assert int(model.optimizer.iterations) == 0


def test_validation_data_are_scored():
    history = compiled().fit(A, B, epochs=1, verbose=0, validation_data=(A[:3], B)).history
    assert set(history) == TERMS | {f"val_{name}" for name in SCORES}


def batches_function():
    yield from batches()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((batches_function,), r"`x` must be a source.*`batches_function` itself. Call it: `batch"),
        ((Sequence,), r"`Sequence` itself. Call it: `Sequence\(\)`"),
        (([A, B],), r"as two arguments.*x=a list of 2 and y=None"),
        (((A, B),), r"as two arguments.*x=a tuple of 2 and y=None"),
        ((A,), "x=an array and y=None"),
        ((["a1.nii", "a2.nii"], ["b1.nii"]), r"For paths of scans.*from_volumes\(a, b\)"),
        ((batches(),), "x=a list of 3"),
        ((7,), "a `keras.utils.PyDataset`.*Received: a int"),
        ((np.moveaxis(A, -1, 1), B), r"channels come first.*np.moveaxis\(x, 1, -1\)"),
        (
            (iter([np.moveaxis(side, -1, 1) for side in (A, B)] for _ in "12"),),
            "channels come first",
        ),
        ((A[:, :8], B), r"shape \(8, 16, 1\).*Resize or pad"),
    ],
)
def test_what_is_no_data_is_told_apart(arguments, message):
    model = compiled()
    with pytest.raises(ValueError, match=message):
        model.fit(*arguments, verbose=0)
    assert int(model.optimizer.iterations) == 0


def test_channels_first_volumes():
    volume = np.zeros((2, 1, 8, 8, 8), "float32")
    with pytest.raises(ValueError, match="channels come first"):
        kmc._checks.images("x", volume, (8, 8, 8, 1))
    with pytest.raises(ValueError, match="Resize or pad"):
        kmc._checks.images("x", volume[:, :, :4], (8, 8, 8, 1))


def test_a_generator_of_lists_is_one_of_pairs():
    model = compiled()
    model.fit(([a, b] for a, b in batches()), epochs=1, verbose=0)
    assert int(model.optimizer.iterations) == 3
    scores = model.evaluate(([a, a] for a, _ in batches()), return_dict=True, verbose=0)
    assert set(scores) == SCORES


def test_tensors_with_gradients_are_images_like_others():
    torch = pytest.importorskip("torch")
    a, b = (torch.tensor(side[:3], requires_grad=True) for side in (A, B))
    model = compiled()
    model.fit(a, b, epochs=1, verbose=0, validation_data=(a, b))
    model.evaluate(a, b, verbose=0)
    expected = model.translate(A[:3])
    np.testing.assert_array_equal(model.translate(a), expected)
    kmc.data.UnpairedDataset(a, b)
    kmc.evaluate(model, a, b, metrics=("mae",), resamples=0)
    if keras.backend.backend() != "torch":
        return  # whose tensors metrics take
    for metric in (kmc.metrics.psnr, kmc.metrics.ssim, kmc.metrics.mae, kmc.metrics.nrmse):
        found = keras.ops.convert_to_numpy(metric(a, b, data_range=2.0))
        wanted = keras.ops.convert_to_numpy(metric(A[:3], B[:3], data_range=2.0))
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
