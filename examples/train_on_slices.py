"""Learn to translate between two folders of slices, unpaired.

    python examples/train_on_slices.py --a path/to/T1 --b path/to/T2

The folders hold 8- or 16-bit grey PNG or TIFF slices, as many in each as there are; no slice needs
a partner. The trained model, pictures of its progress, translations of every slice and the losses
of each epoch are left in a folder.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_mri_cyclegan as kmc


def main() -> None:
    """Read, train, translate."""
    arguments = parse_arguments()
    keras.utils.set_random_seed(arguments.seed)
    output = arguments.output

    # === Data ===
    size = (arguments.size, arguments.size)
    a, a_paths = kmc.datasets.load_image_folder(arguments.a, size=size, return_paths=True)
    b, b_paths = kmc.datasets.load_image_folder(arguments.b, size=size, return_paths=True)
    print(f"A: {len(a)} slices of {arguments.a}\nB: {len(b)} slices of {arguments.b}")
    train = kmc.data.UnpairedDataset(
        a,
        b,
        batch_size=arguments.batch_size,
        seed=arguments.seed,
        augment=[kmc.data.RandomFlip(), kmc.data.RandomTranslation(0.1)],
    )

    # === Model ===
    shape = a.shape[1:]
    model = kmc.CycleGAN(
        generator_ab=kmc.unet_generator(shape, **generator_settings(arguments)),
        generator_ba=kmc.unet_generator(shape, **generator_settings(arguments)),
        discriminator_a=kmc.patchgan_discriminator(shape, filters=arguments.filters),
        discriminator_b=kmc.patchgan_discriminator(shape, filters=arguments.filters),
        pool_size=50,
    )
    rate = keras.optimizers.schedules.PolynomialDecay(
        arguments.learning_rate, decay_steps=arguments.epochs * len(train), end_learning_rate=0.0
    )
    model.compile(
        generator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5),
        cycle_weight=arguments.cycle_weight,
        identity_weight=arguments.identity_weight,
    )
    model.summary()

    # === Training ===
    monitor = kmc.callbacks.TranslationMonitor(
        some(a), some(b), output / "progress", every=max(1, arguments.epochs // 20)
    )
    log = keras.callbacks.CSVLogger(str(output / "losses.csv"))
    model.fit(train, epochs=arguments.epochs, callbacks=[monitor, log])
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


def generator_settings(arguments: argparse.Namespace) -> dict:
    """Return what both generators are built with."""
    return {
        "depth": arguments.depth,
        "filters": arguments.filters,
        "dropout": 0.0,
        "upsampling": "resize",
        "full_resolution": True,
    }


def some(images: np.ndarray, count: int = 4) -> np.ndarray:
    """Return a few images, spread over all."""
    return images[np.linspace(0, len(images) - 1, min(count, len(images))).astype(int)]


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
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
    parser.add_argument("--epochs", type=int, default=60, help="passes over the larger folder")
    parser.add_argument("--batch-size", type=int, default=1, help="slices of each side in a step")
    parser.add_argument("--depth", type=int, default=4, help="levels of the U-Net")
    parser.add_argument("--filters", type=int, default=32, help="of the networks' first layers")
    parser.add_argument("--learning-rate", type=float, default=2e-4, help="Adam's, before decay")
    parser.add_argument("--cycle-weight", type=float, default=10.0, help="of cycle consistency")
    parser.add_argument("--identity-weight", type=float, default=0.0, help="of identity mapping")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and augmentation")
    return parser.parse_args()


if __name__ == "__main__":
    main()
