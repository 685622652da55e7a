"""How long simulated heads take: `python tests/benchmarks/simulation.py LABELS.nii.gz`.

Milliseconds of one core for a head in T1, T2 and FLAIR, from one of SynthSeg's label maps. Set
`OMP_NUM_THREADS=1`, so that one core is all there is.
"""

import sys
import time

import numpy as np

from keras_mri_cyclegan.simulation import LabelHead, SimulatedHeads, draw_head_maps

SLICES, DRAWS = 12, 100


def main(path: str) -> None:
    """Print the time for each size of image."""
    head = LabelHead(path, "synthseg")
    for size in (128, 256):
        start = time.process_time()
        maps = draw_head_maps([head], SLICES, size, pixel=230 / size)
        each = (time.process_time() - start) / SLICES
        heads = SimulatedHeads(maps, ("t1", "t2", "flair"))
        rng = np.random.default_rng(0)
        times = []
        for _ in range(DRAWS):
            start = time.process_time()
            heads.draw(rng)
            times.append(time.process_time() - start)
        low, middle = 1000 * np.quantile(times, (0.1, 0.5))
        print(
            f"{size} x {size}: {1000 * each:.0f} ms for a slice's maps, {middle:.1f} ms for a head "
            f"(a tenth in at most {low:.1f} ms)"
        )


if __name__ == "__main__":
    main(sys.argv[1])
