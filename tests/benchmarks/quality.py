"""How good are the translations? Trained unpaired, scored with pairs that the training never sees.

    python tests/benchmarks/quality.py --brainweb FOLDER --ms FOLDER
    python tests/benchmarks/quality.py --brainweb FOLDER --ms FOLDER --size 64 --steps 1500 \
        --changes all --pictures outputs/study

`--brainweb`: a folder with T1/ and T2/, PNG slices of one head; the last number in a file's name is
the slice's, and T2's are 60 (T1 up to 40) or 70 above T1's. All are trained on, as no pairs, and
all are scored. `--ms`: a folder with p07_T1.nii.gz, p07_T2.nii.gz, p19_T1.nii.gz, p19_T2.nii.gz,
without skulls and registered to one space. Trained on every other slice of T1 and the others of T2
of patient 07; scored on patient 19, slices 40-149 that are not empty.

Each training prints its scores, and at the end come Markdown tables, mean and lowest to highest
over the seeds: copying the input, the best curve fitted with pairs, those that are scored and (of
`--ms`) those of the patient who was trained on, the curve found without pairs, and the model; PSNR
and SSIM with a range of 2 on [-1, 1], whole slice, and the PSNR where the input is no air. Then how
far the anatomy moved, and what would be lost by the epoch that `BestTranslation` chooses without
pairs. `--changes` alters one thing of `keras_mri_cyclegan.recipes.small_data` at a time.
"""

import argparse
import json
import os
import re
import time
from pathlib import Path

import keras
import nibabel
import numpy as np
from skimage.metrics import structural_similarity
from skimage.transform import resize

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.layers import DifferentiableAugmentation

JUDGEMENTS = 8  # epochs of a training that are scored and judged
WAYS = ("ab", "ba")

# Each alters one thing of the recipe; what the recipe does itself is in `altered`.
CHANGES = {
    "none": "the recipe",
    "float32": "float32 instead of bfloat16",
    "no_normalization": "no normalisation in the generators",
    "no_curve": "the generators begin as a copy, not as a curve",
    "no_shift": "the discriminators see the images as they are to the end",
    "all_shift": "the discriminators see the images moved from the start",
    "cycle_10": "cycle weight 10 instead of 2",
    "identity": "identity mapping, weight 1",
    "no_gradient_field": "no gradient field",
    "no_background": "no background consistency",
}


# === Data ===


def brainweb(folder, size):
    """Return A, B and pairs of the single head; no other pairs."""
    sides = []
    for contrast in ("T1", "T2"):
        path = os.path.join(folder, contrast)
        images, files = kmc.datasets.load_image_folder(path, size=(size, size), return_paths=True)
        numbers = [int(re.findall(r"\d+", os.path.basename(file))[-1]) for file in files]
        sides.append(dict(zip(numbers, images, strict=True)))
    t1, t2 = sides
    truth = np.stack([t2[number + (60 if number <= 40 else 70)] for number in sorted(t1)])
    a, b = (np.stack([side[number] for number in sorted(side)]) for side in sides)
    return a, b, a, truth, None


def ms(folder, size):
    """Return A and B of patient 07, pairs of patient 19, and for a curve pairs of patient 07."""

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
        small = resize(image, (size, size), order=1, anti_aliasing=True)
        return (small * 2 - 1).astype("float32")[..., None]

    (t1, t2), (seen, truth) = slices("07"), slices("19")
    full = seen.max(axis=(1, 2, 3)) > -1
    return t1[0::2], t2[1::2], seen[full], truth[full], (t1, t2)


# === The recipe with one thing altered ===


