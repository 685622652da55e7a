"""What each structure loss says of true pairs and of wrong ones, and what it costs.

    KERAS_BACKEND=torch python tests/benchmarks/structure_losses.py
    KERAS_BACKEND=torch python tests/benchmarks/structure_losses.py \
        --t1 folder/T1 --t2 folder/T2 --offsets 0:60,41:70

Without folders: slices of the phantom. With them: the grey slices of two folders, of which the
pairs are known by number; `--offsets 0:60,41:70` says that T1 slice 10 is T2 slice 70, and from
number 41 on that slice 41 is 111. Prints Markdown tables: the loss between a source and its true
partner, the partner moved by 1 to 5 pixels, another slice's partner, and between a source and
itself, its negative and nothing at all.
"""

import argparse
import re
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops

import keras_mri_cyclegan as kmc

LOSSES = {
    "NormalizedGradientField": kmc.losses.NormalizedGradientField(),
    "MutualInformation": kmc.losses.MutualInformation(),
    "MutualInformation, normalised": kmc.losses.MutualInformation(normalized=True),
    "MindSSC": kmc.losses.MindSSC(),
    "GradientMagnitudeCorrelation": kmc.losses.GradientMagnitudeCorrelation(),
    "BackgroundConsistency": kmc.losses.BackgroundConsistency(),
}
SHIFTS = (1, 2, 3, 4, 5)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--t1", type=Path, help="folder of T1 slices")
    parser.add_argument("--t2", type=Path, help="folder of T2 slices")
    parser.add_argument("--offsets", default="0:0", help="T1 number from which: what to add")
    parser.add_argument("--every", type=int, default=1, help="use every n-th pair of the folders")
    parser.add_argument("--size", type=int, default=128, help="height and width, in pixels")
    parser.add_argument("--slices", type=int, default=16, help="slices of the phantom")
    parser.add_argument("--repeats", type=int, default=10, help="calls to time; 0 for none")
    args = parser.parse_args()
    if (args.t1 is None) != (args.t2 is None):
        parser.error("give both --t1 and --t2, or neither")

    if args.t1:
        t1, t2 = folder_pairs(args.t1, args.t2, args.offsets, args.size)
        t1, t2 = t1[:: args.every], t2[:: args.every]
    else:
        t1, t2 = kmc.datasets.load_phantom(slices=args.slices, size=args.size, noise=0.01)
    print(f"{len(t1)} pairs, {args.size} x {args.size}, keras {keras.__version__}")
    for name, source, target in (("T1 to T2", t1, t2), ("T2 to T1", t2, t1)):
        print_values(name, source, target)
    if args.repeats:
        print_times(t1[:1], t2[:1], args.repeats)


def folder_pairs(t1: Path, t2: Path, offsets: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Read both folders; return the slices that have a partner, in order."""
    steps = [tuple(int(part) for part in step.split(":")) for step in offsets.split(",")]
    numbered = []
    for folder in (t1, t2):
        images, paths = kmc.datasets.load_image_folder(folder, size=(size, size), return_paths=True)
        numbers = [int(re.findall(r"\d+", path.stem)[-1]) for path in paths]
        numbered.append(dict(zip(numbers, images, strict=True)))
    pairs = []
    for number, image in sorted(numbered[0].items()):
        offset = [add for first, add in steps if number >= first][-1]
        if number + offset in numbered[1]:
            pairs.append((image, numbered[1][number + offset]))
    sources, targets = zip(*pairs, strict=True)
    return np.stack(sources), np.stack(targets)


def shifted(images: np.ndarray, pixels: int) -> list[np.ndarray]:
    """Return the images moved down and to the right, with air moving in."""
    down, right = ((0, 0), (pixels, 0), (0, 0), (0, 0)), ((0, 0), (0, 0), (pixels, 0), (0, 0))
    height, width = images.shape[1:3]
    return [np.pad(images, pad, constant_values=-1)[:, :height, :width] for pad in (down, right)]


def print_values(title: str, source: np.ndarray, target: np.ndarray) -> None:
    """Print the mean over all slices of every loss, the true pairs' also with its spread."""
    others = np.roll(target, len(target) // 2, axis=0)
    print(f"\n{title}\n")
    print(
        f"| Loss | true pair | {' | '.join(f'{k} px' for k in SHIFTS)} | next slice | "
        "other slice | copy | negative | blank |"
    )
    print("|---|" + "---|" * (len(SHIFTS) + 6))
    for name, loss in LOSSES.items():

        def score(translated, loss=loss):
            found = [
                ops.convert_to_numpy(loss.per_image(source[i : i + 8], translated[i : i + 8]))
                for i in range(0, len(source), 8)
            ]
            return np.concatenate(found)

        true = score(target)
        cells = [f"{true.mean():.4f} ± {true.std():.4f}"]
        cells += [f"{np.mean([score(x) for x in shifted(target, k)]):.4f}" for k in SHIFTS]
        for wrong in (
            np.roll(target, 1, axis=0),
            others,
            source,
            -source,
            np.full_like(source, -1),
        ):
            cells.append(f"{score(wrong).mean():.4f}")
        print(f"| {name} | {' | '.join(cells)} |")


def print_times(source: np.ndarray, translated: np.ndarray, repeats: int) -> None:
    """Print the time of one call with its gradient, the fastest: others may be at work."""
    backend = keras.backend.backend()
    print(f"\nForward and gradient, one image, {backend}, fastest of {repeats}\n")
    print("| Loss | ms |\n|---|---|")
    for name, loss in LOSSES.items():
        call = gradient_call(loss, source, translated)
        call(), call()  # compile, and touch the memory
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        print(f"| {name} | {1000 * min(times):.1f} |")


def gradient_call(loss, source: np.ndarray, translated: np.ndarray):
    """Return a function that computes loss and gradient as a training step would."""
    source, translated = ops.convert_to_tensor(source), ops.convert_to_tensor(translated)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        @tf.function
        def step():
            with tf.GradientTape() as tape:
                tape.watch(translated)
                value = loss(source, translated)
            return tape.gradient(value, translated)

        return lambda: step().numpy()
    if backend == "jax":
        import jax

        step = jax.jit(jax.grad(loss, argnums=1))
        return lambda: step(source, translated).block_until_ready()
    import torch

    leaf = translated.detach().requires_grad_()
    return lambda: torch.autograd.grad(loss(source, leaf), leaf)[0].cpu()


if __name__ == "__main__":
    main()
