"""Teach the generator of `contrast_generator(weights="heads")` on simulated heads.

    python examples/teach_heads.py --output heads

Downloads SynthSeg's label maps of 20 heads (or reads yours: `--labels folder --table freesurfer`),
cuts them into tissue maps, and teaches a conditional U-Net to translate every contrast into every
other one, without any real scan. A second run resumes the first: `--epochs` counts from the first
run. `heads/heads.npz` holds the averaged weights after each epoch, in float16.
"""

import argparse
from pathlib import Path

import keras

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.simulation import HeadMaps, Pathology, Scanner, SimulatedHeads

FIELD_OF_VIEW = 230.0  # mm


def main() -> None:
    """Cut, teach, save."""
    arguments = parse_arguments()
    keras.utils.set_random_seed(arguments.seed)
    keras.config.set_dtype_policy(arguments.policy)
    output = arguments.output
    output.mkdir(parents=True, exist_ok=True)

    # === Tissue maps, at 1 mm ===
    kept = output / "maps.npz"
    if not kept.exists():
        label_heads = kmc.datasets.load_label_heads(arguments.labels, arguments.table)
        kmc.simulation.draw_head_maps(
            label_heads, arguments.slices, size=256, pixel=1.0, nod=(-20, 25)
        ).save(kept)
    maps = HeadMaps.load(kept)
    print(maps)

    # === Heads of each size of image, anew for each batch ===
    heads = [
        SimulatedHeads(
            maps,
            (*kmc.networks.HEAD_CONTRASTS, "random"),
            size=size,
            pixel=FIELD_OF_VIEW / size,
            pathology=Pathology(lesions=0.7),
            scanner=Scanner(gain=(0.9, 1.1), gamma=(0.75, 1.33)),
        )
        for size in arguments.sizes
    ]
    largest = max(arguments.sizes)
    batch_sizes = [max(1, arguments.pixels // size**2) for size in arguments.sizes]
    print(f"Up to {largest} x {largest} pixels, batches of {batch_sizes}")
    pairs = kmc.data.SimulatedPairs(
        heads,
        batch_sizes,
        tissues=True,
        steps=arguments.steps,
        seed=arguments.seed,
        workers=1,
        use_multiprocessing=True,
        max_queue_size=4,
    )

    # === Teaching: the moving average of the weights is what is kept ===
    model = kmc.conditional_unet_generator(
        (None, None, 1), filters=arguments.filters, tissues=len(kmc.simulation.TISSUES) + 1
    )
    model.compile(
        keras.optimizers.Adam(arguments.rate, use_ema=True, ema_momentum=0.999),
        loss={
            "translation": kmc.losses.GradientDifference(arguments.gradient_weight),
            "tissues": "categorical_crossentropy",
        },
        loss_weights={"translation": 1.0, "tissues": 0.2},
        jit_compile=False,
    )
    print(f"{model.count_params():,} parameters")
    model.fit(
        pairs,
        epochs=arguments.epochs,
        verbose=arguments.verbose,
        callbacks=[
            Resumed(pairs, arguments.rate),
            keras.callbacks.CSVLogger(str(output / "losses.csv"), append=True),
            keras.callbacks.BackupAndRestore(str(output / "backup"), delete_checkpoint=False),
            AveragedWeights(output / "heads.npz"),
        ],
    )


class Resumed(keras.callbacks.Callback):
    """Draw the heads of the current epoch, and set this run's learning rate."""

    def __init__(self, pairs: kmc.data.SimulatedPairs, rate: float):
        super().__init__()
        self.pairs, self.rate = pairs, rate

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Set epoch and learning rate, which a backup resets to those of the earlier run."""
        self.pairs.epoch = epoch
        self.model.optimizer.learning_rate = self.rate


class AveragedWeights(keras.callbacks.SwapEMAWeights):
    """Write the moving average of the weights after each epoch."""

    def __init__(self, path: Path):
        super().__init__(swap_on_epoch=True)
        self.path = path

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Swap in the averaged weights and write them; Keras swaps back at the next epoch."""
        super().on_epoch_end(epoch, logs)
        kmc.networks.save_weights_float16(self.model, self.path)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="folder of all results")
    parser.add_argument("--labels", type=Path, help="label maps; SynthSeg's, unless given")
    parser.add_argument("--table", default="synthseg", help="label table of these maps")
    parser.add_argument("--slices", type=int, default=70, help="slices of each head")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 192, 128, 256])
    parser.add_argument("--pixels", type=int, default=6 * 128**2, help="pixels of a batch")
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--gradient-weight", type=float, default=0.5)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--policy", default="float32", help="mixed_bfloat16 where it is faster")
    parser.add_argument("--steps", type=int, default=200, help="steps of an epoch")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
