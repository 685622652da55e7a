"""Hand-written faults in the package, and the test that catches each.

Shows that the tests still notice what matters, for example after tests were merged or removed:

    python tests/chaos/faults.py                     # all, about a quarter of an hour on two cores
    python tests/chaos/faults.py --list              # their names
    python tests/chaos/faults.py --only "image pool" # those whose name contains the text

Each fault is put into a copy of the tracked files in a temporary folder, and pytest runs there on
the tests named beside it, with the default selection and the backend of KERAS_BACKEND. Prints
a Markdown table; the exit status is 1 if a fault was not caught. It is an error if a test that
caught one fails without any fault, and if a text is no longer found exactly once: the table is then
out of date.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 900  # seconds for the tests of one fault
PASSED, FAILED = 0, 1  # exit statuses of pytest; any other says that it could not run the tests


class Fault(NamedTuple):
    name: str
    file: str  # within the package
    before: str  # found exactly once in the file
    after: str
    # Files within `tests/`, separated by a space; a single test where the rest takes minutes.
    tests: str


FAULTS = [
    # === Losses and the objective ===
    Fault(
        "Least squares pulls real logits to -1",
        "losses/adversarial.py",
        "return ops.square(logits - 1)",
        "return ops.square(logits + 1)",
        "losses/test_adversarial.py",
    ),
    Fault(
        "Hinge rewards a generator for what looks fake",
        "losses/adversarial.py",
        "return -ops.mean(fake_logits)",
        "return ops.mean(fake_logits)",
        "losses/test_adversarial.py",
    ),
    Fault(
        "A discriminator learns scans as fake and translations as real",
        "cyclegan/objective.py",
        "adversarial.discriminator(logits_a, fake_logits_a)",
        "adversarial.discriminator(fake_logits_a, logits_a)",
        "cyclegan/test_objective.py",
    ),
    Fault(
        "A translation is judged by the discriminator of its source domain",
        "cyclegan/objective.py",
        "call(model.discriminator_b, model.seen(fake_b), frozen=True)",
        "call(model.discriminator_a, model.seen(fake_b), frozen=True)",
        "cyclegan/test_objective.py",
    ),
    Fault(
        "A discriminator learns from its generator's loss too",
        "cyclegan/objective.py",
        "call(model.discriminator_a, model.seen(fake_a), frozen=True)",
        "call(model.discriminator_a, model.seen(fake_a))",
        "cyclegan/test_objective.py",
    ),
    Fault(
        "The cycle loss has the wrong sign",
        "cyclegan/objective.py",
        "loss += weights.cycle(step) *",
        "loss -= weights.cycle(step) *",
        "cyclegan/test_objective.py",
    ),
    Fault(
        "The first generator of a cycle gets no gradient from it",
        "cyclegan/objective.py",
        "generate(model.generator_ba, fake_b))",
        "generate(model.generator_ba, ops.stop_gradient(fake_b)))",
        "cyclegan/test_objective.py",
    ),
    Fault(
        "The identity loss has the wrong sign",
        "cyclegan/objective.py",
        "loss += weights.identity(step) *",
        "loss -= weights.identity(step) *",
        "cyclegan/test_objective.py",
    ),
    Fault(
        "The identity term in every k-th step is not multiplied by k",
        "cyclegan/identity_mapping.py",
        "found.append(every * ops.cast(",
        "found.append(ops.cast(",
        "cyclegan/test_identity_mapping.py",
    ),
    Fault(
        "A structure loss has the wrong sign in the objective",
        "cyclegan/objective.py",
        "loss += structure.weight(step) * both",
        "loss -= structure.weight(step) * both",
        "cyclegan/test_objective.py",
    ),
    Fault(
        "Mutual information is minimised",
        "losses/structure/mutual_information.py",
        "return -ops.mean(information, axis=-1)",
        "return ops.mean(information, axis=-1)",
        "losses/test_structure_losses.py",
    ),
    Fault(
        "The supervised term compares with the source",
        "cyclegan/objective.py",
        "model.paired(truth_b, made_b)",
        "model.paired(truth_a, made_b)",
        "cyclegan/test_paired.py",
    ),
    Fault(
        "R1 is taken on translations",
        "cyclegan/objective.py",
        "[seen_a, seen_b],",
        "[past_a, past_b],",
        "cyclegan/test_gradient_penalty.py",
    ),
    Fault(
        "A weight changes one step late",
        "losses/schedules.py",
        "ops.where(step >= boundary, after, weight)",
        "ops.where(step > boundary, after, weight)",
        "losses/test_schedules.py",
    ),
    Fault(
        "The learning rate falls one step early",
        "recipes/constant_then_linear.py",
        'ops.cast(step, "float32") / self.steps',
        'ops.cast(step + 1, "float32") / self.steps',
        "recipes/test_recipes.py::test_constant_then_linear",
    ),
    # === Model ===
    Fault(
        "The image pool never swaps",
        "cyclegan/image_pool.py",
        "seed=self.seed_generator) < 0.5",
        "seed=self.seed_generator) < 0.0",
        "cyclegan/test_image_pool.py",
    ),
    Fault(
        "The image pool ignores its seed",
        "cyclegan/image_pool.py",
        "keras.random.SeedGenerator(seed)",
        "keras.random.SeedGenerator()",
        "cyclegan/test_image_pool.py",
    ),
    Fault(
        "A discriminator's weights go to the generators' optimizer",
        "cyclegan/composite_optimizer.py",
        "(discriminators if found else generators).append(index)",
        "generators.append(index)",
        "cyclegan/test_composite_optimizer.py",
    ),
    Fault(
        "`translate` goes in the wrong direction",
        "cyclegan/cyclegan.py",
        '{"ab": self.generator_ab, "ba": self.generator_ba}[direction]\n        array',
        '{"ab": self.generator_ba, "ba": self.generator_ab}[direction]\n        array',
        "cyclegan/test_cyclegan.py",
    ),
    Fault(
        "The state of dropout is not restored with a model",
        "cyclegan/random_state.py",
        "variable.assign(_as_backend_has_it(numbers, variable.dtype))",
        "_as_backend_has_it(numbers, variable.dtype)",
        "cyclegan/test_random_state.py",
    ),
    Fault(
        "A generator is exported as it is in training",
        "cyclegan/export.py",
        "== network.input_shape[1:]:\n        return network",
        "== network.input_shape[1:]:\n"
        "        image = keras.Input(shape)\n"
        "        return keras.Model(image, network(image, training=True))",
        "cyclegan/test_export.py",
    ),
    Fault(
        "Dropout is in the outermost blocks of the U-Net",
        "networks/unet_generator.py",
        "dropout if level >= bottleneck - dropout_blocks else 0.0",
        "dropout if level < dropout_blocks else 0.0",
        "networks/test_unet_generator.py",
    ),
    Fault(
        "The discriminator has a normalisation after its first layer",
        "networks/patchgan_discriminator.py",
        "normalization if level > 0 else None",
        "normalization",
        "networks/test_patchgan_discriminator.py",
    ),
    # === Layers ===
    Fault(
        "Instance normalisation has another epsilon",
        "layers/instance_normalization.py",
        "epsilon: float = 1e-3,",
        "epsilon: float = 1e-5,",
        "layers/test_instance_normalization.py",
    ),
    Fault(
        "Instance normalisation adds epsilon outside the root",
        "layers/instance_normalization.py",
        "ops.rsqrt(_mean(x * x, axes) + self.epsilon)",
        "1 / (ops.sqrt(_mean(x * x, axes)) + self.epsilon)",
        "layers/test_instance_normalization.py",
    ),
    Fault(
        "Instance normalisation takes its mean over the batch as well",
        "layers/instance_normalization.py",
        "for axis in range(1, rank) if axis != channel_axis",
        "for axis in range(rank) if axis != channel_axis",
        "layers/test_instance_normalization.py",
    ),
    Fault(
        "The border pixel is repeated in the padding",
        "layers/reflection_padding.py",
        'if keras.backend.backend() == "torch":',
        'return ops.pad(inputs, widths, mode="symmetric")\n'
        '        if keras.backend.backend() == "torch":',
        "layers/test_reflection_padding.py",
    ),
    Fault(
        "The layer's foreground is the air",
        "layers/foreground.py",
        "return 1.0 - self._loss.background(",
        "return self._loss.background(",
        "layers/test_foreground.py",
    ),
    Fault(
        "Adaptive augmentation grows where it should shrink",
        "layers/adaptive_augmentation.py",
        "ops.sign(confidence - self.target)",
        "ops.sign(self.target - confidence)",
        "layers/test_adaptive_augmentation.py",
    ),
    # === Metrics and evaluation ===
    Fault(
        "PSNR divides by the data range after squaring",
        "metrics/peak_signal_to_noise_ratio.py",
        "ops.square((y_true - y_pred) / data_range)",
        "ops.square(y_true - y_pred) / data_range",
        "metrics/test_metrics.py",
    ),
    Fault(
        "SSIM has another window",
        "metrics/_similarity_maps.py",
        "WINDOW = 7",
        "WINDOW = 9",
        "metrics/test_metrics.py",
    ),
    Fault(
        "A masked metric counts what is outside",
        "metrics/_image_pair.py",
        "ops.where(mask, values, ops.zeros_like(values))",
        "values",
        "metrics/test_masked_metrics.py",
    ),
    Fault(
        "The confidence interval takes slices of a patient for independent",
        "evaluation/bootstrap.py",
        "if groups is None:",
        "if True:",
        "evaluation/test_bootstrap.py",
    ),
    # === Data ===
    Fault(
        "A patient who is held out is trained on as well",
        "data/patients.py",
        "if (owner in held_out) == out]",
        "if not out or owner in held_out]",
        "data/test_patients.py",
    ),
    Fault(
        "A and B are shuffled in step",
        "data/unpaired_dataset.py",
        "np.random.default_rng([self.seed, epoch, side])",
        "np.random.default_rng([self.seed, epoch])",
        "data/test_unpaired_dataset.py",
    ),
    Fault(
        "Every epoch has the order of the first",
        "data/unpaired_dataset.py",
        "np.random.default_rng([self.seed, epoch, side])",
        "np.random.default_rng([self.seed, side])",
        "data/test_unpaired_dataset.py",
    ),
    Fault(
        "The data set ignores its seed",
        "data/unpaired_dataset.py",
        "np.random.default_rng([self.seed, epoch, side])",
        "np.random.default_rng([epoch, side])",
        "data/test_unpaired_dataset.py",
    ),
    Fault(
        "All images of a batch get the same augmentation",
        "data/unpaired_dataset.py",
        "np.random.default_rng([self.seed, epoch, side, index, position])",
        "np.random.default_rng([self.seed, epoch, side, index])",
        "data/test_unpaired_dataset.py",
    ),
    Fault(
        "One image of a pair is flipped and the other is not",
        "data/unpaired_dataset.py",
        "for batch in (batch_a, batch_b):",
        "for batch in (batch_a,):",
        "data/test_paired_dataset.py",
    ),
    Fault(
        "Mirroring turns a head upside down",
        "data/augmentation/random_flip.py",
        '{"width": -2, "height": -3,',
        '{"width": -3, "height": -2,',
        "data/test_augmentation.py",
    ),
    Fault(
        "An augmentation's affine is not inverted",
        "data/augmentation/random_affine.py",
        "np.linalg.inv(forward @ (np.eye(axes) + np.triu(shears, 1)))",
        "forward @ (np.eye(axes) + np.triu(shears, 1))",
        "data/augmentation/test_random_affine.py",
    ),
    Fault(
        "Cached images of domain A are taken for those of domain B",
        "data/image_cache.py",
        '        "domain": domain,\n',
        "",
        "data/test_image_cache.py",
    ),
    Fault(
        "The checksum of cached images is not checked",
        "data/image_cache.py",
        'if struct.unpack("<I", file.read(4)) != (checksum,):',
        "if len(file.read(4)) != 4:",
        "data/test_image_cache.py",
    ),
    # === Preprocessing ===
    Fault(
        "The foreground mask is upside down",
        "preprocessing/foreground_mask.py",
        "bright = volume.array > limit",
        "bright = volume.array < limit",
        "preprocessing/test_foreground_mask.py",
    ),
    Fault(
        "A resampled volume keeps its old affine",
        "preprocessing/resample.py",
        "volume.affine @ to_old, shape, factors, offset), record",
        "volume.affine, shape, factors, offset), record",
        "preprocessing/test_resample.py",
    ),
    Fault(
        "Turning back turns once more in the same way",
        "preprocessing/orientation.py",
        "_turned(array, ornt_transform(natural, _transform(affine, codes)))",
        "_turned(array, _transform(affine, codes))",
        "preprocessing/test_reorient.py",
    ),
    Fault(
        "Slices are joined one place further",
        "preprocessing/slices.py",
        "orientation.from_codes(slices, like.affine",
        "orientation.from_codes(np.roll(slices, 1, axis=0), like.affine",
        "preprocessing/test_slices.py",
    ),
    Fault(
        "Axial slices show the face at the bottom",
        "preprocessing/slices.py",
        '"axial": "SPL"',
        '"axial": "SAL"',
        "preprocessing/test_slices.py",
    ),
    Fault(
        "The inverse of Nyul's normalisation is applied the other way round",
        "preprocessing/nyul.py",
        '_moved(volume.array, record["scale"], record["landmarks"])',
        '_moved(volume.array, record["landmarks"], record["scale"])',
        "preprocessing/test_nyul.py",
    ),
    Fault(
        "White stripe takes the modality of domain A for domain B",
        "preprocessing/white_stripe.py",
        'self.modality[("a", "b").index(domain)]',
        "self.modality[0]",
        "preprocessing/test_white_stripe.py",
    ),
    Fault(
        "A normalisation does not record how much it clips",
        "preprocessing/normalization.py",
        "np.clip(array, -1, 1), outside / array.size",
        "np.clip(array, -1, 1), 0.0",
        "preprocessing/test_linear_normalizations.py",
    ),
    # === Files ===
    Fault(
        "DICOM's slope is forgotten",
        "volumes/dicom/read.py",
        "(stored * np.float64(frame.slope) + frame.intercept)",
        "(stored + np.float64(frame.intercept))",
        "volumes/test_dicom_read.py",
    ),
    Fault(
        "DICOM's row and column spacing are swapped",
        "volumes/dicom/geometry.py",
        "first.orientation[0] * first.spacing[1]",
        "first.orientation[0] * first.spacing[0]",
        "volumes/test_dicom_read.py",
    ),
    Fault(
        "DICOM's left is taken for right",
        "volumes/dicom/geometry.py",
        "return ordered, LPS_TO_RAS @ affine",
        "return ordered, affine",
        "volumes/test_dicom_read.py",
    ),
    Fault(
        "A translated DICOM series is not marked as synthetic",
        "volumes/dicom/classic.py",
        "        describe.mark_synthetic(dataset, source, provenance, now)\n",
        "        pass\n",
        "volumes/test_dicom_write.py",
    ),
    Fault(
        "NIfTI's intercept is forgotten",
        "volumes/nifti_reading.py",
        "        values += inter\n",
        "",
        "volumes/test_nifti.py",
    ),
    Fault(
        "The checksum of a .nii.gz is not read",
        "volumes/nifti_reading.py",
        "trailing = len(file.read(MAX_TRAILING + 1))",
        "trailing = 0",
        "volumes/test_nifti_bad_input.py",
    ),
    Fault(
        "A packed file has the checksum of its last part",
        "volumes/packing.py",
        "zlib.crc32(part, check)",
        "zlib.crc32(part)",
        "volumes/test_packing.py",
    ),
    Fault(
        "A sidecar replaces a file of somebody else",
        "volumes/sidecar.py",
        "if os.path.lexists(name) and not _is_ours(name):",
        "if False:",
        "volumes/test_sidecar.py",
    ),
    # === Translation ===
    Fault(
        "`translate_volume` takes the generator of the other direction",
        "translation/generator.py",
        '{"ab": model.generator_ab, "ba": model.generator_ba}',
        '{"ab": model.generator_ba, "ba": model.generator_ab}',
        "translation/test_generator.py translation/test_translate_volume.py",
    ),
    Fault(
        "A scan is prepared as one of the target domain",
        "translation/translator.py",
        "domain = self.direction[0]\n",
        "domain = self.direction[1]\n",
        "translation/test_translate_volume.py",
    ),
    Fault(
        "Overlapping windows are added up without weights",
        "translation/windows.py",
        "fade[self.inside(k)] / total[self.seen(k)]",
        "fade[self.inside(k)]",
        "translation/test_windows.py",
    ),
    Fault(
        "A translation does not say that it is synthetic",
        "translation/provenance.py",
        '        "Synthetic": True,\n',
        "",
        "translation/test_provenance.py",
    ),
    # === Callbacks ===
    Fault(
        "`BestTranslation` restores the last weights, not the best",
        "callbacks/best_translation.py",
        'is_best = found["score"] < self.best_score',
        'is_best = np.isfinite(found["score"])',
        "callbacks/test_best_translation.py",
    ),
    Fault(
        "A checkpoint restores the networks without their optimizers",
        "callbacks/checkpoint.py",
        "                self.model.load_weights(generation.model)\n",
        "                optimizer, self.model.optimizer = self.model.optimizer, None\n"
        "                self.model.load_weights(generation.model)\n"
        "                self.model.optimizer = optimizer\n",
        "callbacks/test_checkpoint.py",
    ),
    Fault(
        "The checksums of a checkpoint are not compared",
        "callbacks/generations.py",
        "if (path / SUMS).read_bytes() != _sums(path):",
        "if not _sums(path):",
        "callbacks/test_generations.py",
    ),
    # === Old weights ===
    Fault(
        "Gamma and beta of an old file are swapped",
        "legacy/hdf5.py",
        '2: ("gamma", "beta")',
        '2: ("beta", "gamma")',
        "legacy/test_load_tfa.py",
    ),
    Fault(
        "Kernels of an old file are read with height and width swapped",
        "legacy/load_tfa.py",
        "return array.astype(dtype)",
        "return (array.swapaxes(0, 1) if array.ndim == 4 else array).astype(dtype)",
        "legacy/test_load_tfa.py",
    ),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="TEXT", default="", help="faults whose name contains it")
    parser.add_argument("--list", action="store_true", help="print the names, run nothing")
    arguments = parser.parse_args()
    chosen = [fault for fault in FAULTS if arguments.only.lower() in fault.name.lower()]
    if not chosen:
        parser.error(f"no fault has {arguments.only!r} in its name; `--list` prints all names.")
    for fault in chosen:  # all of them before the first run
        with_fault(fault, ROOT)
    if arguments.list:
        print("\n".join(fault.name for fault in chosen))
        return 0

    started = time.monotonic()
    caught_by = {}
    print("| fault | caught by |\n|---|---|", flush=True)
    for fault in chosen:
        caught_by[fault.name] = first_failure(fault.tests.split(), fault)
        print(f"| {fault.name} | {_cell(caught_by[fault.name])} |", flush=True)
    missed = [name for name, test in caught_by.items() if not test]
    minutes = (time.monotonic() - started) / 60
    print(
        f"\n{len(chosen)} faults, {len(missed)} not caught, in {minutes:.1f} minutes.", flush=True
    )

    # A test that fails anyway catches nothing.
    caught = dict.fromkeys(test for test in caught_by.values() if test)
    if caught and (failure := first_failure(list(caught))):
        raise SystemExit(f"{failure} fails without any fault as well.")
    print("Without any fault the tests of the table pass.")
    return 1 if missed else 0


def _cell(test: str) -> str:
    return f"`{test}`".replace("|", "\\|") if test else "**nothing**"


def with_fault(fault: Fault, root: Path) -> tuple[Path, str]:
    """Return the file of a fault within `root` and its text with the fault in it."""
    path = root / "keras_mri_cyclegan" / fault.file
    text = path.read_text("utf-8")
    if text.count(fault.before) != 1:
        raise SystemExit(
            f"The fault {fault.name!r} is out of date: {fault.before!r} is found "
            f"{text.count(fault.before)} times in {fault.file}. Expected once."
        )
    return path, text.replace(fault.before, fault.after)


def first_failure(tests: list[str], fault: Fault | None = None) -> str:
    """Return the test that fails first of these files or tests, or nothing if all pass."""
    with tempfile.TemporaryDirectory() as folder:
        copy_tracked_files(Path(folder))
        if fault is not None:
            path, text = with_fault(fault, Path(folder))
            path.write_text(text, "utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        result = subprocess.run(
            [*command, *(f"tests/{test}" for test in tests)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    if result.returncode == PASSED:
        return ""
    found = re.search(r"^FAILED tests/(.+?)(?: - .*)?$", result.stdout, re.M)
    if result.returncode != FAILED or found is None:
        raise SystemExit(
            f"pytest could not run {' '.join(tests)} (exit status {result.returncode}) "
            f"{f'with the fault {fault.name!r}' if fault else 'without any fault'}:\n"
            f"{result.stdout[-3000:]}{result.stderr[-1000:]}"
        )
    return found[1]


def copy_tracked_files(folder: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # not one that was removed and is tracked still
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


if __name__ == "__main__":
    sys.exit(main())
