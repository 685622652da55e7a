"""Translate a DICOM series and write the result as a derived series of the same study.

    python examples/dicom_series.py
    python examples/dicom_series.py --series path/to/series --model t1_t2.keras

Without arguments the series is an MR image shipped with pydicom (one T2 slice of 64 x 64), and the
model a small CycleGAN trained for about a minute on phantoms. That is enough to demonstrate the
workflow, but not for a useful T1. Needs `pip install "keras-mri-cyclegan[dicom]"`.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from pydicom import dcmread
from pydicom.data import get_testdata_file

import keras_mri_cyclegan as kmc

# What a viewer shows of an image, or sorts it by.
SHOWN = (
    "PatientName",
    "PatientID",
    "StudyDate",
    "StudyInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "ImageType",
    "SyntheticData",
    "DerivationDescription",
    "Manufacturer",
    "RepetitionTime",
    "EchoTime",
    "WindowCenter",
    "WindowWidth",
)


def main() -> None:
    """Read, translate, write, and print what was written."""
    arguments = parse_arguments()
    keras.utils.set_random_seed(arguments.seed)
    arguments.output.mkdir(parents=True, exist_ok=True)

    # === The scan ===
    source = kmc.volumes.read_volume(arguments.series)
    print(f"Read {source.path}")
    print(f"  voxels (columns, rows, slices)  {source.shape}, {source.header.dtype}")
    print(f"  spacing                         {np.round(source.spacing, 4).tolist()} mm")
    print(f"  orientation                     {source.orientation}")
    print(f"  affine (to RAS+ mm)             {np.round(source.affine, 4).tolist()}")

    # === The model ===
    if arguments.model is not None:
        model = keras.models.load_model(arguments.model)
    else:
        model = train_on_phantoms(arguments)

    # === The translation: the same grid, the same patient and study, a series of its own ===
    target = arguments.output / "synthetic"
    translated = kmc.translate_volume(
        model,
        source,
        target,
        direction=arguments.direction,
        intensities="source",  # the range of this scan: nothing was fitted on real ones
        overwrite=True,
    )
    again = kmc.volumes.read_volume(target)
    print(f"\nWrote {len(list(target.iterdir()))} file(s) to {target}/")
    print(f"  the same place        {np.array_equal(again.affine, source.affine)}")
    print(f"  largest rounding      {np.abs(again.array - translated.array).max():.3g}")

    # === What a viewer would show ===
    original = source.header.content.datasets[source.header.content.frames[0].file]
    derived = dcmread(sorted(target.iterdir())[0])
    for keyword in SHOWN:
        print(f"\n{keyword}\n  source     {show(original, keyword)}")
        print(f"  synthetic  {show(derived, keyword)}")
    print("\nContributing equipment")
    for item in derived.ContributingEquipmentSequence:
        purpose = item.PurposeOfReferenceCodeSequence[0]
        print(f"  {purpose.CodeMeaning} ({purpose.CodeValue}): {item.Manufacturer}")


def train_on_phantoms(arguments: argparse.Namespace) -> kmc.CycleGAN:
    """Return a small CycleGAN, T1 (A) and T2 (B), trained briefly on phantoms."""
    t1, t2 = kmc.datasets.load_phantom(("t1", "t2"), slices=arguments.slices, size=64)
    half = len(t1) // 2  # T1 of one half and T2 of the other: no pairs
    recipe = kmc.recipes.small_data(
        t1[:half], t2[half:], epochs=arguments.epochs, seed=arguments.seed
    )
    recipe.fit()
    return recipe.model


def show(dataset, keyword: str) -> str:
    """Return an attribute's value as text, or a note that the attribute is absent."""
    if keyword not in dataset:
        return "-"
    value = dataset.get(keyword)
    return "(empty)" if value in (None, "") else str(value)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--series",
        default=get_testdata_file("MR_small.dcm", download=False),
        help="folder of a series, folder::SeriesInstanceUID, or a file",
    )
    parser.add_argument("--model", type=Path, help="a trained CycleGAN; none: train a small one")
    parser.add_argument("--direction", choices=("ab", "ba"), default="ba", help="A: T1, B: T2")
    parser.add_argument("--output", type=Path, default=Path("outputs/dicom_series"), help="folder")
    parser.add_argument("--epochs", type=int, default=10, help="of the small CycleGAN")
    parser.add_argument("--slices", type=int, default=24, help="computed heads to learn from")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order")
    return parser.parse_args()


if __name__ == "__main__":
    main()
