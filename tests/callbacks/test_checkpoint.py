import json
import os
import shutil
import signal

import keras
import numpy as np
import pytest
from small import compiled, images, tiny_cyclegan

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.callbacks import Checkpoint, CheckpointError, CheckpointWarning

A, B = images(3, seed=1), images(2, seed=2)  # three steps of one image
EPOCHS = 3


class KilledError(Exception):
    pass


class KillAt(keras.callbacks.Callback):
    """Ends a training as a crash does, without any clean-up of the callbacks."""

    def __init__(self, epoch, batch=None):
        super().__init__()
        self.at = (epoch, batch)
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise KilledError

    def on_epoch_end(self, epoch, logs=None):
        if (epoch, None) == self.at:
            raise KilledError


def new_model(seed=0):
    keras.utils.set_random_seed(seed)
    return compiled(tiny_cyclegan(pool_size=2))


def data(count=3):
    """Return epochs of as many steps; a single one is enough where no order is compared."""
    flip = kmc.data.RandomFlip()
    return kmc.data.UnpairedDataset(A[:count], B[:count], seed=4, augment=flip)


def run(folder=None, kill=None, epochs=EPOCHS, model=None, source=None, others=(), **options):
    model = new_model(seed=os.urandom(1)[0]) if model is None else model
    callbacks = [*others, *([] if kill is None else [KillAt(*kill)])]
    if folder is not None:
        callbacks.append(Checkpoint(folder, **options))
    history = model.fit(
        data() if source is None else source, epochs=epochs, verbose=0, callbacks=callbacks
    )
    return model, history


def assert_equal_states(one, other):
    for x, y in zip(state(one), state(other), strict=True):
        np.testing.assert_array_equal(x, y)


def state(model):
    if isinstance(model, list):
        return model
    variables = [*model.variables, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(v) for v in variables]


@pytest.fixture(scope="module")
def undisturbed():
    """The states after each epoch, and the history."""
    states = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: states.append(state(model))
    )
    model = new_model()
    _, history = run(model=model, others=[note])
    return states, history.history


@pytest.fixture(scope="module")
def first_epoch(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first_epoch")
    run(folder, epochs=1, source=data(1))
    return folder


@pytest.fixture
def begun(tmp_path, first_epoch):
    """The folder of a training of one epoch of one step."""
    return shutil.copytree(first_epoch, tmp_path / "begun")


# === Going on ===


@pytest.mark.backend
def test_a_resumed_training_equals_the_undisturbed_one(tmp_path, undisturbed):
    """Saved after an epoch, after some steps and after some time, and killed each time."""
    seen = []

    note = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(("begin", batch)),
        on_train_batch_end=lambda batch, logs: seen.append(("end", batch)),
    )
    model = new_model()
    for kill, options, newest in [
        ((1, 1), {}, "epoch_0001"),
        ((1, 2), {"every_steps": 2}, "epoch_0001_batch_00002"),
        ((2, 1), {"every_epochs": None, "every_minutes": 1e-9}, "epoch_0002_batch_00001"),
    ]:
        with pytest.raises(KilledError):
            run(tmp_path, kill, model=model, **options)
        assert max(os.listdir(tmp_path)) == newest
        model = new_model(seed=kill[1])
    _, history = run(tmp_path, model=model, others=[note])
    states, expected = undisturbed
    assert_equal_states(model, states[-1])
    assert history.epoch == [0, 1, 2]
    assert history.history == expected
    # The middle of an epoch is not done twice.
    assert seen == [("begin", 1), ("end", 1), ("begin", 2), ("end", 2)]
    assert "skip" not in model.train_function.__qualname__  # Keras' own is back


@pytest.mark.backend
def test_moving_averages_and_what_other_callbacks_found_go_on(tmp_path):
    """Averages swapped for the weights, a rate that falls, a patience that runs out, a log."""

    def averaged(seed):
        keras.utils.set_random_seed(seed)
        model = tiny_cyclegan(pool_size=2)
        rates = [keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=0.5) for _ in "ab"]
        model.compile(*rates)
        return model

    def others(folder):
        return [
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
            keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=1e9, verbose=0),
            keras.callbacks.EarlyStopping("loss", patience=9, min_delta=1e9),
            keras.callbacks.CSVLogger(folder / "log.csv"),
        ]

    (tmp_path / "one").mkdir()
    expected = run(None, model=averaged(0), others=others(tmp_path / "one"), source=data(2))
    for number, kill in enumerate([(0, None), (1, 1), None]):
        list_of_others = others(tmp_path)
        arguments = {"model": averaged(number), "others": list_of_others, "every_steps": 1}
        arguments["source"] = data(2)
        if kill is None:
            found = run(tmp_path / "run", **arguments)
        else:
            with pytest.raises(KilledError):
                run(tmp_path / "run", kill, **arguments)
    assert_equal_states(found[0], expected[0])
    assert found[1].history == expected[1].history
    assert found[1].history["learning_rate_generator"][-1] < 1e-3
    assert (tmp_path / "log.csv").read_text() == (tmp_path / "one" / "log.csv").read_text()
    assert list_of_others[3].wait == 2  # since the first epoch, two processes ago


