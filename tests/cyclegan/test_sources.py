import keras
import numpy as np
import pytest
from small import SCORES, TERMS, compiled, images, weights

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


def test_validation_data_are_scored():
    history = compiled().fit(A, B, epochs=1, verbose=0, validation_data=(A[:3], B)).history
    assert set(history) == TERMS | {f"val_{name}" for name in SCORES}
