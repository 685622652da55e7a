"""What can be known at the start of a training is said before its first step."""

import keras
import numpy as np
import pytest
from small import SHAPE, compiled, images, networks, tiny_cyclegan

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.callbacks import BestTranslation, Checkpoint

A, B = images(3, seed=1), images(3, seed=2)
SMALL = A[:, :8, :8]


@pytest.fixture(scope="module")
def model():
    return compiled(tiny_cyclegan(dropout=0.0))


def py_dataset(*batch):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return batch

    return Batches()


def tf_dataset(*batch):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensors(batch)


def loader(*batch):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(*(torch.from_numpy(part) for part in batch))
    return torch.utils.data.DataLoader(data, batch_size=3, shuffle=True)


def generator(*batch):
    return (each for each in [batch])


@pytest.mark.parametrize("kind", [py_dataset, tf_dataset, loader, generator])
@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((SMALL, SMALL), r"The first batch of `validation_data`, images of A,.*\(8, 8, 1\)"),
        ((A, SMALL), r"The first batch of `validation_data`, images of B,.*\(8, 8, 1\)"),
        ((A,), r"`validation_data`, a source of data, must yield batches \(a, b\).*1 parts"),
        ((A[..., 0], B[..., 0]), "a grey image a channel axis"),
    ],
)
def test_a_source_of_validation_data(model, kind, batch, message):
    before = int(model.optimizer.iterations)
    with pytest.raises(ValueError, match=message):
        model.fit(A, B, verbose=0, validation_data=kind(*batch))
    with pytest.raises(ValueError, match=message.replace("validation_data", "x")):
        model.evaluate(kind(*batch), verbose=0)
    assert int(model.optimizer.iterations) == before


@pytest.mark.parametrize("kind", [py_dataset, tf_dataset, loader, generator])
def test_a_source_that_is_right_is_scored_whole(model, kind):
    history = model.fit(A, B, epochs=1, verbose=0, validation_data=kind(A, B)).history
    expected = model.evaluate(A, B, return_dict=True, verbose=0)
    found = model.evaluate(kind(A, B), return_dict=True, verbose=0)
    for name, score in expected.items():
        assert found[name] == pytest.approx(score, rel=1e-4)
        assert history[f"val_{name}"][0] == pytest.approx(score, rel=1e-4)


@pytest.mark.parametrize(
    ("validation_data", "message"),
    [
        ((A, B, np.ones(3)), "Received: 3 parts. Sample weights are not supported"),
        ((SMALL, B, np.ones(3)), "3 parts"),
        ([A], "1 parts"),
        ((A, B[:2]), "as many images of A as of B"),
        (lambda: iter([(A, B)]), "itself. Call it"),
        (7, "must be a source of"),
        (py_dataset(A, B[:2]), "as many images of A as of B"),
    ],
)
def test_validation_data_of_other_kinds(model, validation_data, message):
    before = int(model.optimizer.iterations)
    with pytest.raises(ValueError, match=message):
        model.fit(A, B, verbose=0, validation_data=validation_data)
    assert int(model.optimizer.iterations) == before


def test_best_translation_between_other_numbers_of_channels():
    two = np.concatenate([A, A], axis=-1)
    other = kmc.CycleGAN(**networks((*SHAPE[:2], 2), SHAPE), pool_size=0)
    compiled(other, identity_weight=0)
    with pytest.raises(ValueError, match=r"as many channels.*\(3, 16, 16, 2\).*\(3, 16, 16, 1\)"):
        other.fit(two, B, verbose=0, callbacks=[BestTranslation(two, B)])
    assert int(other.optimizer.iterations) == 0


def test_best_translation_with_a_model_of_other_channels(model):
    two = np.concatenate([A, A], axis=-1)
    best = BestTranslation(two, np.concatenate([B, B], axis=-1))
    parts = networks((*SHAPE[:2], 2), SHAPE)
    other = kmc.CycleGAN(**parts, pool_size=0)
    compiled(other, identity_weight=0)
    with pytest.raises(ValueError, match=r"`b` holds images of shape \(16, 16, 2\)"):
        other.fit(two, B, verbose=0, callbacks=[best])
    assert int(other.optimizer.iterations) == 0


def test_the_file_of_best_translation(tmp_path, model):
    before = int(model.optimizer.iterations)
    (tmp_path / "file").touch()
    (tmp_path / "folder.npz").mkdir()
    for path in (tmp_path / "file" / "best.npz", tmp_path / "folder.npz"):
        with pytest.raises(ValueError, match=r"`path` .* cannot be written"):
            model.fit(A, B, verbose=0, callbacks=[BestTranslation(A, B, path=path)])
    assert int(model.optimizer.iterations) == before
    path = tmp_path / "not" / "there" / "best.npz"
    model.fit(A, B, verbose=0, callbacks=[BestTranslation(A, B, path=path, verbose=0)])
    assert path.exists()


def test_a_checkpoint_in_the_place_of_a_file(tmp_path, model):
    (tmp_path / "file").touch()
    for directory in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(ValueError, match=r"`directory` must be the folder.*is a file"):
            model.fit(A, B, verbose=0, callbacks=[Checkpoint(directory)])
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for directory in (tmp_path / "link", tmp_path / "link" / "run"):
        with pytest.raises(ValueError, match=r"`directory` must be.*is a link to what is not"):
            model.fit(A, B, verbose=0, callbacks=[Checkpoint(directory)])
    model.fit(A, B, verbose=0, callbacks=[Checkpoint(tmp_path / "not" / "there")])
