import keras
import numpy as np
import pytest
from small import SCORES, TERMS, compiled, images, tiny_cyclegan, weights

import keras_mri_cyclegan as kmc

A, B = images(5, seed=1), images(3, seed=2)


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


def test_a_resumed_training_goes_on_with_its_order_of_data():
    def data():
        return kmc.data.UnpairedDataset(A, B, batch_size=2, seed=3)

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
        ({"validation_data": (A, B)}, "as many of one as of the other"),
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
