"""The start that was taught without a scan, on raw clinical scans: scored with hidden pairs.

    python tests/benchmarks/real_scans.py --clinical FOLDER --kept outputs/registered
    python tests/benchmarks/real_scans.py --clinical FOLDER --kept outputs/registered \
        --ms FOLDER --weights heads.npz --pictures outputs/pictures

`--clinical`: patientNN_studyK_T1W.nii.gz, ..._T2W.nii.gz and ..._FLAIR.nii.gz. The visits that have
all three are registered once (SimpleITK, rigid, mutual information, on the T1W grid) and kept in
the folder `--kept`; pairs score only. `--ms`: p07_T1.nii.gz and so on, without skulls, registered.

For each visit and direction, as PSNR in dB inside the head (source or truth above 0.02) and SSIM of
whole slices, both with a range of 1: copying; the curve fitted with the pairs of the other
patients; the start; and the start with tissues matched (`recipes.match_tissues`) to unpaired scans
of the other patients. Then the energy of the start's gradients over the truth's, and how much
brighter the lesions of `p19_lesions.nii.gz` are than a ring around them. With `--maps`, tissue maps
that `examples/teach_heads.py` has left, `recipes.heads` adapts the start to scans of the other
patients, without pairs, and is scored before and after (`--only` names a visit).
"""

import argparse
import itertools
import time
import warnings
from pathlib import Path

import keras
import nibabel
import numpy as np
from scipy import ndimage
from skimage.metrics import structural_similarity
from skimage.transform import resize

import keras_mri_cyclegan as kmc

CONTRASTS = ("t1", "t2", "flair")
FILES = {"t1": "T1W", "t2": "T2W", "flair": "FLAIR"}
AIR = 0.02
PIXELS = 230.0  # mm across an image
ROWS = ("copy", "curve of the others' pairs", "start", "start, tissues matched")


# === Pairs ===


def registered(folder, kept):
    """Return for each visit its contrasts in [0, 1] on the T1W grid, `(slices, rows, columns)`."""
    kept.mkdir(parents=True, exist_ok=True)
    visits = {}
    for path in sorted(folder.glob("*_T1W.nii.gz")):
        visit = path.name.removesuffix("_T1W.nii.gz")
        paths = {name: folder / f"{visit}_{file}.nii.gz" for name, file in FILES.items()}
        if all(one.exists() for one in paths.values()):
            file = kept / f"{visit}.npz"
            if not file.exists():
                np.savez_compressed(file, **register(paths))
            with np.load(file) as arrays:
                visits[visit] = dict(arrays)
    return visits


def register(paths):
    """Return the contrasts of one visit on the grid of its T1W, inside a mask of the head."""
    import SimpleITK as sitk  # noqa: N813 - as everybody does

    read = {
        name: sitk.Cast(sitk.ReadImage(str(path)), sitk.sitkFloat32) for name, path in paths.items()
    }
    fixed = sitk.DICOMOrient(read["t1"], "LPS")  # front to back, the patient's right on the left
    images = {"t1": sitk.GetArrayFromImage(fixed)}
    for name in ("t2", "flair"):
        middle = [(side - 1) / 2 for side in fixed.GetSize()]
        start = sitk.Euler3DTransform()
        start.SetCenter(fixed.TransformContinuousIndexToPhysicalPoint(middle))
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsMattesMutualInformation(32)
        method.SetMetricSamplingStrategy(method.RANDOM)
        method.SetMetricSamplingPercentage(0.05, 1)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-3, 100)
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(start, inPlace=True)
        method.SetShrinkFactorsPerLevel([4, 2])
        method.SetSmoothingSigmasPerLevel([2, 1])
        method.Execute(fixed, read[name])
        moved = sitk.Resample(read[name], fixed, start, sitk.sitkLinear, 0.0)
        images[name] = sitk.GetArrayFromImage(moved)
    bright = sitk.OtsuThreshold(sitk.SmoothingRecursiveGaussian(fixed, 1.0), 0, 1)
    closed = sitk.BinaryFillhole(sitk.BinaryMorphologicalClosing(bright, [3, 3, 1]))
    mask = (sitk.GetArrayFromImage(closed) > 0) & (images["t2"] > 0) & (images["flair"] > 0)
    return {name: scaled(image, mask).astype("float16") for name, image in images.items()}


