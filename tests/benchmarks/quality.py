"""How good are the translations? Trained unpaired, scored with pairs that the training never sees.

    python tests/benchmarks/quality.py --brainweb FOLDER --seeds 0 1 2
    python tests/benchmarks/quality.py --ms FOLDER --seeds 0 1 2 --change identity

`--brainweb`: a folder with T1/ and T2/, PNG slices of one head; the last number in a file's name is
the slice's, and T2's are 60 (T1 up to 40) or 70 above T1's. All are trained on, as no pairs, and
all are scored. `--ms`: a folder with p07_T1.nii.gz, p07_T2.nii.gz, p19_T1.nii.gz, p19_T2.nii.gz,
without skulls and registered to one space. Trained on every other slice of T1 and the others of T2
of patient 07; scored on patient 19, slices 40-149 that are not empty.

Prints a Markdown table for each seed: copying the input, the best curve fitted with the pairs that
are scored, the curve found without pairs, and the model; PSNR and SSIM with a range of 2 on
[-1, 1], whole slice, and the PSNR where the input is no air. `--change` alters one thing of
`keras_mri_cyclegan.recipes.small_data`.
"""

import argparse
import json
import os
import re
import time

import keras
import nibabel
import numpy as np
from skimage.metrics import structural_similarity
from skimage.transform import resize

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.layers import DifferentiableAugmentation

SIZE = 128
CHANGES = (
    "none", "no_curve", "no_shift", "cycle_10", "identity", "no_gradient_field", "no_background",
    "float32",
)  # fmt: skip


def brainweb(folder):
    """Return A, B and pairs of the single head."""
    sides = []
    for contrast in ("T1", "T2"):
        path = os.path.join(folder, contrast)
        images, files = kmc.datasets.load_image_folder(path, size=(SIZE, SIZE), return_paths=True)
        numbers = [int(re.findall(r"\d+", os.path.basename(file))[-1]) for file in files]
        sides.append(dict(zip(numbers, images, strict=True)))
    t1, t2 = sides
    truth = np.stack([t2[number + (60 if number <= 40 else 70)] for number in sorted(t1)])
    a, b = (np.stack([side[number] for number in sorted(side)]) for side in sides)
    return a, b, a, truth


def ms(folder):
    """Return A and B of patient 07 and pairs of patient 19."""

    def slices(patient):
        t1, t2 = (
            np.asarray(nibabel.load(os.path.join(folder, f"p{patient}_{name}.nii.gz")).dataobj)
            for name in ("T1", "T2")
        )
        brain = np.abs(t1) > 1e-3
        return [scaled(volume, brain) for volume in (t1, t2)]

    def scaled(volume, brain):
        low, high = np.percentile(volume[brain], [0.5, 99.5])
        volume = np.where(brain, np.clip((volume - low) / (high - low), 0, 1), 0)
        return np.stack([square(np.rot90(volume[..., z])) for z in range(40, 150)])

    def square(image):
        height, width = image.shape
        side = max(height, width)
        top, left = (side - height) // 2, (side - width) // 2
        image = np.pad(image, ((top, side - height - top), (left, side - width - left)))
        small = resize(image, (SIZE, SIZE), order=1, anti_aliasing=True)
        return (small * 2 - 1).astype("float32")[..., None]

    (t1, t2), (seen, truth) = slices("07"), slices("19")
    full = seen.max(axis=(1, 2, 3)) > -1
    return t1[0::2], t2[1::2], seen[full], truth[full]


def changed(change, a, b, seed):
    """Return the recipe with one thing altered."""
    if change != "float32":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    keras.utils.set_random_seed(seed)
    recipe = kmc.recipes.small_data(a, b, seed=seed)
    model = recipe.model
    settings = {
        "cycle_weight": 10.0 if change == "cycle_10" else 2.0,
        "identity_weight": 1.0 if change == "identity" else 0.0,
        "structure_weight": [
            0.0 if change == "no_gradient_field" else 0.3,
            0.0 if change == "no_background" else 10.0,
        ],
    }
    generators = {"ab": model.generator_ab, "ba": model.generator_ba}
    if change == "no_curve":
        line = np.linspace(-1, 1, 48)
        generators = {
            way: kmc.curve_generator(a.shape[1:], line, name=f"generator_{way}")
            for way in ("ab", "ba")
        }
    optimizers = [type(one).from_config(one.get_config()) for one in model.optimizer.optimizers]
    model = kmc.CycleGAN(
        generator_ab=generators["ab"],
        generator_ba=generators["ba"],
        discriminator_a=model.discriminator_a,
        discriminator_b=model.discriminator_b,
        pool_size=50,
        augmentation=None
        if change == "no_shift"
        else DifferentiableAugmentation(shift=0.125, seed=seed),
        seed=seed,
    )
    model.compile(
        *optimizers,
        "least_squares",
        structure_loss=[
            kmc.losses.NormalizedGradientField(),
            kmc.losses.BackgroundConsistency(),
        ],
        **settings,
    )
    return recipe._replace(model=model)


