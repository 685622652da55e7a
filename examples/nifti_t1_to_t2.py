"""Learn T1 -> T2 from unpaired NIfTI files, and write the synthetic T2 of a held-out scan.

    python examples/nifti_t1_to_t2.py
    python examples/nifti_t1_to_t2.py --t1 "study/*_T1.nii.gz" --t2 "study/*_T2.nii.gz" \
        --test-t1 held_out_T1.nii.gz --test-t2 held_out_T2.nii.gz

Without arguments the scans are phantoms, written as NIfTI files; each argument is a file, a folder
or a pattern in quotes. No scan needs a partner. The test scan belongs to a patient outside the
training set; its true T2, if available on the same grid, is only used for the scores. The output
folder holds the model, the preprocessing, the synthetic T2 with a sidecar that marks it as
synthetic, a figure, pictures of the training and the losses of each epoch.
"""

import argparse
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.preprocessing import Percentile, Preprocessing, Reorient, Slices
from keras_mri_cyclegan.volumes import Volume, read_volume, write_volume

RECIPES = {
    "small_data": kmc.recipes.small_data,
    "paper": kmc.recipes.paper,
    "tutorial": kmc.recipes.tutorial,
    "large": kmc.recipes.large,
}


def main() -> None:
    """Read, train, translate, score, draw."""
    arguments = parse_arguments()
    keras.utils.set_random_seed(arguments.seed)
    output = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    if arguments.t1 is None:
        compute_study(output / "study", arguments)

    # === Data: files -> slices ===
    size = tuple(arguments.size)
    preprocessing = Preprocessing([Reorient("RAS"), Percentile()], Slices("axial", size=size))
    slices = kmc.data.from_volumes(
        arguments.t1, arguments.t2, preprocessing, seed=arguments.seed, cache=output / "cache"
    )
    preprocessing.save(output / "preprocessing.json")

    # === Model: compiled, with batches and the epochs of its learning-rate schedule ===
    # `small_data` takes slices of one size and one channel with air at -1, as here.
    filters = {} if arguments.filters is None else {"filters": arguments.filters}
    recipe = RECIPES[arguments.recipe](
        slices.a, slices.b, epochs=arguments.epochs, seed=arguments.seed, **filters
    )
    model, train, epochs = recipe
    if arguments.augment:  # the same batches, but warped and shaded
        train = kmc.data.UnpairedDataset(
            train.a,
            train.b,
            batch_size=train.batch_size,
            seed=arguments.seed,
            augment=kmc.data.mri_augmentation(),
        )
    model.summary()
    print(f"{epochs} epochs of {len(train)} steps")

    # === Training: keeps the weights of the best epoch, chosen without pairs ===
    every = max(1, epochs // 10)
    monitor = kmc.callbacks.TranslationMonitor(
        some(train.a), some(train.b), output / "progress", every=every, names=("T1", "T2")
    )
    best = kmc.callbacks.BestTranslation(some(train.a, 12), some(train.b, 12), every=every)
    log = keras.callbacks.CSVLogger(str(output / "losses.csv"))  # last, to log the scores of `best`
    recipe.fit(x=train, callbacks=[monitor, best, log])
    model.save(output / "cyclegan.keras")

    # === A held-out scan: file -> file ===
    target = output / "synthetic_t2.nii.gz"
    translated = kmc.translate_volume(
        model, arguments.test_t1, target, "ab", preprocessing, overwrite=True
    )
    source = read_volume(arguments.test_t1)
    print(f"\n{target}: {translated.shape} voxels of {translated.spacing} mm, as its source")
    if arguments.test_t2 is not None:
        truth = read_volume(arguments.test_t2)
        report(source, translated, truth, preprocessing)
        draw(source, translated, truth, preprocessing, output / "result.png")
    print(f"Everything is in {output}/")


def compute_study(folder: Path, arguments: argparse.Namespace) -> None:
    """Write T1 scans of some phantoms, T2 scans of others, and both of a test phantom."""
    folder.mkdir(exist_ok=True)
    subjects = {"t1": range(3), "t2": range(10, 13)}
    for contrast, persons in subjects.items():
        for person in persons:
            head(contrast, person, arguments.size, folder / f"sub-{person:02}_{contrast}.nii.gz")
    arguments.t1, arguments.t2 = str(folder / "sub-0*_t1.nii.gz"), str(folder / "sub-1*_t2.nii.gz")
    arguments.test_t1, arguments.test_t2 = (folder / f"sub-20_{c}.nii.gz" for c in ("t1", "t2"))
    head("t1", 20, arguments.size, arguments.test_t1)
    head("t2", 20, arguments.size, arguments.test_t2)


def head(contrast: str, subject: int, size: tuple[int, int], path: Path) -> None:
    """Write the phantom of one subject as a file."""
    (slices,) = kmc.datasets.load_phantom((contrast,), slices=24, size=size, subjects=[subject])
    millimetres = max(217 / size[0], 181 / size[1])
    # Rows run from the front to the back, columns from the right to the left, slices upwards.
    affine = np.diag([-millimetres, -millimetres, 68 / 23, 1])
    signal = 500 * (slices[..., 0].transpose(2, 1, 0) + 1)
    write_volume(Volume(signal, affine), path, overwrite=True)


def some(images: Any, count: int = 4) -> np.ndarray:
    """Return a few images, evenly spaced over the middle; the ends may be air."""
    first, last = 0.2 * len(images), 0.8 * len(images)
    return images[np.linspace(first, last, count).astype(int)]


def comparable(volume: Volume, preprocessing: Preprocessing, domain: str) -> np.ndarray:
    """Return a scan's axial slices, scaled to [-1, 1] by the scan's percentiles."""
    return preprocessing.cutter.cut(preprocessing.prepare(volume, domain).volume)


def report(source: Volume, made: Volume, truth: Volume, preprocessing: Preprocessing) -> None:
    """Print the scores of slices that show the head, and of copying the input."""
    t1, t2 = comparable(source, preprocessing, "a"), comparable(truth, preprocessing, "b")
    synthetic = comparable(made, preprocessing, "b")
    inside = (t1 > -0.9).mean(axis=(1, 2, 3)) > 0.02
    print(f"\nAgainst the true T2, mean of {inside.sum()} slices")
    for name, images in (("copy the input", t1), ("translation", synthetic)):
        scores = [
            float(keras.ops.mean(score(t2[inside], images[inside], data_range=2.0)))
            for score in (kmc.metrics.psnr, kmc.metrics.ssim)
        ]
        print(f"{name:<16}{scores[0]:6.2f} dB  SSIM {scores[1]:.3f}")


def draw(
    source: Volume, made: Volume, truth: Volume, preprocessing: Preprocessing, path: Path
) -> None:
    """Draw three slices: the input, the translation, the truth and the error."""
    t1, t2 = comparable(source, preprocessing, "a"), comparable(truth, preprocessing, "b")
    synthetic = comparable(made, preprocessing, "b")
    rows = [
        (t1[k], synthetic[k], t2[k], np.abs(synthetic[k] - t2[k]) - 1)
        for k in (np.array([0.35, 0.5, 0.65]) * len(t1)).astype(int)
    ]
    titles = ["T1", "synthetic T2", "true T2", "error"]
    kmc.figures.save_png(path, kmc.figures.image_grid(rows, titles=titles))


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--t1", help="training scans: file, folder or pattern; computed if absent")
    parser.add_argument("--t2", help="training scans of the other contrast")
    parser.add_argument("--test-t1", help="scan to translate, of a held-out patient")
    parser.add_argument("--test-t2", help="its true T2 on the same grid, for the scores")
    parser.add_argument("--output", type=Path, default=Path("outputs/nifti_t1_to_t2"))
    parser.add_argument("--size", type=int, nargs=2, default=(64, 64), help="rows, columns")
    parser.add_argument(
        "--recipe", choices=RECIPES, default="small_data", help="networks and settings"
    )
    parser.add_argument(
        "--epochs", type=int, help="passes over the larger side (default: the recipe's)"
    )
    parser.add_argument("--filters", type=int, help="of the first layers (default: the recipe's)")
    parser.add_argument("--augment", action="store_true", help="warp, shade and flip slices")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and augmentation")
    arguments = parser.parse_args()
    given = [arguments.t1, arguments.t2, arguments.test_t1]
    if any(given) and not all(given):
        parser.error("give --t1, --t2 and --test-t1 together, or none of them")
    return arguments


if __name__ == "__main__":
    main()
