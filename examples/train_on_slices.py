"""Learn to translate between two unpaired folders of slices.

    python examples/train_on_slices.py --a path/to/T1 --b path/to/T2

The folders hold 8- or 16-bit grey PNG or TIFF slices on a black background, in any number; no slice
needs a partner. The output folder holds the trained model, pictures of its progress, translations
of every slice and the losses of each epoch. Training takes about half an hour for some tens of
slices of 128 x 128 pixels on two CPU cores.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_mri_cyclegan as kmc

RECIPES = {
    "small_data": kmc.recipes.small_data,
    "paper": kmc.recipes.paper,
    "tutorial": kmc.recipes.tutorial,
    "large": kmc.recipes.large,
}


def main() -> None:
    """Read, train, translate."""
    arguments = parse_arguments()
    keras.utils.set_random_seed(arguments.seed)
    output = arguments.output
    output.mkdir(parents=True, exist_ok=True)

    # === Data ===
    size = (arguments.size, arguments.size)
    a, a_paths = kmc.datasets.load_image_folder(arguments.a, size=size, return_paths=True)
    b, b_paths = kmc.datasets.load_image_folder(arguments.b, size=size, return_paths=True)
    print(f"A: {len(a)} slices of {arguments.a}\nB: {len(b)} slices of {arguments.b}")

    # === Model: compiled, with batches and the epochs of its learning-rate schedule ===
    # `small_data` takes slices of one size and one channel with air at -1, as here.
    filters = {} if arguments.filters is None else {"filters": arguments.filters}
    recipe = RECIPES[arguments.recipe](
        a, b, epochs=arguments.epochs, seed=arguments.seed, **filters
    )
    model, train, epochs = recipe
    model.summary()
    print(f"{epochs} epochs of {len(train)} steps")

    # === Training: keeps the weights of the best epoch, chosen without pairs ===
    every = max(1, epochs // 20)
    monitor = kmc.callbacks.TranslationMonitor(some(a), some(b), output / "progress", every=every)
    best = kmc.callbacks.BestTranslation(some(a, 12), some(b, 12), every=every)
    log = keras.callbacks.CSVLogger(str(output / "losses.csv"))  # last, to log the scores of `best`
    recipe.fit(callbacks=[monitor, best, log])
    model.save(output / "cyclegan.keras")

    # === Translations ===
    for name, images, paths, direction in (
        ("a_to_b", a, a_paths, "ab"),
        ("b_to_a", b, b_paths, "ba"),
    ):
        translated = model.translate(images, direction=direction)
        (output / name).mkdir(exist_ok=True)
        for path, image in zip(paths, translated, strict=True):
            picture = np.round((image[..., 0] + 1) * 127.5).astype("uint8")
            kmc.figures.save_png(output / name / f"{path.stem}.png", picture)
    print(f"\nModel, losses, progress and translations are in {output}/")


def some(images: np.ndarray, count: int = 4) -> np.ndarray:
    """Return a few evenly spaced images."""
    return images[np.linspace(0, len(images) - 1, min(count, len(images))).astype(int)]


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--a", type=Path, required=True, help="folder of slices of one contrast")
    parser.add_argument("--b", type=Path, required=True, help="folder of slices of the other")
    parser.add_argument(
        "--output", type=Path, default=Path("outputs/train_on_slices"), help="folder"
    )
    parser.add_argument("--size", type=int, default=128, help="pixels to which slices are resized")
    parser.add_argument(
        "--recipe", choices=RECIPES, default="small_data", help="networks and settings"
    )
    parser.add_argument(
        "--epochs", type=int, help="passes over the larger folder (default: the recipe's)"
    )
    parser.add_argument("--filters", type=int, help="of the first layers (default: the recipe's)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and augmentation")
    return parser.parse_args()


if __name__ == "__main__":
    main()