def test_a_training_that_is_through_is_not_done_again(tmp_path):
    model, history = run(tmp_path, epochs=2, source=data(1))
    with pytest.warns(CheckpointWarning, match=r"all 2 epochs .* done and `epochs` is 2.*larger"):
        again, other = run(tmp_path, epochs=2, source=data(1))
    assert_equal_states(again, model)
    assert other.history == history.history
    assert other.epoch == [0, 1]


@pytest.mark.backend
def test_arrays_go_on_in_the_order_that_was_drawn_for_them(tmp_path):
    def fit(folder, kill=None):
        callbacks = [Checkpoint(folder)] + ([KillAt(*kill)] if kill else [])
        model = new_model()
        model.fit(A, B, epochs=2, verbose=0, callbacks=callbacks)
        return model

    seeds = {}
    for name in ("one", "two"):
        with pytest.raises(KilledError):
            fit(tmp_path / name, (1, 1) if name == "two" else (0, 0))
        newest = max((tmp_path / name).iterdir())
        seeds[name] = json.loads((newest / "state.json").read_text())["data"]["seed"]
    assert seeds["one"] != seeds["two"]
    found = fit(tmp_path / "two")
    model = new_model()
    model.fit(kmc.data.UnpairedDataset(A, B, seed=seeds["two"]), epochs=2, verbose=0)
    assert_equal_states(found, model)