def altered(change, a, b, curves, seed, steps):
    """Return the recipe, or one that differs from it by `change`."""
    keras.mixed_precision.set_global_policy("float32" if change == "float32" else "mixed_bfloat16")
    keras.utils.set_random_seed(seed)
    epochs = steps and -(-steps // len(kmc.data.UnpairedDataset(a, b, batch_size=2)))
    if change == "no_curve":
        line = np.linspace(-1, 1, len(curves.ab))
        curves = curves._replace(ab=line, ba=line)
    recipe = kmc.recipes.small_data(a, b, epochs=epochs, curves=curves, seed=seed)
    if change in ("none", "float32", "no_curve"):
        return recipe
    model = recipe.model
    generators = {way: getattr(model, f"generator_{way}") for way in WAYS}
    if change == "no_normalization":
        for way in WAYS:
            generators[way] = kmc.curve_generator(
                a.shape[1:],
                getattr(curves, way),
                normalization=None,
                name=f"generator_{way}",
            )
    optimizers = [type(one).from_config(one.get_config()) for one in model.optimizer.optimizers]
    augmentation = model.augmentation
    if change in ("no_shift", "all_shift"):
        shifted = DifferentiableAugmentation(shift=0.125, seed=seed)
        augmentation = None if change == "no_shift" else shifted
    model = kmc.CycleGAN(
        generator_ab=generators["ab"],
        generator_ba=generators["ba"],
        discriminator_a=model.discriminator_a,
        discriminator_b=model.discriminator_b,
        pool_size=50,
        augmentation=augmentation,
        seed=seed,
    )
    model.compile(
        *optimizers,
        "least_squares",
        cycle_weight=10.0 if change == "cycle_10" else 2.0,
        identity_weight=1.0 if change == "identity" else 0.0,
        structure_loss=[kmc.losses.NormalizedGradientField(), kmc.losses.BackgroundConsistency()],
        structure_weight=[
            0.0 if change == "no_gradient_field" else 0.3,
            0.0 if change == "no_background" else 10.0,
        ],
    )
    return recipe._replace(model=model)


# === Scores ===


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
    """Return the function from each of 256 values of the source to the mean of the truth there."""
    level = levels(source)
    count = np.bincount(level.ravel(), minlength=256)
    mean = np.bincount(level.ravel(), truth.ravel(), 256) / np.maximum(count, 1)
    mean = np.interp(np.arange(256), np.flatnonzero(count), mean[count > 0])
    return lambda images: mean[levels(images)].astype("float32")


def levels(images):
    """Return the values in [-1, 1] as integers from 0 to 255."""
    return np.clip(np.rint((images + 1) * 127.5), 0, 255).astype(int)


def both(model, seen, truth):
    """Return the scores of both directions."""
    return (
        scores(model.translate(seen, "ab"), truth, seen),
        scores(model.translate(truth, "ba"), seen, truth),
    )


class HiddenPairs(keras.callbacks.Callback):
    """Score some epochs with the pairs."""

    def __init__(self, seen, truth, every):
        super().__init__()
        self.seen, self.truth, self.every = seen, truth, every
        self.found = {}

    def on_epoch_end(self, epoch, logs=None):
        """Score every few epochs, the first and the last."""
        if epoch == 0 or (epoch + 1) % self.every == 0 or epoch + 1 == self.params["epochs"]:
            self.found[epoch + 1] = both(self.model, self.seen, self.truth)
            print("  epoch", epoch + 1, *self.found[epoch + 1], flush=True)

    def mean_psnr(self, epoch):
        """Return the mean of both directions, in dB."""
        ab, ba = self.found[epoch]
        return (ab[0] + ba[0]) / 2


# === One training ===


def run(name, data, change, curves, seed, options):
    """Train once; return the scores."""
    a, b, seen, truth, others = data
    start = time.perf_counter()
    recipe = altered(change, a, b, curves, seed, options.steps)
    rows = {
        "copy the input": (scores(seen, truth, seen), scores(truth, seen, truth)),
        "the best curve there is, fitted with the scored pairs": (
            scores(best_curve(seen, truth)(seen), truth, seen),
            scores(best_curve(truth, seen)(truth), seen, truth),
        ),
    }
    if others:
        rows["the curve fitted with pairs of the patient trained on"] = (
            scores(best_curve(*others)(seen), truth, seen),
            scores(best_curve(*others[::-1])(truth), seen, truth),
        )
    rows["the curve found without pairs"] = both(recipe.model, seen, truth)
    every = max(1, recipe.epochs // JUDGEMENTS)
    hidden = HiddenPairs(seen, truth, every)
    judge = kmc.callbacks.BestTranslation(
        some(a), some(b), every=every, restore_best_weights=False, verbose=0
    )
    recipe.fit(verbose=0, callbacks=[hidden, judge])
    rows["the model"] = hidden.found[recipe.epochs]
    seconds = round(time.perf_counter() - start)
    made = {way: recipe.model.translate(x, way) for way, x in zip(WAYS, (seen, truth), strict=True)}
    moved = [
        float(np.median(kmc.metrics.displacement(images, made[way])))
        for way, images in zip(WAYS, (seen, truth), strict=True)
    ]
    if options.pictures:
        draw(Path(options.pictures) / f"{name}_{change}_{seed}.png", seen, truth, made)
    best = max(hidden.found, key=hidden.mean_psnr)
    lost = hidden.mean_psnr(best) - hidden.mean_psnr(judge.best_epoch)
    print(f"{name}, {change}, seed {seed}: {rows['the model']}, {seconds} s; moved {moved}")
    print(f"  chosen: epoch {judge.best_epoch}, best: {best}, lost {lost:.2f} dB", flush=True)
    found = {"data": name, "change": change, "seed": seed, "size": options.size, "lost": lost}
    return {**found, "steps": options.steps, "seconds": seconds, "moved": moved, "rows": rows}


def some(images, count=12):
    """Return a few images, spread over all."""
    return images[np.linspace(0, len(images) - 1, min(count, len(images))).astype(int)]


def draw(file, seen, truth, made):
    """Write the translations of a few slices beside the truth, with their errors."""
    file.parent.mkdir(parents=True, exist_ok=True)
    chosen = np.linspace(0, len(seen) - 1, 6).astype(int)[1:-1]
    for way, source, target in (("ab", seen, truth), ("ba", truth, seen)):
        picture = kmc.figures.error_maps(source[chosen], made[way][chosen], target[chosen])
        kmc.figures.save_png(file.with_stem(f"{file.stem}_{way}"), picture)


# === Tables ===


def spread(values, digits):
    """Return the mean, and the lowest and highest if they differ, as text."""
    mean, low, high = (
        f"{value:.{digits}f}" for value in (np.mean(values), min(values), max(values))
    )
    return mean if low == high else f"{mean} ({low} to {high})"


def table(results):
    """Return a Markdown table of trainings on one data set that differ by nothing but the seed."""
    lines = ["| | A → B | inside | B → A | inside |", "|---|---|---|---|---|"]
    for row in results[0]["rows"]:
        lines.append(f"| {row} | {' | '.join(cells([one['rows'][row] for one in results]))} |")
    return "\n".join(lines)


def cells(ways):
    """Return PSNR / SSIM and PSNR inside, for both directions."""
    found = []
    for k in range(2):
        psnr, ssim, inside = zip(*(way[k] for way in ways), strict=True)
        found += [f"{spread(psnr, 2)} / {np.mean(ssim):.3f}", spread(inside, 2)]
    return found


def ablation(results):
    """Return a Markdown table of what each change does."""
    lines = [
        "| | A → B | inside | B → A | inside | moved, pixels |",
        "|---|---|---|---|---|---|",
    ]
    for change in dict.fromkeys(one["change"] for one in results):
        ours = [one for one in results if one["change"] == change]
        moved = spread([max(one["moved"]) for one in ours], 2)
        found = " | ".join(cells([one["rows"]["the model"] for one in ours]))
        lines.append(f"| {CHANGES[change]} | {found} | {moved} |")
    return "\n".join(lines)


def report(results):
    """Print the tables of all trainings."""
    for name in dict.fromkeys(one["data"] for one in results):
        ours = [one for one in results if one["data"] == name]
        plain = [one for one in ours if one["change"] == ours[0]["change"]]
        moved = [distance for one in plain for distance in one["moved"]]
        print(f"\n## {name}\n\n{table(plain)}")
        print(
            f"\nMedian displacement {spread(moved, 2)} pixels; lost by `BestTranslation` ", end=""
        )
        print(f"{spread([one['lost'] for one in plain], 2)} dB; ", end="")
        print(f"{spread([one['seconds'] for one in plain], 0)} s a training")
        if len(plain) < len(ours):
            print(f"\n{ablation(ours)}", flush=True)


def main():
    """Train with each change and seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brainweb", metavar="FOLDER")
    parser.add_argument("--ms", metavar="FOLDER")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--changes", nargs="+", choices=(*CHANGES, "all"), default=["none"])
    parser.add_argument("--size", type=int, default=128, help="pixels")
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument("--pictures", metavar="FOLDER", help="where error maps are left")
    parser.add_argument("--json", help="file that results are added to, a line each")
    options = parser.parse_args()
    print(f"keras {keras.__version__} on {keras.backend.backend()}, {options.size} pixels")
    results = []
    for name, load in (("brainweb", brainweb), ("ms", ms)):
        folder = getattr(options, name)
        data = load(folder, options.size) if folder else None
        for seed in options.seeds if folder else ():
            start = time.perf_counter()
            curves = kmc.unpaired_curves.fit_curves(data[0], data[1], seed=seed)
            print(f"{name}, curves of seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)
            for change in CHANGES if "all" in options.changes else options.changes:
                results.append(run(name, data, change, curves, seed, options))
                if options.json:
                    with open(options.json, "a") as file:
                        print(json.dumps(results[-1]), file=file)
    report(results)


if __name__ == "__main__":
    main()
