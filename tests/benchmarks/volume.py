"""Seconds of translating one scan, file to file: `translate_volume` and a plain PyTorch loop.

    python tests/benchmarks/volume.py --json volume.json

A scan of 182 slices of 256 x 256, int16 in a `.nii.gz`, through the U-Net-256 with 64 filters, from
the same numbers; the contenders take turns, and must write the same translation. `network` is the
generator alone on as many slices in memory: its share of the whole says what files, scaling and
putting together cost. `folder` is `translate_volumes` over several copies of the scan, of which it
reads and writes one while it translates another; its seconds are those of one.
"""

import argparse
import json
import os
import tempfile

import nibabel
import numpy as np
from contenders import Contender, machine, take_turns, wait_for

CONTENDERS = {  # name: script, Keras backend, precision
    "ours-tensorflow": ("our_volume.py", "tensorflow", "float32"),
    "network-tensorflow": ("our_network_alone.py", "tensorflow", "float32"),
    "ours-tensorflow-bfloat16": ("our_volume.py", "tensorflow", "bfloat16"),
    "network-tensorflow-bfloat16": ("our_network_alone.py", "tensorflow", "bfloat16"),
    "folder-tensorflow": ("our_folder.py", "tensorflow", "float32"),
    "folder-tensorflow-bfloat16": ("our_folder.py", "tensorflow", "bfloat16"),
    "ours-jax": ("our_volume.py", "jax", "float32"),
    "ours-torch": ("our_volume.py", "torch", "float32"),
    "plain-torch": ("torch_volume.py", None, "float32"),
}


def arguments():
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--slices", type=int, default=182)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--batch", type=int, default=8, help="ours alone; the loop takes one")
    parser.add_argument("--scans", type=int, default=4, help="in the folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS))
    parser.add_argument("--json", help="file for the results")
    return parser.parse_args()


def make_scan(path, options):
    """Write an ellipsoid of noise in air."""
    shape = (options.size, options.size, options.slices)
    x, y, z = (np.linspace(-1, 1, size) for size in shape)
    inside = x[:, None, None] ** 2 + y[:, None] ** 2 + z**2 < 0.8
    data = np.random.default_rng(0).integers(100, 900, shape, "int16") * inside
    nibabel.save(nibabel.Nifti1Image(data.astype("int16"), np.eye(4)), path)


def check(files):
    """Raise an error unless all wrote the same, to a step of the integers and bfloat16's error."""
    expected = np.asarray(nibabel.load(files["plain-torch"]).dataobj, "float64")
    for name, file in files.items():
        found = np.asarray(nibabel.load(file).dataobj, "float64")
        worst = np.abs(found - expected).max() / np.ptp(expected)
        limit = 0.1 if "bfloat16" in name else 0.005
        if worst > limit:
            raise SystemExit(f"{name} wrote another translation: {worst:.3f} of the range apart")


def main():
    """Measure and print."""
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        scan = os.path.join(folder, "scan.nii.gz")
        make_scan(scan, options)
        contenders, files = [], {}
        for name in options.contenders:
            script, backend, precision = CONTENDERS[name]
            target = os.path.join(folder, f"{name}.nii.gz")
            given = [f"--size={options.size}", f"--filters={options.filters}"]
            given += [f"--depth={options.depth}", f"--batch={options.batch}"]
            given += [f"--precision={precision}", f"--scan={scan}", f"--target={target}"]
            given += [f"--scans={options.scans}", f"--slices={options.slices}"]
            contenders.append(Contender(name, script, given, backend))
            if not name.startswith("network"):
                files[name] = target
        wait_for(contenders)
        if "plain-torch" in files:
            check(files)
        take_turns(contenders, options.rounds, 1)
    for contender in contenders:
        if contender.name.startswith("folder"):
            contender.seconds = [seconds / options.scans for seconds in contender.seconds]

    by_name = {contender.name: contender for contender in contenders}
    reference = by_name.get("plain-torch", contenders[0])
    print(f"\n{machine()}\n{options.slices} slices of {options.size} x {options.size}\n")
    print(f"| | s/scan | lowest-highest | x {reference.name} | network's share | GiB |")
    print("|---|---|---|---|---|---|")
    rows = []
    for contender in contenders:
        alone = by_name.get("network-" + contender.name.partition("-")[2])
        share = alone.median / contender.median if alone and alone is not contender else None
        spread = f"{min(contender.seconds):.2f}-{max(contender.seconds):.2f}"
        print(
            f"| {contender.name} | {contender.median:.2f} | {spread} | "
            f"{reference.median / contender.median:.2f} | "
            f"{'' if share is None else f'{share:.0%}'} | {contender.peak / 2**30:.1f} |"
        )
        row = {"name": contender.name, "seconds": contender.seconds, "peak": contender.peak}
        rows.append({**row, "share": share})
        contender.close()
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": machine(), "options": vars(options), "rows": rows}, file)


main()
