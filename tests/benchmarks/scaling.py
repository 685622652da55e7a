"""How the seconds of a training step grow: with the image, the filters, the batch, the depth.

    python tests/benchmarks/scaling.py --backend tensorflow --json scaling.json

One setting at a time is changed from 256 x 256, 16 filters, batch 1, depth 6. Prints a table, and
for the image sizes from 128 on the exponent of the seconds in the number of pixels: 1 is linear.
`--steps-of-memory 1000` instead runs so many small steps and prints the memory held meanwhile.
"""

import argparse
import json
import os

import numpy as np
from contenders import Contender, machine, take_turns, wait_for

BASE = {"size": 256, "filters": 16, "batch": 1, "depth": 6}
GROWTH = {
    "size": [64, 128, 256, 512],
    "filters": [16, 32, 64],
    "batch": [1, 4, 16],
    "depth": [4, 6, 8],
}


def arguments():
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default=os.environ.get("KERAS_BACKEND", "tensorflow"))
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vary", nargs="+", default=list(GROWTH), choices=list(GROWTH))
    parser.add_argument("--steps-of-memory", type=int, default=0)
    parser.add_argument("--json", help="file for the results")
    return parser.parse_args()


def start(settings, options):
    """Return this library's step at some settings."""
    given = [f"--{name}={value}" for name, value in settings.items()]
    given.append(f"--precision={options.precision}")
    return Contender("ours", "ours.py", given, options.backend)


def memory(options):
    """Print the memory held every tenth of many steps."""
    contender = start({"size": 64, "filters": 8, "batch": 1, "depth": 6}, options)
    wait_for([contender])
    contender.run(20)
    held = []
    for _ in range(10):
        contender.run(options.steps_of_memory // 10)
        held.append(round(contender.held / 2**20))
    contender.close()
    print(f"{machine()}\n{options.backend}, MiB held after each tenth of "
          f"{options.steps_of_memory} steps: {held}")  # fmt: skip
    return {"held_mib": held}


def growth(options):
    """Print the seconds of a step, one setting changed at a time."""
    rows = []
    print(f"{machine()}\n{options.backend}, {options.precision}; from {BASE}\n")
    print("| | s/step | lowest-highest | GiB |\n|---|---|---|---|")
    for varied in options.vary:
        for value in GROWTH[varied]:
            contender = start({**BASE, varied: value}, options)
            take_turns([contender], options.rounds, 2)
            spread = f"{min(contender.seconds):.3f}-{max(contender.seconds):.3f}"
            peak = f"{contender.peak / 2**30:.2f}"
            print(f"| {varied} {value} | {contender.median:.3f} | {spread} | {peak} |", flush=True)
            row = {"varied": varied, "value": value, "seconds": contender.seconds}
            rows.append({**row, "peak": contender.peak})
            contender.close()
    sizes = [
        (row["value"] ** 2, np.median(row["seconds"]))
        for row in rows
        if row["varied"] == "size" and row["value"] >= 128
    ]
    if sizes:
        exponent = np.polyfit(*np.log(np.array(sizes)).T, 1)[0]
        print(f"\nSeconds grow as pixels to the power of {exponent:.2f} from 128 on.")
        return {"rows": rows, "exponent": float(exponent)}
    return {"rows": rows}


def main():
    """Measure and print."""
    options = arguments()
    found = memory(options) if options.steps_of_memory else growth(options)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": machine(), "options": vars(options), **found}, file)


main()
