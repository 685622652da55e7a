"""Does `BestTranslation` choose, without pairs, an epoch that the pairs would have chosen?

    python tests/benchmarks/stopping.py --seeds 0 1
    python tests/benchmarks/stopping.py --seeds 0 1 --recipe --epochs 40

Trains small networks on phantoms, T1 of some subjects and T2 of others, and scores every epoch
twice: by the callback, on slices of subjects that are no pairs, and by the PSNR against the truth
of those slices, which neither the training nor the callback sees. Prints a Markdown table of all
epochs and, for each seed, the difference in PSNR between the epoch chosen and the best one.
"""

import argparse
import time

import keras
import numpy as np

import keras_mri_cyclegan as kmc

SIZE = 64
SHAPE = (SIZE, SIZE, 1)


class HiddenPairs(keras.callbacks.Callback):
    """Note the mean PSNR of both directions after each epoch, in dB."""

    def __init__(self, t1: dict, t2: dict):
        super().__init__()
        self.t1, self.t2 = t1, t2
        self.psnr: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Translate the callback's images and compare them with their truth."""
        made_t2 = self.model.translate(self.t1["seen"], "ab")
        made_t1 = self.model.translate(self.t2["seen"], "ba")
        found = [psnr(made_t2, self.t1["truth"]), psnr(made_t1, self.t2["truth"])]
        self.psnr.append(float(np.mean(found)))


def psnr(made: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean PSNR of images in [-1, 1]."""
    return float(np.mean(10 * np.log10(4 / np.mean((made - truth) ** 2, axis=(1, 2, 3)))))


def phantoms(subjects: list[int], slices: int) -> tuple[np.ndarray, np.ndarray]:
    """Return T1 and T2 of the subjects, pair by pair."""
    return kmc.datasets.load_phantom(
        ("t1", "t2"), slices=slices, size=SIZE, subjects=subjects, noise=0.01
    )


def cyclegan(seed: int, augmented: bool) -> kmc.CycleGAN:
    """Return a small CycleGAN, compiled."""
    keras.utils.set_random_seed(seed)
    model = kmc.CycleGAN(
        generator_ab=kmc.resnet_generator(SHAPE, blocks=3, filters=8),
        generator_ba=kmc.resnet_generator(SHAPE, blocks=3, filters=8),
        discriminator_a=kmc.patchgan_discriminator(SHAPE, layers=2, filters=16),
        discriminator_b=kmc.patchgan_discriminator(SHAPE, layers=2, filters=16),
        augmentation=kmc.layers.DifferentiableAugmentation(seed=seed) if augmented else None,
        seed=seed,
    )
    adam = keras.optimizers.Adam
    model.compile(
        adam(5e-4, beta_1=0.5),
        adam(5e-4, beta_1=0.5),
        identity_weight=0,
        structure_loss=[
            kmc.losses.BackgroundConsistency(),
            kmc.losses.NormalizedGradientField(),
        ],
        structure_weight=[10.0, 1.0],
    )
    return model


def run(seed: int, args: argparse.Namespace) -> None:
    """Train once and print what the callback and the hidden pairs say of each epoch."""
    t1, _ = phantoms([10 * seed, 10 * seed + 1, 10 * seed + 2], args.slices)
    _, t2 = phantoms([10 * seed + 3, 10 * seed + 4, 10 * seed + 5], args.slices)
    judged_t1, truth_of_t1 = phantoms([10 * seed + 6], 8)
    truth_of_t2, judged_t2 = phantoms([10 * seed + 7], 8)
    hidden = HiddenPairs(
        {"seen": judged_t1, "truth": truth_of_t1}, {"seen": judged_t2, "truth": truth_of_t2}
    )
    best = kmc.callbacks.BestTranslation(judged_t1, judged_t2)
    start = time.perf_counter()
    if args.recipe:
        keras.utils.set_random_seed(seed)
        model, data, _ = kmc.recipes.small_data(t1, t2, epochs=args.epochs, seed=seed)
    else:
        model = cyclegan(seed, augmented=not args.without_augmentation)
        data = kmc.data.UnpairedDataset(t1, t2, batch_size=4, seed=seed)
    model.fit(data, epochs=args.epochs, callbacks=[hidden, best], verbose=0)

    print(f"\nSeed {seed}, {len(t1)} T1 and {len(t2)} T2, {time.perf_counter() - start:.0f} s\n")
    print("| epoch | PSNR | score | moved ab | ba | cycle a | b | histogram ab | ba |")
    print("|---|---|---|---|---|---|---|---|---|")
    names = ("displacement_ab", "displacement_ba", "cycle_error_a", "cycle_error_b")
    for epoch, scores in enumerate(best.scores):
        cells = [f"{hidden.psnr[epoch]:.2f}", f"{scores['score']:.2f}"]
        cells += [f"{scores[name]:.3f}" for name in (*names, "histogram_ab", "histogram_ba")]
        print(f"| {epoch + 1} | {' | '.join(cells)} |")
    ideal = int(np.argmax(hidden.psnr))
    chosen = hidden.psnr[best.best_epoch - 1]
    copy = (psnr(judged_t1, truth_of_t1) + psnr(judged_t2, truth_of_t2)) / 2
    order = np.corrcoef(
        np.argsort(np.argsort(hidden.psnr)),
        np.argsort(np.argsort([-scores["score"] for scores in best.scores])),
    )[0, 1]
    print(
        f"\nChosen: epoch {best.best_epoch}, {chosen:.2f} dB. Best: epoch {ideal + 1}, "
        f"{hidden.psnr[ideal]:.2f} dB. Lost: {hidden.psnr[ideal] - chosen:.2f} dB. Last: "
        f"{hidden.psnr[-1]:.2f} dB, copy: {copy:.2f} dB, rank correlation {order:.2f}."
    )


def main() -> None:
    """Run each seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--slices", type=int, default=96, help="of T1 and of T2")
    parser.add_argument(
        "--without-augmentation", action="store_true", help="discriminators see the images as is"
    )
    parser.add_argument(
        "--recipe", action="store_true", help="train `recipes.small_data` in place of a ResNet"
    )
    args = parser.parse_args()
    print(f"keras {keras.__version__} on {keras.backend.backend()}, {SIZE} x {SIZE}")
    for seed in args.seeds:
        run(seed, args)


if __name__ == "__main__":
    main()
