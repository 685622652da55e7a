"""Seconds of one CycleGAN training step, ours and others', in turn on the same networks and data.

    python tests/benchmarks/train_step.py --json train_step.json
    python tests/benchmarks/train_step.py --size 128 --filters 32 --depth 7 --rounds 9

U-Net generators without dropout and 70-pixel PatchGANs, all from the same numbers; every contender
must compute the same losses in its first step, or the run ends. Prints a Markdown table: median
seconds of a step, the lowest and highest, how many times as fast as plain PyTorch in float32, the
rate of the convolutions' arithmetic, its share of what one large convolution reaches on this
machine in that precision, and the most memory the process has held.

`--tfa` names the Python of an environment with TensorFlow 2.15 and tensorflow-addons.
"""

import argparse
import json

import numpy as np
from contenders import Contender, machine, take_turns

# Name: script, Keras backend, precision, compiled.
CONTENDERS = {
    "ours-tensorflow": ("ours.py", "tensorflow", "float32", False),
    "ours-tensorflow-bfloat16": ("ours.py", "tensorflow", "bfloat16", False),
    "ours-jax": ("ours.py", "jax", "float32", False),
    "ours-jax-bfloat16": ("ours.py", "jax", "bfloat16", False),
    "ours-torch": ("ours.py", "torch", "float32", False),
    "ours-torch-bfloat16": ("ours.py", "torch", "bfloat16", False),
    "ours-torch-compiled": ("ours.py", "torch", "float32", True),
    "ours-torch-compiled-bfloat16": ("ours.py", "torch", "bfloat16", True),
    "plain-torch": ("plain_torch.py", None, "float32", False),
    "plain-torch-bfloat16": ("plain_torch.py", None, "bfloat16", False),
    "plain-torch-compiled": ("plain_torch.py", None, "float32", True),
    "plain-torch-compiled-bfloat16": ("plain_torch.py", None, "bfloat16", True),
    "tutorial-tfa": ("tutorial.py", None, "float32", False),
    "tutorial-keras3": ("tutorial.py", "tensorflow", "float32", False),
    "keras-example": ("keras_example.py", "tensorflow", "float32", False),
    "ceiling": ("ceiling.py", "tensorflow", "float32", False),
    "ceiling-bfloat16": ("ceiling.py", "tensorflow", "bfloat16", False),
}
DEFAULT = [
    "ours-tensorflow", "ours-tensorflow-bfloat16", "ours-jax", "ours-torch", "plain-torch",
    "tutorial-tfa", "tutorial-keras3", "keras-example", "ceiling", "ceiling-bfloat16",
]  # fmt: skip


def arguments():
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--no-identity", action="store_true")
    parser.add_argument("--identity-every", type=int, default=1, help="ours alone")
    parser.add_argument("--recompute", action="store_true", help="ours alone")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=2, help="in one turn")
    parser.add_argument("--contenders", nargs="+", default=DEFAULT, choices=list(CONTENDERS))
    parser.add_argument("--tfa", help="python with tensorflow-addons; without it, left out")
    parser.add_argument("--json", help="file for the results")
    return parser.parse_args()


def flop(options):
    """Return the arithmetic of the convolutions in one step: a multiplication and an addition each.

    A network that learns costs three times its own work: there, back to its input, and to its
    kernels. A generator does that on a scan, on a fake and for the identity; a discriminator on a
    scan and a fake, and when it judges for the generator goes there and back to the input alone.
    """
    size, before, generator, discriminator = options.size, 1, 0, 0
    widths = [options.filters * min(2**level, 8) for level in range(options.depth)]
    for level, width in enumerate(widths):
        pixels = (size >> (level + 1)) ** 2
        generator += 2 * 16 * pixels * before * width
        above = widths[level - 1] if level else 1
        # The transposed convolution from this level to the one above; all but the deepest have a
        # skip connection beside what comes from below.
        generator += 2 * 16 * pixels * above * width * (1 if level == options.depth - 1 else 2)
        before = width
    before = 1
    for level, strides in ((0, 2), (1, 2), (2, 2), (3, 1)):
        size = size // 2 if strides == 2 else size - 1
        width = options.filters * 2**level
        discriminator += 2 * 16 * size**2 * before * width
        before = width
    discriminator += 2 * 16 * (size - 1) ** 2 * before
    passes = 2 if options.no_identity else 3
    return options.batch * 2 * (3 * passes * generator + (2 + 6) * discriminator)


def start(name, options):
    """Return a contender, or `None` where it cannot run."""
    script, backend, precision, compiled = CONTENDERS[name]
    given = [f"--{key}={getattr(options, key)}" for key in ("size", "filters", "depth", "batch")]
    given += [f"--precision={precision}"]
    given += ["--compiled"] if compiled else []
    given += ["--no-identity"] if options.no_identity else []
    if script == "ours.py":
        given += [f"--identity-every={options.identity_every}"]
        given += ["--recompute"] if options.recompute else []
    python = {}
    if name == "tutorial-tfa":
        if not options.tfa:
            print("No --tfa: tutorial-tfa is left out.")
            return None
        python = {"python": options.tfa}
    return Contender(name, script, given, backend, **python)


def check(contenders):
    """Raise an error unless all computed the same losses in their first step."""
    with_losses = [c for c in contenders if "losses" in c.ready]
    expected = with_losses[0].ready["losses"]
    for contender in with_losses:
        found = contender.ready["losses"]
        tolerance = 0.03 if "bfloat16" in contender.name else 1e-3
        for name in sorted(set(expected) & set(found)):
            np.testing.assert_allclose(
                found[name], expected[name], rtol=tolerance, err_msg=f"{contender.name}, {name}"
            )


def main():
    """Measure and print."""
    options = arguments()
    contenders = [start(name, options) for name in options.contenders]
    contenders = [contender for contender in contenders if contender]
    check(contenders)
    take_turns(contenders, options.rounds, options.steps)

    work = flop(options)
    by_name = {contender.name: contender for contender in contenders}
    reference = by_name.get("plain-torch", contenders[0])
    print(f"\n{machine()}")
    print(
        f"{options.size} x {options.size}, {options.filters} filters, depth {options.depth}, batch "
        f"{options.batch}, {work / 1e9:.0f} GFLOP; {options.rounds} rounds of {options.steps}\n"
    )
    print(f"| | s/step | lowest-highest | x {reference.name} | GFLOP/s | of the ceiling | GiB |")
    print("|---|---|---|---|---|---|---|")
    results = []
    for contender in contenders:
        rate = contender.ready.get("flop", work) / contender.median / 1e9
        top = by_name.get("ceiling-bfloat16" if "bfloat16" in contender.name else "ceiling")
        share = rate * 1e9 * top.median / top.ready["flop"] if top else float("nan")
        ratio = reference.median / contender.median
        row = {
            "name": contender.name,
            "seconds": contender.seconds,
            "median": contender.median,
            "ratio": ratio,
            "gflops": rate,
            "share": share,
            "peak": contender.peak,
            "losses": contender.ready.get("losses"),
        }
        results.append(row)
        spread = f"{min(contender.seconds):.3f}-{max(contender.seconds):.3f}"
        ratio = "" if "flop" in contender.ready else f"{ratio:.2f}"
        print(
            f"| {contender.name} | {contender.median:.3f} | {spread} | {ratio} | {rate:.0f} | "
            f"{share:.0%} | {contender.peak / 2**30:.1f} |"
        )
        contender.close()
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": machine(), "options": vars(options), "rows": results}, file)


if __name__ == "__main__":
    main()
