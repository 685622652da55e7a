"""Kills a training with SIGKILL again and again, and compares what it ends with.

    KERAS_BACKEND=jax python tests/chaos/kill_and_resume.py --kills 100

A small CycleGAN with dropout trains with a `Checkpoint`, in a process that is killed at a random
moment: in half of the cases at any time from its first step on, in the other half while it writes
a checkpoint. Another process goes on, until the training is through; its final weights, optimizers,
image pools and random states have to be those of a training that nobody disturbed, bit for bit.
Then the next training begins, until there were as many kills as asked for.

The processes are forked from one that has imported Keras and computed nothing, so that none has to
wait for the import.
"""

import argparse
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import keras
import numpy as np
from small import compiled, images, tiny_cyclegan

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.callbacks.generations import Generations

STARTING = 300  # seconds to wait for a process to begin


def train(folder, result, report, epochs, eagerly):
    """Train to the end, in a process of its own, and save all state as an array."""
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_compilation_cache_dir", str(result.parent / "jax"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

    keras.utils.set_random_seed(0 if folder is None or not folder.exists() else os.getpid())
    model = compiled(tiny_cyclegan(pool_size=2), run_eagerly=eagerly)
    data = kmc.data.UnpairedDataset(
        images(5, seed=1), images(3, seed=2), seed=4, augment=kmc.data.RandomFlip()
    )

    class Report(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            os.write(report, b"b")

        def on_train_batch_end(self, batch, logs=None):
            os.write(report, b"e")

    callbacks = [Report()]
    if folder is not None:
        write = Generations.write

        def reported(*arguments):
            os.write(report, b"s")
            path = write(*arguments)
            os.write(report, b"w")
            return path

        Generations.write = reported
        callbacks.append(kmc.callbacks.Checkpoint(folder, every_steps=2))
    model.fit(data, epochs=epochs, verbose=0, callbacks=callbacks)
    variables = [*model.variables, *model.optimizer.variables]
    arrays = [keras.ops.convert_to_numpy(variable) for variable in variables]
    np.savez(result, *arrays)


def fork(*arguments):
    """Return the id of a process that trains, and where it reports."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    status = 1
    try:
        os.close(reading)
        train(*arguments[:2], writing, *arguments[2:])
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def wait_for(reading, letters, seconds):
    """Return whether one of the letters was reported before the process ended, or the time."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([reading], [], [], left)
        if ready:
            found = os.read(reading, 1)
            if not found or found in letters:
                return bool(found)
    return False


def killed(process, reading, rng, longest):
    """Kill a training at a random moment, and return whether it was still alive, and doing what."""
    wait_for(reading, b"be", STARTING)  # its first step
    saving = rng.random() < 0.5
    if saving:
        for _ in range(rng.randint(1, 2)):
            wait_for(reading, b"s", STARTING)
        began = time.monotonic()
        time.sleep(rng.uniform(0, longest["save"]))
    else:
        began = time.monotonic()
        time.sleep(rng.uniform(0, longest["life"]))
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    # What it reported up to its end: was it writing?
    last = b"s" if saving else b""
    while letter := os.read(reading, 1):
        last = letter
    os.close(reading)
    return status, last == b"s", time.monotonic() - began


def finished(process, reading):
    """Let a training end by itself, and return its exit status and how long it saved and lived."""
    began = saving = 0.0
    longest = 0.0
    wait_for(reading, b"be", STARTING)
    began = time.monotonic()
    while letter := os.read(reading, 1):
        if letter == b"s":
            saving = time.monotonic()
        if letter == b"w" and saving:
            longest = max(longest, time.monotonic() - saving)
    os.close(reading)
    _, status = os.waitpid(process, 0)
    return status, {"save": longest, "life": (time.monotonic() - began) / 4}


def main():
    """Kill as often as asked for, and exit with 1 if a training did not end as it should."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=6, help="of five steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--eagerly", action="store_true", help="without compiling the step")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="kill_and_resume_"))
    arguments = (options.epochs, options.eagerly)

    status, _ = finished(*fork(None, folder / "undisturbed.npz", *arguments))
    assert status == 0, "the undisturbed training failed"
    status, longest = finished(*fork(folder / "timed", folder / "timed.npz", *arguments))
    assert status == 0, "the training with checkpoints failed"
    expected = np.load(folder / "undisturbed.npz")

    kills = during = trainings = wrong = failed = 0
    run, result = folder / "run", folder / "result.npz"
    while kills < options.kills or run.exists():
        process, reading = fork(run, result, *arguments)
        if kills < options.kills:
            status, saving, _ = killed(process, reading, rng, longest)
        else:
            status, saving = finished(process, reading)[0], False
        if os.WIFSIGNALED(status):
            kills += 1
            during += saving
        elif status:
            failed += 1
            print(f"a training failed after {kills} kills, see above: {run}", flush=True)
            break
        else:
            found = np.load(result)
            same = all(np.array_equal(expected[name], found[name]) for name in expected.files)
            trainings += 1
            wrong += not same
            shutil.rmtree(run)
            print(
                f"training {trainings}: {'equal' if same else 'NOT EQUAL'}, {kills} kills so far, "
                f"{during} of them while it saved",
                flush=True,
            )
    print(
        f"{keras.backend.backend()}: {kills} kills, {during} while saving; {trainings} trainings "
        f"ended, {wrong} of them with other weights; {failed} could not be resumed"
    )
    if not (wrong or failed):
        shutil.rmtree(folder)
    sys.exit(bool(wrong or failed or not trainings))


if __name__ == "__main__":
    main()
