"""Adapt the taught start to raw, unpaired head scans, and translate a held-out scan.

    python examples/clinical_heads.py --a "study/*_T1W.nii.gz" --source t1 \
        --b "study/*_T2W.nii.gz" --target t2 --test held_out_T1W.nii.gz

The scans are as acquired: with skull, on any grid, with any slice thickness; the contrasts need not
share a grid, and no scan needs a partner. Slices are axial. Pairs are simulated from label maps,
which are downloaded (or yours: `--labels folder --table freesurfer`). The output folder holds the
model, the preprocessing, the translation on the grid of its source with a sidecar, pictures of the
training, and the losses.
"""

import argparse
from pathlib import Path

import keras

import keras_mri_cyclegan as kmc

FIELD_OF_VIEW = 230.0  # mm


def main() -> None:
    """Read, adapt, translate."""
    arguments = parse_arguments()
    keras.utils.set_random_seed(arguments.seed)
    output = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    pixel = FIELD_OF_VIEW / arguments.size

    # === Data: files -> slices, the head at one scale, air around it cleared ===
    preprocessing = kmc.preprocessing.head_preprocessing(pixel, size=(arguments.size,) * 2)
    slices = kmc.data.from_volumes(arguments.a, arguments.b, preprocessing, seed=arguments.seed)
    preprocessing.save(output / "preprocessing.json")

    # === Model: the start, with tissues as bright as in these scans, and simulated pairs ===
    label_heads = kmc.datasets.load_label_heads(arguments.labels, arguments.table)
    maps = kmc.simulation.draw_head_maps(
        label_heads, arguments.maps, size=256, pixel=1.0, nod=(-20, 25), seed=arguments.seed
    )
    recipe = kmc.recipes.heads(
        slices.a,
        slices.b,
        arguments.source,
        arguments.target,
        maps,
        pixel,
        epochs=arguments.epochs,
        pairs=arguments.pairs,
        seed=arguments.seed,
    )
    print(f"{recipe.epochs} epochs of {len(recipe.train)} steps")

    # === Training: ends with a verdict against a copy and against the start ===
    log = keras.callbacks.CSVLogger(str(output / "losses.csv"))
    monitor = kmc.callbacks.TranslationMonitor(
        some(slices.a), some(slices.b), output / "progress", names=arguments.names
    )
    recipe.fit(callbacks=[monitor, log])
    recipe.model.save(output / "cyclegan.keras")

    # === A held-out scan: file -> file ===
    target = output / f"synthetic_{arguments.target}.nii.gz"
    translated = kmc.translate_volume(
        recipe.model, arguments.test, target, "ab", preprocessing, overwrite=True
    )
    print(f"{target}: {translated.shape} voxels of {translated.spacing} mm, as its source")


def some(images, count=4):
    """Return a few images, evenly spaced over the middle; the ends may be air."""
    step = max(1, len(images) // (count + 1))
    return images[step::step][:count]


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--a", required=True, help="scans: file, folder or pattern")
    parser.add_argument("--b", required=True, help="scans of the other contrast")
    parser.add_argument(
        "--source", default="t1", help="contrast of --a: t1, mprage, t2, flair, ..."
    )
    parser.add_argument("--target", default="t2", help="contrast of --b")
    parser.add_argument("--test", required=True, help="scan to translate, of a held-out patient")
    parser.add_argument("--output", type=Path, default=Path("outputs/clinical_heads"))
    parser.add_argument("--labels", type=Path, help="label maps (default: download)")
    parser.add_argument("--table", default="synthseg", help="label table of these maps")
    parser.add_argument("--maps", type=int, default=15, help="slices of each label map")
    parser.add_argument("--size", type=int, default=128, help="pixels of 230 mm; 192 is finer")
    parser.add_argument("--pairs", type=int, default=600, help="simulated pairs")
    parser.add_argument("--epochs", type=int, help="passes over the pairs (default: the recipe's)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.names = (arguments.source, arguments.target)
    return arguments


if __name__ == "__main__":
    main()