def scaled(image, mask):
    """Return an image in [0, 1] between two percentiles of the mask, 0 outside of it."""
    low, high = np.percentile(image[mask], [0.5, 99.5])
    return np.clip((image - low) / (high - low), 0, 1) * mask


def stripped(folder, patient):
    """Return the contrasts of a patient without skull, every other slice, and the lesions."""
    volumes = {
        name: np.asarray(nibabel.load(folder / f"p{patient}_{name.upper()}.nii.gz").dataobj)
        for name in CONTRASTS
    }
    brain = np.abs(volumes["t1"]) > 1e-3
    volumes = {name: scaled(volume, brain) for name, volume in volumes.items()}
    lesions = folder / f"p{patient}_lesions.nii.gz"
    if lesions.exists():
        volumes["lesions"] = (np.asarray(nibabel.load(lesions).dataobj) > 0).astype(float)
    return {
        name: np.stack([np.rot90(volume[..., z]) for z in range(40, 150, 2)])
        for name, volume in volumes.items()
    }


def squares(images, size):
    """Return slices padded to a square and resized, float32."""
    height, width = images.shape[1:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    pad = ((top, side - height - top), (left, side - width - left))
    return np.stack(
        [
            resize(np.pad(image.astype("float32"), pad), (size, size), order=1, anti_aliasing=True)
            for image in images
        ]
    ).astype("float32")


# === Scores ===


def scores(made, truth, source):
    """Return PSNR inside the head, SSIM and the energy of gradients over the truth's."""
    rows = []
    for one, other, given in zip(made, truth, source, strict=True):
        inside = (given > AIR) | (other > AIR)
        if inside.mean() >= 0.025:
            error = np.mean((one - other)[inside] ** 2)
            gradients = [np.abs(np.diff(image, axis=0)).mean() for image in (one, other)]
            ssim = structural_similarity(one, other, data_range=1)
            rows.append((10 * np.log10(1 / error), ssim, gradients[0] / gradients[1]))
    return np.mean(rows, axis=0)


def curve(source, truth):
    """Return the best function of 256 values from one contrast to the other."""
    levels = (source * 255).astype(int)[source > AIR]
    count = np.bincount(levels, minlength=256)
    mean = np.bincount(levels, truth[source > AIR], 256) / np.maximum(count, 1)
    mean = np.interp(np.arange(256), np.flatnonzero(count), mean[count > 0])
    return lambda images: mean[(images * 255).astype(int)] * (images > AIR)


def lesion_contrast(image, lesions, source):
    """Return lesion less a ring around it, in standard deviations of the brain."""
    inside, brain = lesions > 0.5, source > AIR
    near = np.stack([ndimage.binary_dilation(one, iterations=3) for one in inside])
    ring = near & ~np.stack([ndimage.binary_dilation(one) for one in inside]) & brain
    return (image[inside].mean() - image[ring].mean()) / image[brain].std()


# === The table ===


def translate(generator, images):
    """Return a translation in [0, 1], air where the source has air."""
    given = (2 * images - 1)[..., None]
    made = generator.predict(given, batch_size=8, verbose=0)[..., 0]
    return np.clip((made + 1) / 2, 0, 1) * (images > AIR)


def run(cases, options):
    """Score each case in each direction; return rows by direction."""
    found = {}
    for source, target in itertools.permutations(CONTRASTS, 2):
        start, matched = (
            kmc.contrast_generator(
                source, target, weights=options.weights, tissue_offsets=True, name=name
            )
            for name in ("start", "matched")
        )
        for name, (case, others) in cases.items():
            a, b, truth = case[source], case[target], None
            seen = {c: np.concatenate([other[c] for other in others]) for c in (source, target)}
            unpaired = [(2 * seen[c] - 1)[..., None] for c in (source, target)]
            segmenter = kmc.tissue_segmenter(target, weights=options.weights)
            kmc.recipes.match_tissues(matched, *unpaired, segmenter=segmenter)
            made = {
                "copy": a,
                "curve of the others' pairs": curve(seen[source], seen[target])(a),
                "start": translate(start, a),
                "start, tissues matched": translate(matched, a),
            }
            rows = {row: scores(image, b, a) for row, image in made.items()}
            found.setdefault((source, target), {})[name] = rows
            line = "  ".join(f"{row} {r[0]:.2f}/{r[1]:.3f}" for row, r in rows.items())
            print(f"{name} {source} -> {target}: {line}", flush=True)
            if "lesions" in case and target == "flair":
                truth = lesion_contrast(b, case["lesions"], a)
                ours = [lesion_contrast(made[row], case["lesions"], a) for row in ROWS[1:]]
                print(f"  lesion contrast: {np.round(ours, 2)}, of the truth {truth:.2f}")
            if options.pictures:
                draw(options.pictures / f"{name}_{source}_{target}.png", a, made, b)
    return found


def adapt(cases, options):
    """Train `recipes.heads` on scans of the others, once for both directions; print the scores.

    Beside it a network that begins at the same start and is taught as long on the others'
    registered pairs, which a user does not have. The verdict of `recipe.fit` is printed below.
    """
    maps = kmc.simulation.HeadMaps.load(options.maps)
    maps = kmc.simulation.HeadMaps(
        maps.maps[::4], maps.tissues, maps.pixel, maps.heads[::4]
    )  # for memory's sake
    for (name, (case, others)), (source, target) in itertools.product(
        cases.items(), itertools.combinations(CONTRASTS, 2)
    ):
        if options.only not in (None, name):
            continue
        keras.utils.set_random_seed(options.seed)
        rng = np.random.default_rng(options.seed)
        seen = [np.concatenate([other[c] for other in others]) for c in (source, target)]
        shown = (seen[0] > AIR).mean(axis=(1, 2)) > 0.05
        seen = [images[shown] for images in seen]
        a, b = ((2 * rng.permutation(images) - 1)[..., None] for images in seen)
        start = time.perf_counter()
        recipe = kmc.recipes.heads(
            a,
            b,
            source,
            target,
            maps,
            PIXELS / options.size,
            epochs=options.epochs,
            pairs=400,
            weights=options.weights,
            seed=options.seed,
        )
        model = recipe.model
        ways = {
            (source, target): (model.generator_ab, *seen),
            (target, source): (model.generator_ba, *seen[::-1]),
        }
        steps = recipe.epochs * len(recipe.train)
        found = {way: {} for way in ways}
        for (given, wanted), (generator, x, y) in ways.items():
            rows = found[given, wanted]
            rows["curve"] = scores(curve(x, y)(case[given]), case[wanted], case[given])
            rows["matched"] = scores(translate(generator, case[given]), case[wanted], case[given])
            if options.paired:
                taught = paired(given, wanted, x, y, steps, options)
                rows["pairs"] = scores(translate(taught, case[given]), case[wanted], case[given])
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            history = recipe.fit(verbose=0).history
        for (given, wanted), (generator, *_) in ways.items():
            made = translate(generator, case[given])
            rows = found[given, wanted]
            rows["adapted"] = scores(made, case[wanted], case[given])
            cells = ", ".join(f"{k} {r[0]:.2f}/{r[1]:.3f} ({r[2]:.2f})" for k, r in rows.items())
            moved = np.nanmedian(kmc.metrics.displacement(case[given][..., None], made[..., None]))
            print(f"{name} seed {options.seed} {given} -> {wanted}: {cells}; moved {moved:.2f}")
            if "lesions" in case and wanted == "flair":
                ours, truth = (
                    lesion_contrast(image, case["lesions"], case[given])
                    for image in (made, case[wanted])
                )
                print(f"  lesion contrast: {ours:.2f}, of the truth {truth:.2f}")
        verdicts = [str(one.message) for one in told if "BestTranslation" in str(one.message)]
        best = min(history["val_translation_score"])
        print(f"  {steps} steps, {time.perf_counter() - start:.0f} s, score {best:.2f}")
        print(f"  {verdicts[0] if verdicts else 'better than a copy and the start'}", flush=True)


def paired(source, target, a, b, steps, options):
    """Return the start, taught on pairs for so many steps of four."""
    generator = kmc.contrast_generator(source, target, weights=options.weights)
    decay = keras.optimizers.schedules.PolynomialDecay(3e-4, steps, 6e-6)
    generator.compile(keras.optimizers.Adam(decay), loss=kmc.losses.GradientDifference())
    x, y = ((2 * images - 1)[..., None] for images in (a, b))
    epochs = max(1, round(4 * steps / len(x)))
    generator.fit(x, y, batch_size=4, epochs=epochs, verbose=0)
    return generator


def draw(file, source, made, truth):
    """Write the start's translations beside the truth."""
    file.parent.mkdir(parents=True, exist_ok=True)
    chosen = np.linspace(0, len(source) - 1, 7).astype(int)[1:-1]
    images = (source, made["start"], made["start, tissues matched"], truth)
    rows = [[2 * image[k] - 1 for image in images] for k in chosen]
    titles = ("source", "start", "tissues matched", "truth")
    kmc.figures.save_png(file, kmc.figures.image_grid(rows, titles))


def report(found):
    """Print a Markdown table: mean over the visits."""
    print(f"\n| | {' | '.join(ROWS)} | gradients |\n|---|{'---|' * (len(ROWS) + 1)}")
    for (source, target), visits in found.items():
        means = {row: np.mean([rows[row] for rows in visits.values()], axis=0) for row in ROWS}
        cells = [f"{means[row][0]:.2f} / {means[row][1]:.3f}" for row in ROWS]
        print(f"| {source} -> {target} | {' | '.join(cells)} | {means[ROWS[-1]][2]:.2f} |")


def main():
    """Register, translate, score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clinical", type=Path, metavar="FOLDER")
    parser.add_argument("--kept", type=Path, metavar="FOLDER", default="registered")
    parser.add_argument("--ms", type=Path, metavar="FOLDER")
    parser.add_argument("--weights", default="heads")
    parser.add_argument("--size", type=int, default=128, help="pixels")
    parser.add_argument("--every", type=int, default=1, help="slices: every so many")
    parser.add_argument("--maps", type=Path, help="tissue maps: adapt, in place of the table")
    parser.add_argument("--only", help="the visit that is adapted to the others")
    parser.add_argument("--epochs", type=int, default=3, help="of 200 steps each")
    parser.add_argument("--paired", action="store_true", help="also teach on the others' pairs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    print(f"keras {keras.__version__} on {keras.backend.backend()}, {options.size} pixels")
    if options.clinical:
        visits = {
            name: {c: squares(image[:: options.every], options.size) for c, image in visit.items()}
            for name, visit in registered(options.clinical, options.kept).items()
        }
        cases = {
            name: (visit, [visits[other] for other in visits if other[:9] != name[:9]])
            for name, visit in visits.items()
        }
        if options.maps:
            adapt(cases, options)
        else:
            report(run(cases, options))
    if options.ms:
        other, case = (
            {c: squares(image[:: options.every], options.size) for c, image in one.items()}
            for one in (stripped(options.ms, "07"), stripped(options.ms, "19"))
        )
        if options.maps:
            adapt({"p19": (case, [other])}, options)
        else:
            report(run({"p19": (case, [other])}, options))


if __name__ == "__main__":
    main()