class Shuffled(keras.utils.PyDataset):
    """Batches that Keras shuffles with Python's global generator."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return A[index : index + 1], B[index % 2 : index % 2 + 1]


@pytest.mark.backend
def test_other_sources_go_on_as_well(tmp_path):
    expected, _ = run(model=new_model(), source=Shuffled(), epochs=2)
    with pytest.raises(KilledError):
        run(tmp_path, (1, 1), model=new_model(), source=Shuffled(), every_steps=1)
    found, _ = run(tmp_path, source=Shuffled(), epochs=2)
    assert_equal_states(found, expected)


# === Stopping ===


class Terminate(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if batch == 1:
            os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_saves_and_exits(tmp_path, undisturbed):
    before = signal.getsignal(signal.SIGTERM)
    with (
        pytest.warns(CheckpointWarning, match="SIGTERM.*saved as .*epoch_0000_batch_00002"),
        pytest.raises(SystemExit) as exit_info,
    ):
        run(tmp_path, model=new_model(), epochs=1, others=[Terminate()])
    assert exit_info.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before
    model, history = run(tmp_path, epochs=1)
    states, expected = undisturbed
    assert_equal_states(model, states[0])
    assert history.history == {name: values[:1] for name, values in expected.items()}


def test_sigterm_is_handled_while_training_alone(tmp_path):
    handlers = []

    class Look(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            handlers.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    run(tmp_path / "one", epochs=1, source=data(1), others=[Look()])
    assert handlers[0] != before
    assert signal.getsignal(signal.SIGTERM) is before
    handlers.clear()
    run(tmp_path / "two", epochs=1, source=data(1), others=[Look()], handle_sigterm=False)
    assert set(handlers) == {before}


def test_sigterm_behind_the_last_step_is_not_swallowed(tmp_path):
    class Terminate(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            os.kill(os.getpid(), signal.SIGTERM)

    seen = []
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append(1))
    try:
        run(tmp_path, epochs=1, source=data(1), others=[Terminate()])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [1]


@pytest.mark.backend
def test_the_best_weights_that_others_keep_go_on(tmp_path, few_patches):
    """The best epoch is one before the kill, and its weights are put back at the end."""

    def others():
        return [
            kmc.callbacks.BestTranslation(A, B, every=2, verbose=0),
            keras.callbacks.EarlyStopping(
                "loss", mode="max", patience=9, restore_best_weights=True
            ),
        ]

    best = others()
    expected, history = run(model=new_model(), source=data(2), others=best)
    assert np.argmax(history.history["loss"]) == 0
    with pytest.raises(KilledError):
        run(tmp_path, (2, 1), model=new_model(), source=data(2), others=others(), every_steps=1)
    again = others()
    found, again_history = run(tmp_path, source=data(2), others=again)
    assert_equal_states(found, expected)
    np.testing.assert_equal(again_history.history, history.history)  # NaN where not judged
    assert again[0].scores == best[0].scores
    assert again[0].best_epoch == best[0].best_epoch


def test_an_epoch_that_was_stopped_in_the_middle_is_finished_later(tmp_path, undisturbed):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                self.model.stop_training = True

    run(tmp_path, model=new_model(), epochs=1, others=[Stop()])
    assert (tmp_path / "epoch_0000_batch_00002").exists()
    model, _ = run(tmp_path, epochs=1)
    assert_equal_states(model, undisturbed[0][0])


# === When something is wrong ===


def full_disk(monkeypatch):
    def save(self, path, *arguments, **options):
        with open(path, "wb") as file:
            file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", save)


def test_a_full_disk_stops_no_training_that_has_begun(begun, monkeypatch):
    with monkeypatch.context() as patch:
        full_disk(patch)
        with pytest.warns(CheckpointWarning, match="The disk is full.*goes on without"):
            run(begun, epochs=2, source=data(1))
    assert sorted(os.listdir(begun)) == ["epoch_0000", "epoch_0001"]
    assert int(run(begun, epochs=2, source=data(1))[0].optimizer.iterations) == 2


def test_a_folder_that_cannot_be_written_to_is_found_before_the_first_step(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file"):
        run(tmp_path / "file")
    full_disk(monkeypatch)
    with pytest.raises(ValueError, match="The disk is full"):
        run(tmp_path / "folder")
    assert os.listdir(tmp_path / "folder") == []


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda model: model.pool_b.images, "pool_b/images` is not finite"),
        (lambda model: model.discriminator_b.trainable_variables[-1], "not finite, so no ch"),
    ],
)
def test_what_is_not_finite_is_not_saved(tmp_path, broken, message):
    class Break(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                variable = broken(self.model)
                variable.assign(np.full(variable.shape, np.nan))

    with pytest.warns(CheckpointWarning, match=message):
        run(tmp_path, epochs=2, source=data(1), others=[Break()])
    assert sorted(os.listdir(tmp_path)) == ["epoch_0000", "epoch_0001"]


def test_a_checkpoint_of_another_model_is_refused(begun):
    other = compiled(tiny_cyclegan(pool_size=3))
    with pytest.raises(CheckpointError, match="of another model or with other optimizers"):
        run(begun, model=other, source=data(1))
    other = tiny_cyclegan(pool_size=2)
    other.compile(keras.optimizers.SGD(), keras.optimizers.SGD())
    with pytest.raises(CheckpointError, match="of another model or with other optimizers"):
        run(begun, model=other, source=data(1))


def test_a_loss_that_no_file_can_hold_is_no_obstacle(tmp_path):
    class Distance:
        def __call__(self, source, translated):
            return keras.ops.mean(keras.ops.abs(source - translated))

    def model(seed):
        keras.utils.set_random_seed(seed)
        model = tiny_cyclegan(pool_size=2)
        return compiled(model, structure_loss=Distance())

    expected, _ = run(model=model(0), epochs=2, source=data(1))
    with pytest.warns(UserWarning, match="cannot be saved .structure_loss=.*Distance"):
        run(tmp_path, epochs=1, source=data(1), model=model(0))
    with pytest.warns(UserWarning, match="cannot be saved"):
        found, _ = run(tmp_path, epochs=2, source=data(1), model=model(1))
    assert_equal_states(found, expected)


def test_other_data_are_noticed(begun):
    with pytest.warns(CheckpointWarning, match=r"images: \[1, 1\], now \[2, 2\]"):
        run(begun, epochs=2, source=data(2))


def test_the_newest_are_kept_and_open_as_models(tmp_path):
    model, _ = run(tmp_path, epochs=3, source=data(1), keep=2)
    assert sorted(os.listdir(tmp_path)) == ["epoch_0002", "epoch_0003"]
    loaded = keras.models.load_model(tmp_path / "epoch_0003" / "model.keras")
    assert_equal_states(loaded, model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every_epochs": 0}, "every_epochs"),
        ({"every_steps": 1.5}, "every_steps"),
        ({"every_minutes": 0}, "every_minutes"),
        ({"keep": 1}, "keep"),
        ({"handle_sigterm": "yes"}, "handle_sigterm"),
    ],
)
def test_arguments(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        Checkpoint(tmp_path, **arguments)


def test_it_needs_the_list_of_callbacks_of_a_cyclegan(tmp_path):
    model = new_model()
    with pytest.raises(ValueError, match=r"passed to `CycleGAN\.fit`"):
        model.fit(
            A,
            B,
            verbose=0,
            callbacks=keras.callbacks.CallbackList([Checkpoint(tmp_path)], model=model),
        )
    with pytest.raises(ValueError, match=r"one `Checkpoint` at most\. Received: 2"):
        model.fit(A, B, verbose=0, callbacks=[Checkpoint(tmp_path), Checkpoint(tmp_path)])
