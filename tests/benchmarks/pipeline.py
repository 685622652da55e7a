"""Slices per second of the data pipeline, against those of the training step that it feeds.

Makes NIfTI scans in a temporary folder, prepares them with a cache, and times what comes out of
`from_volumes`: as a `PyDataset` with some numbers of workers, and as a `tf.data.Dataset`. Then
times the training step of a U-Net CycleGAN on the current backend. A slice is one image of either
domain, so a batch of 1 has two.

    KERAS_BACKEND=jax python tests/benchmarks/pipeline.py --json pipeline.json
"""

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import tempfile
import time

import keras
import nibabel
import numpy as np

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.preprocessing import Preprocessing, Slices


def arguments():
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=3, help="of each domain")
    parser.add_argument("--slices", type=int, default=40, help="of a scan")
    parser.add_argument("--size", type=int, default=256, help="of a slice, along each side")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--processes", action="store_true", help="workers as processes as well")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--filters", type=int, default=16, help="of the U-Net's first block; 0: no")
    parser.add_argument("--memory", action="store_true", help="the preparation's memory alone")
    parser.add_argument("--json", help="file for the results")
    return parser.parse_args()


def make_scans(folder, contrast, options):
    """Write random heads: an ellipsoid of noise in air, int16 as a scanner's."""
    # Slice by slice, to stay below the memory that is to be measured.
    shape = (options.size, options.size, options.slices)
    x, y, z = (np.linspace(-1, 1, size) for size in shape)
    disc = x[:, None] ** 2 + y**2
    for number in range(options.scans):
        rng = np.random.default_rng(number)
        data = np.zeros(shape, "int16")
        for index in range(options.slices):
            noise = rng.integers(100, 900, disc.shape, "int16")
            data[..., index] = noise * (disc + z[index] ** 2 < 0.8)
        path = os.path.join(folder, f"sub-{number:03d}_{contrast}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), path)


def memory():
    """Return the most memory that this process has held, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if platform.system() == "Darwin" else 2**10)


def batches_of(dataset, **options):
    """Yield batches as `fit` gets them from a `PyDataset`, epoch after epoch."""
    # Private, and the only way to Keras' own workers without a model.
    from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

    for name, value in options.items():
        setattr(dataset, f"_{name}", value)
    adapter = PyDatasetAdapter(dataset, shuffle=False)
    while True:
        adapter.on_epoch_begin()
        for batch, _ in zip(adapter.get_numpy_iterator(), range(len(dataset)), strict=False):
            yield batch
        adapter.on_epoch_end()


def epochs_of(dataset):
    """Yield the batches of a `tf.data.Dataset`, epoch after epoch."""
    while True:
        yield from dataset.as_numpy_iterator()


def rate(batches, batch, seconds):
    """Return slices per second, after what is prefetched at the start has been used up."""
    for _ in range(20):
        next(batches)
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        next(batches)
        count += 1
    return 2 * batch * count / (time.perf_counter() - begun)


def training_rate(options):
    """Return slices per second of the training step, and the number of the model's weights."""
    shape = (options.size, options.size, 1)
    model = kmc.CycleGAN(
        generator_ab=kmc.unet_generator(shape, filters=options.filters),
        generator_ba=kmc.unet_generator(shape, filters=options.filters),
        discriminator_a=kmc.patchgan_discriminator(shape, filters=options.filters),
        discriminator_b=kmc.patchgan_discriminator(shape, filters=options.filters),
    )
    model.compile()
    images = np.random.default_rng(0).uniform(-1, 1, (options.batch, *shape)).astype("float32")
    model.train_on_batch(images, images)  # compiles it
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < options.seconds:
        model.train_on_batch(images, images)  # waits for the losses, and so for the step
        count += 1
    weights = sum(network.count_params() for network in model.networks.values())
    return 2 * options.batch * count / (time.perf_counter() - begun), weights


def measure(options):
    """Return the results of all measurements."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        make_scans(folder, "T1w", options)
        make_scans(folder, "T2w", options)
        cache = os.path.join(folder, "cache")
        preprocessing = Preprocessing(cutter=Slices(size=(options.size, options.size)))

        def dataset(augment=None):
            return kmc.data.from_volumes(
                os.path.join(folder, "*T1w.nii.gz"),
                os.path.join(folder, "*T2w.nii.gz"),
                preprocessing,
                batch_size=options.batch,
                seed=0,
                augment=augment,
                cache=cache,
                verbose=0,
            )

        before, begun = memory(), time.perf_counter()
        first = dataset()
        results["fit and prepare a scan, s"] = (time.perf_counter() - begun) / (2 * options.scans)
        results["memory of it, at most, MiB"] = memory() - before
        images = len(first.a) + len(first.b)
        results["all prepared images, MiB"] = images * np.prod(first.a.shape[1:]) * 4 / 2**20
        begun = time.perf_counter()
        plain = dataset()
        results["check a cached scan, s"] = (time.perf_counter() - begun) / (2 * options.scans)
        if options.memory:
            return results

        augmented = dataset(kmc.data.mri_augmentation())
        slices = "slices/s: "
        timing = (options.batch, options.seconds)
        results[slices + "from the cache"] = rate(batches_of(plain, workers=1), *timing)
        for workers in options.workers:
            batches = batches_of(augmented, workers=workers)
            results[f"{slices}augmented, {workers} threads"] = rate(batches, *timing)
            batches.close()
            if options.processes:
                batches = batches_of(augmented, workers=workers, use_multiprocessing=True)
                results[f"{slices}augmented, {workers} processes"] = rate(batches, *timing)
                batches.close()
        try:
            batches = epochs_of(augmented.to_tf_dataset())
        except ImportError:
            print("TensorFlow is not installed: no to_tf_dataset.")
        else:
            results[slices + "augmented, to_tf_dataset"] = rate(batches, *timing)
        if options.filters:
            name = f"{slices}training step, {keras.backend.backend()}"
            results[name], results["weights of the model"] = training_rate(options)
    return results


def machine():
    """Return what the numbers were measured on."""
    packages = ("keras", "numpy", "scipy", "tensorflow", "jax", "torch")
    found = {}
    for package in packages:
        for name in (package, f"{package}-cpu", f"{package}_cpu"):
            try:
                found[package] = importlib.metadata.version(name)
                break
            except importlib.metadata.PackageNotFoundError:
                continue
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "backend": keras.backend.backend(),
        "python": platform.python_version(),
        "keras_mri_cyclegan": kmc.__version__,
        **found,
    }


def main():
    """Measure, print a table, and write the JSON."""
    options = arguments()
    results = measure(options)
    width = max(map(len, results))
    for name, value in results.items():
        print(f"{name:<{width}}  {value:12,.{0 if value >= 1000 else 3}f}")
    report = {"machine": machine(), "options": vars(options), "results": results}
    print(json.dumps(report["machine"]))
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