def scores(made, truth, source):
    """Return PSNR and SSIM of whole slices, and PSNR where the source is no air."""
    error = (made - truth) ** 2
    psnr = np.mean(10 * np.log10(4 / error.mean(axis=(1, 2, 3))))
    pairs = zip(made[..., 0], truth[..., 0], strict=True)
    ssim = np.mean([structural_similarity(one, other, data_range=2) for one, other in pairs])
    inside = source > -0.9
    return [
        round(float(value), 4) for value in (psnr, ssim, 10 * np.log10(4 / error[inside].mean()))
    ]


def best_curve(source, truth):
    """Return the source through the mean of the truth for each of 256 values of it."""
    level = np.clip(np.rint((source + 1) * 127.5), 0, 255).astype(int)
    count = np.bincount(level.ravel(), minlength=256)
    mean = np.bincount(level.ravel(), truth.ravel(), 256) / np.maximum(count, 1)
    return mean[level].astype("float32")


class Progress(keras.callbacks.Callback):
    """Print the scores now and then."""

    def __init__(self, seen, truth, every):
        super().__init__()
        self.seen, self.truth, self.every = seen, truth, every

    def on_epoch_end(self, epoch, logs=None):
        """Score every few epochs."""
        if (epoch + 1) % self.every == 0:
            print("epoch", epoch + 1, *both(self.model, self.seen, self.truth), flush=True)


def both(model, seen, truth):
    """Return the scores of both directions."""
    return (
        scores(model.translate(seen, "ab"), truth, seen),
        scores(model.translate(truth, "ba"), seen, truth),
    )


def run(name, data, seed, options):
    """Train once; return the table's rows."""
    a, b, seen, truth = data
    start = time.perf_counter()
    recipe = changed(options.change, a, b, seed)
    if options.epochs:
        recipe = recipe._replace(epochs=options.epochs)
    rows = {
        "copy": (scores(seen, truth, seen), scores(truth, seen, truth)),
        "best curve, with pairs": (
            scores(best_curve(seen, truth), truth, seen),
            scores(best_curve(truth, seen), seen, truth),
        ),
        "before training": both(recipe.model, seen, truth),
    }
    callbacks = [Progress(seen, truth, options.every)] if options.every else []
    recipe.fit(verbose=0, callbacks=callbacks)
    rows["model"] = both(recipe.model, seen, truth)
    seconds = round(time.perf_counter() - start)
    moved = [
        float(np.median(kmc.metrics.displacement(images, recipe.model.translate(images, way))))
        for way, images in (("ab", seen), ("ba", truth))
    ]
    print(f"\n{name}, {options.change}, seed {seed}: {seconds} s; median displacement {moved}\n")
    print("| | A -> B | inside | B -> A | inside |\n|---|---|---|---|---|")
    for row, ways in rows.items():
        cells = [f"{way[0]:.2f} / {way[1]:.3f} | {way[2]:.2f}" for way in ways]
        print(f"| {row} | {' | '.join(cells)} |", flush=True)
    found = {"data": name, "change": options.change, "seed": seed}
    return {**found, "seconds": seconds, "moved": moved, "rows": rows}


def main():
    """Run each seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brainweb", metavar="FOLDER")
    parser.add_argument("--ms", metavar="FOLDER")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--change", choices=CHANGES, default="none")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--every", type=int, default=0, help="epochs between scores on the way")
    parser.add_argument("--json", help="file that results are added to, a line each")
    options = parser.parse_args()
    print(f"keras {keras.__version__} on {keras.backend.backend()}, {SIZE} x {SIZE}")
    for name, load in (("brainweb", brainweb), ("ms", ms)):
        folder = getattr(options, name)
        if not folder:
            continue
        data = load(folder)
        for seed in options.seeds:
            result = run(name, data, seed, options)
            if options.json:
                with open(options.json, "a") as file:
                    print(json.dumps(result), file=file)


if __name__ == "__main__":
    main()
