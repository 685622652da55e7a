"""A script that goes on with a checkpoint and asks for something else than it was begun with."""

import hashlib
import json
import re
import shutil
import warnings

import keras
import nibabel
import numpy as np
import pytest
from small import images, tiny_cyclegan

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.callbacks import Checkpoint, CheckpointWarning
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing, Slices, ZScore

A, B, OTHER = images(2, seed=1), images(2, seed=2), images(2, seed=3)
WARM_UP = kmc.losses.WarmUp(5.0, steps=10)


def model(rates=(1e-2, 1e-3), seed=0, **settings):
    made = tiny_cyclegan(pool_size=2, dropout=0.0, seed=seed)
    made.compile(*(keras.optimizers.Adam(rate, beta_1=0.5) for rate in rates), **settings)
    return made


def data(a=A, b=B, seed=4, **settings):
    """Return epochs of a single step."""
    return kmc.data.UnpairedDataset(a, b, batch_size=2, seed=seed, **settings)


def run(folder, made=None, source=None, epochs=1, others=()):
    """Train, and return the model and what was warned of."""
    made = model() if made is None else made
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made.fit(
            data() if source is None else source,
            epochs=epochs,
            verbose=0,
            callbacks=[*others, Checkpoint(folder)],
        )
    told = [warning for warning in told if warning.category is CheckpointWarning]
    assert all(warning.filename == __file__ for warning in told)
    return made, " ".join(str(warning.message) for warning in told)


