"""Learn T1 <-> T2 on unpaired head phantoms, and score the translations against the true images.

    python examples/quickstart.py

No file is needed: the images are computed. T1 and T2 come from different subjects, so no image has
a partner; four further subjects, for whom both contrasts are known, are translated at the end. It
takes about five minutes on two CPU cores and leaves pictures in `outputs/quickstart`.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_mri_cyclegan as kmc

SIZE = 64  # pixels
CONTRASTS = ("t1", "t2")


def main() -> None:
    """Train, score, and draw."""
    arguments = parse_arguments()
    keras.utils.set_random_seed(arguments.seed)

    # === Data: T1 of some subjects, T2 of others, and both of a third group to be judged by ===
    slices = {"size": SIZE, "slices": 8 * arguments.subjects}
    t1, _ = kmc.datasets.load_phantom(CONTRASTS, subjects=range(arguments.subjects), **slices)
    _, t2 = kmc.datasets.load_phantom(
        CONTRASTS, subjects=range(100, 100 + arguments.subjects), **slices
    )
    t1_test, t2_test = kmc.datasets.load_phantom(
        CONTRASTS, size=SIZE, slices=32, subjects=range(200, 204)
    )

    # === Model: compiled, with batches and the epochs of its learning-rate schedule ===
    print("Looking for the intensity curves between T1 and T2", flush=True)
    model, train, epochs = kmc.recipes.small_data(
        t1, t2, epochs=arguments.epochs, seed=arguments.seed
    )
    model.summary()

    # === Training, with pictures of some test slices after every second epoch ===
    monitor = kmc.callbacks.TranslationMonitor(
        some(t1_test), some(t2_test), arguments.output, every=2, names=("T1", "T2")
    )
    before = model.evaluate(t1_test, t2_test, return_dict=True, verbose=0)
    model.fit(train, epochs=epochs, callbacks=[monitor, ProgressBar()], verbose=0)
    after = model.evaluate(t1_test, t2_test, return_dict=True, verbose=0)

    # === What it came to ===
    report(copying(t1_test, t2_test), before, after)
    draw(model, some(t1_test), some(t2_test), arguments.output / "result.png")
    model.save(arguments.output / "t1_t2.keras")
    print(f"\nPictures, training.gif and the model (t1_t2.keras) are in {arguments.output}/")


class ProgressBar(keras.callbacks.Callback):
    """One progress bar for the whole training, with the remaining time."""

    def on_train_begin(self, logs=None):
        """Start the bar."""
        self.bar = keras.utils.Progbar(self.params["epochs"] * self.params["steps"])

    def on_train_batch_end(self, batch, logs=None):
        """Advance the bar."""
        self.bar.add(1, [("loss", logs["loss"])])


def some(images: np.ndarray) -> np.ndarray:
    """Return a slice at mid-height of the first and of the third test subject."""
    return images[4::16]


def copying(t1: np.ndarray, t2: np.ndarray) -> dict:
    """Return the scores of copying the input, which a translation has to beat."""
    psnr = float(keras.ops.mean(kmc.metrics.psnr(t2, t1, data_range=2.0)))
    ssim = float(keras.ops.mean(kmc.metrics.ssim(t2, t1, data_range=2.0)))
    return {"psnr_ab": psnr, "ssim_ab": ssim, "psnr_ba": psnr, "ssim_ba": ssim}


def report(copied: dict, before: dict, after: dict) -> None:
    """Print the scores on the test subjects."""
    print("\nAgainst the known answer        T1 -> T2            T2 -> T1")
    for title, scores in (
        ("copy the input", copied),
        ("before training", before),
        ("after training", after),
    ):
        columns = [
            f"{scores[f'psnr_{way}']:6.2f} dB  SSIM {scores[f'ssim_{way}']:5.3f}"
            for way in ("ab", "ba")
        ]
        print(f"{title:<26}{columns[0]}  {columns[1]}")


def draw(model: kmc.CycleGAN, t1: np.ndarray, t2: np.ndarray, path: Path) -> None:
    """Draw each test slice, its translation, the true image and the error."""
    rows = []
    for source, truth, direction in ((t1, t2, "ab"), (t2, t1, "ba")):
        translated = model.translate(source, direction=direction)
        error = np.abs(translated - truth) - 1  # black is no error, white is the whole range
        rows += list(zip(source, translated, truth, error, strict=True))
    grid = kmc.figures.image_grid(
        rows,
        titles=["input", "translation", "known answer", "error"],
        row_titles=["T1 to T2"] * len(t1) + ["T2 to T1"] * len(t2),
        scale=2,
    )
    kmc.figures.save_png(path, grid)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=28, help="default: %(default)s")
    parser.add_argument(
        "--subjects", type=int, default=25, help="per contrast, 8 slices each; default: %(default)s"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument(
        "--output", type=Path, default=Path("outputs/quickstart"), help="default: %(default)s"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
