"""What every contender of a benchmark does: take orders on its input, answer on its output.

A contender is a process of its own, as one process has one Keras backend and one TensorFlow. It
prints one line of JSON when it is ready, then for each line `N` that it reads runs N steps and
prints how many seconds they took. So the contenders can take turns, A B A B, on a machine that has
other things to do as well.
"""

import argparse
import json
import os
import resource
import sys
import time

import numpy as np

CYCLE_WEIGHT, IDENTITY_WEIGHT, RATE, BETA_1 = 10.0, 5.0, 2e-4, 0.5
EPSILON, SLOPE = 1e-5, 0.2
# What libraries print must not come between the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def arguments():
    """Return what all contenders of one table have in common."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--no-identity", action="store_true")
    parser.add_argument("--identity-every", type=int, default=1)
    parser.add_argument("--recompute", action="store_true")
    parser.add_argument("--slices", type=int, default=182, help="that the network alone takes")
    parser.add_argument("--scan", help="NIfTI file to translate")
    parser.add_argument("--target", help="NIfTI file to write")
    parser.add_argument("--scans", type=int, default=1, help="how many times it is translated")
    return parser.parse_args()


def answer(**fields):
    """Print one line of JSON."""
    print(json.dumps(fields), file=answers, flush=True)


def orders():
    """Yield how many steps are asked for, again and again."""
    for line in sys.stdin:
        yield int(line)


def serve(step, **ready):
    """Run `step()`, which waits for its own end, as often as asked for."""
    answer(**ready)
    for count in orders():
        start = time.perf_counter()
        for _ in range(count):
            step()
        answer(seconds=time.perf_counter() - start, peak=peak(), held=held())


def peak():
    """Return the most memory that this process has held, in bytes: of a GPU, where it uses one."""
    for name, of_gpu in (("jax", _peak_of_jax), ("torch", _peak_of_torch)):
        if name in sys.modules and (found := of_gpu(sys.modules[name])):
            return found
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _peak_of_jax(jax):
    return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)


def _peak_of_torch(torch):
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0


def held():
    """Return the memory that this process holds now, in bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def images(options):
    """Return a batch of A and one of B, `(batch, height, width, 1)` in [-1, 1]."""
    rng = np.random.default_rng(1)
    shape = (2, options.batch, options.size, options.size, 1)
    return rng.uniform(-1, 1, shape).astype("float32")


def kernels(shapes, seed):
    """Return a network's kernels, `(height, width, in, out)` each, the same for every contender.

    Those of transposed convolutions are `(height, width, out, in)`, as in Keras.
    """
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 0.02, shape).astype("float32") for shape in shapes]


def widths(options):
    """Return the filters of each level of the U-Net."""
    return [options.filters * min(2**level, 8) for level in range(options.depth)]