@pytest.fixture(scope="module")
def first_epoch(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first_epoch")
    run(folder)
    return folder


@pytest.fixture
def begun(tmp_path, first_epoch):
    """The folder of a training of one epoch."""
    return shutil.copytree(first_epoch, tmp_path / "begun")


CHANGES = {
    "learning rate": (
        {"made": lambda: model((1e-5, 1e-3))},
        r"generator_optimizer.learning_rate: 0.01, now 1e-05\).*The checkpoint's is.*Scheduler",
    ),
    "both rates": (
        {"made": lambda: model((1e-5, 1e-6))},
        r"discriminator_optimizer.learning_rate: 0.001, now 1e-06\)",
    ),
    "weight": (
        {"made": lambda: model(cycle_weight=3)},
        r"cycle_weight: 10, now 3\). The new settings are used",
    ),
    "schedule of a weight": (
        {"made": lambda: model(identity_weight=WARM_UP)},
        r"identity_weight: 5, now WarmUp\). The new settings are used",
    ),
    "loss": (
        {"made": lambda: model(adversarial_loss="hinge")},
        "adversarial_loss: 'least_squares', now 'hinge'",
    ),
    "model's seed": (
        {"made": lambda: model(seed=7)},
        r"model_seed: 0, now 7\). The checkpoint's is used.*another folder",
    ),
    "data's seed": (
        {"source": lambda: data(seed=5)},
        r"seed of the data: 4, now 5\). The checkpoint's is used",
    ),
    "swapped": ({"source": lambda: data(B, A)}, "`a` and `b` have changed places"),
    "images of one side": ({"source": lambda: data(A, OTHER)}, "other images of `b`, mean"),
    "order of the images": ({"source": lambda: data(A[::-1], B)}, "other images of `a`"),
    "augmentation": (
        {"source": lambda: data(augment=kmc.data.RandomFlip())},
        r"augment: \[\], now \['RandomFlip'\]",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_differs_is_said_with_both_values(begun, change):
    arguments, message = CHANGES[change]
    arguments = {name: make() for name, make in arguments.items()}
    _, told = run(begun, **arguments, epochs=2)
    assert told.count("Checkpoint in") == 1
    assert re.search(message, told), told


def test_the_checkpoints_rate_holds_and_is_named_each_time(begun):
    for epochs in (2, 3):
        made, told = run(begun, model((1e-5, 1e-3)), epochs=epochs)
        assert "generator_optimizer.learning_rate: 0.01, now 1e-05" in told
        assert float(made.optimizer.learning_rate) == pytest.approx(1e-2)
    _, told = run(begun, epochs=4)  # the script as it was in the beginning
    assert not told


def test_the_way_to_another_rate(begun):
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 1e-5)
    made, told = run(begun, model((1e-5, 1e-5)), epochs=2, others=[scheduler])
    assert not told  # the checkpoint's rate does not hold
    for optimizer in made.optimizer.optimizers:
        assert float(optimizer.learning_rate) == pytest.approx(1e-5)
    _, told = run(begun, model((1e-5, 1e-5)), epochs=3)  # now it is the checkpoint's, too
    assert not told


def test_new_weights_hold_and_are_said_once(begun):
    for epochs, expected in ((2, True), (3, False)):
        _, told = run(begun, model(cycle_weight=3), epochs=epochs)
        assert bool(told) is expected


@pytest.mark.parametrize("source", [lambda: data(seed=None), lambda: data(), lambda: (A, B)])
def test_nothing_is_said_where_nothing_differs(tmp_path, source):
    def fit(folder, epochs, made=None):
        made = model(seed=None) if made is None else made
        plateau = keras.callbacks.ReduceLROnPlateau("loss", patience=0, min_delta=100, factor=0.5)
        given = source()
        x, y = given if isinstance(given, tuple) else (given, None)
        with warnings.catch_warnings():
            warnings.simplefilter("error", CheckpointWarning)
            made.fit(x, y, epochs=epochs, verbose=0, callbacks=[plateau, Checkpoint(folder)])
        return made

    fit(tmp_path / "here", epochs=2)
    shutil.move(tmp_path / "here", tmp_path / "there")
    made = fit(tmp_path / "there", epochs=3)
    assert float(made.optimizer.learning_rate) < 1e-2  # that of the plateau
    fit(tmp_path / "there", epochs=4, made=made)  # the same model once more


def test_a_checkpoint_without_settings_is_gone_on_with(begun):
    """As earlier versions wrote them."""
    folder = begun / "epoch_0001"
    state = json.loads((folder / "state.json").read_text())
    del state["settings"], state["rates"]
    for name in ("a", "b", "augment"):
        del state["data"][name]
    (folder / "state.json").write_text(json.dumps(state))
    sums = (folder / "SHA256SUMS").read_text().splitlines()
    digest = hashlib.sha256((folder / "state.json").read_bytes()).hexdigest()
    sums = [f"{digest}  state.json" if line.endswith("state.json") else line for line in sums]
    (folder / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    made, told = run(begun, model(cycle_weight=3), epochs=2)
    assert not told
    assert int(made.optimizer.iterations) == 2


def test_scans_are_known_by_their_names_wherever_the_folder_is(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("sub-1_T1w", "sub-2_T1w", "sub-1_T2w", "sub-2_T2w", "sub-3_T1w"):
        path = tmp_path / "study" / f"{name}.nii"
        path.parent.mkdir(exist_ok=True)
        values = rng.uniform(0, 90, (16, 16, 2)).astype("float32")
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)

    def scans(folder, patients=(1, 2), step=None, swap=False):
        preprocessing = Preprocessing([MinMax() if step is None else step], Slices())
        sides = [
            [str(tmp_path / folder / f"sub-{k}_{name}.nii") for k in patients[:2]]
            for name in ("T1w", "T2w")
        ]
        if 3 in patients:
            sides[0][1] = sides[0][1].replace("sub-2", "sub-3")
        return kmc.data.from_volumes(
            *(sides[::-1] if swap else sides), preprocessing, batch_size=4, seed=0, verbose=0
        )

    run(tmp_path / "run", source=scans("study"))
    shutil.move(tmp_path / "study", tmp_path / "moved")
    assert not run(tmp_path / "run", source=scans("moved"), epochs=2)[1]
    _, told = run(tmp_path / "run", source=scans("moved", swap=True), epochs=3)
    assert "changed places" in told
    other = scans("moved", (1, 2, 3))
    _, told = run(tmp_path / "run", source=other, epochs=4)
    assert "now `sub-" in told
    _, told = run(tmp_path / "run", source=scans("moved", (1, 2, 3), ZScore()), epochs=5)
    assert "in the first image" in told
