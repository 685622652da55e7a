"""Damages checkpoints in every way, and looks at what a training makes of them.

    KERAS_BACKEND=jax python tests/chaos/damage.py

Writes two checkpoints of a small CycleGAN. Then, again and again, truncates a file of the newer one
or turns bits of it, over its whole length, or removes it; and asks for the newest. The answer has
to be the older one with a warning, and the model has to be that one's, weight for weight. With both
damaged it has to be a `CheckpointError`.
"""

import argparse
import collections
import itertools
import random
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import keras
import numpy as np
from small import compiled, images, set_weights, tiny_cyclegan

from keras_mri_cyclegan.callbacks import Checkpoint, CheckpointError, CheckpointWarning
from keras_mri_cyclegan.callbacks.generations import MODEL, STATE, SUMS


def damages(path, pieces, rng):
    """Yield names and functions that damage a file, at `pieces` places over its length."""
    size = path.stat().st_size
    edges = np.linspace(0, size, pieces + 1).astype(int).tolist()
    for first, last in itertools.pairwise(edges):
        if first < last:
            place, bit = rng.randrange(first, last), 1 << rng.randrange(8)
            yield f"truncated to {first}", lambda data, n=first: data[:n]
            yield (
                f"bit turned in byte {place}",
                lambda data, n=place, bit=bit: data[:n] + bytes([data[n] ^ bit]) + data[n + 1 :],
            )
            yield (
                f"bytes {first} to {last} inverted",
                lambda data, a=first, b=last: (
                    data[:a] + bytes(byte ^ 255 for byte in data[a:b]) + data[b:]
                ),
            )
    yield "longer by a byte", lambda data: data + b"\0"
    yield "removed", lambda data: None


def apply(path, damage):
    """Replace a file by what `damage` makes of its bytes."""
    data = damage(path.read_bytes())
    path.unlink()
    if data is not None:
        path.write_bytes(data)


def weights(model):
    """Return all variables of a model and its optimizers."""
    variables = [*model.variables, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def equal(one, other):
    """Return whether two lists of arrays are the same."""
    return all(np.array_equal(x, y) for x, y in zip(one, other, strict=True))


def outcome(model, folder):
    """Return what became of going back to the newest checkpoint, and its name."""
    checkpoint = Checkpoint(folder)
    checkpoint.set_model(model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            path = checkpoint.go_back()
        except CheckpointError:
            return "error", None
        except Exception as error:  # what must not happen
            return f"crash: {error!r}", None
    warned = any(issubclass(one.category, CheckpointWarning) for one in caught)
    return ("older, with a warning" if warned else "as if nothing were"), path.name


def main():
    """Try all, print a table, and exit with 1 if one came out wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pieces", type=int, default=60, help="places of damage in a file")
    options = parser.parse_args()
    rng = random.Random(0)
    folder = Path(tempfile.mkdtemp(prefix="damage_"))

    model = compiled(tiny_cyclegan(pool_size=2))
    saved, expected = folder / "saved", {}

    class Remember(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            expected[f"epoch_{epoch + 1:04d}"] = weights(self.model)

    a, b = images(1, seed=1), images(1, seed=2)
    model.fit(a, b, epochs=2, verbose=0, callbacks=[Checkpoint(saved), Remember()])
    assert outcome(model, saved) == ("as if nothing were", "epoch_0002")
    assert equal(weights(model), expected["epoch_0002"])

    counts, wrong = collections.Counter(), 0
    for name in (MODEL, STATE, SUMS):
        for what, damage in damages(saved / "epoch_0002" / name, options.pieces, rng):
            for both in (False, True):
                run = folder / "run"
                shutil.copytree(saved, run)
                apply(run / "epoch_0002" / name, damage)
                if both:
                    apply(run / "epoch_0001" / name, lambda data: data[: len(data) // 2])
                set_weights(model, seed=5)
                before = weights(model)
                found, generation = outcome(model, run)
                good = (found, generation) == (
                    ("error", None) if both else ("older, with a warning", "epoch_0001")
                )
                good = good and equal(weights(model), expected.get(generation, before))
                counts[f"{name}: {found}"] += 1
                if not good:
                    wrong += 1
                    print(f"{name}, {what}, {both=}: {found}, {generation}", flush=True)
                shutil.rmtree(run)
    for found, count in sorted(counts.items()):
        print(f"{count:5d}  {found}")
    print(f"{keras.backend.backend()}: {sum(counts.values())} cases, {wrong} wrong")
    shutil.rmtree(folder)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
