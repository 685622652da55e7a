"""Make the pictures of the documentation: `python docs/make_images.py`, in less than a minute.

With the folder of SynthSeg's label maps, `python docs/make_images.py LABELS`, heads.png as well.
"""

import sys
from pathlib import Path

import numpy as np

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.datasets.phantom import TISSUES

IMAGES = Path(__file__).parent / "images"
SIZE = (217, 181)  # 1 mm pixels


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    kmc.figures.save_png(IMAGES / "phantom_contrasts.png", contrasts())
    kmc.figures.save_png(IMAGES / "phantom_options.png", options())
    if len(sys.argv) > 1:
        kmc.figures.save_png(IMAGES / "heads.png", heads(Path(sys.argv[1])))


def contrasts() -> np.ndarray:
    """Draw two slices of two subjects in all contrasts, and their tissues."""
    *images, tissues = kmc.datasets.load_phantom(
        ("t1", "t2", "pd", "flair"),
        slices=8,
        size=SIZE,
        subjects=2,
        lesions=8,
        return_tissues=True,
    )
    labels = tissues.argmax(axis=-1)[..., None] * (2 / (len(TISSUES) - 1)) - 1
    rows = [[contrast[k] for contrast in (*images, labels)] for k in (1, 6)]
    return kmc.figures.image_grid(rows, titles=["T1", "T2", "PD", "FLAIR", "main tissue"])


def options() -> np.ndarray:
    """Draw one slice as it is, and with each option."""
    settings = {
        "T2": {},
        "lesions=12": {"lesions": 12},
        "noise=0.03": {"noise": 0.03},
        "bias_field=0.6": {"bias_field": 0.6},
        "field_strength=3.0": {"field_strength": 3.0},
    }
    row = [
        kmc.datasets.load_phantom("t2", slices=4, size=SIZE, subjects=[3], **setting)[0][1]
        for setting in settings.values()
    ]
    return kmc.figures.image_grid([row], titles=list(settings))


def heads(folder: Path) -> np.ndarray:
    """Draw heads of SynthSeg's label maps in several contrasts."""
    simulation = kmc.simulation
    paths = sorted(folder.glob("*.nii.gz"))[8:11]
    maps = simulation.draw_head_maps(
        (simulation.LabelHead(path, "synthseg") for path in paths),
        count=4,
        size=(192, 160),
        pixel=1.15,
        seed=4,
    )
    contrasts = ("t1_se", "mprage", "t2", "pd", "flair_fs")
    drawn = simulation.SimulatedHeads(maps, contrasts, strip=0, seed=1)
    rows = [[*head.clean.values(), head.degraded["t2"]] for head in (drawn[k] for k in (1, 2, 5))]
    titles = ["T1", "MP-RAGE", "T2", "PD", "FLAIR, no fat", "T2, degraded"]
    return kmc.figures.image_grid(rows, titles=titles)


if __name__ == "__main__":
    main()
