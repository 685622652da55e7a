"""What all steps and cutters have in common: nothing is lost on the way to a file and back."""

import keras
import nibabel as nib
import numpy as np
import pytest
from contracts import run_cutter_contract, run_step_contract
from phantoms import scan

from keras_mri_cyclegan import preprocessing
from keras_mri_cyclegan.preprocessing import (
    CorrectBiasField,
    ForegroundMask,
    MaskFromFiles,
    MinMax,
    Nyul,
    Patches,
    Percentile,
    Reorient,
    Resample,
    Slices,
    WhiteStripe,
    ZScore,
)

STEPS = [
    (Reorient, {"orientation": "LPS"}),
    (MaskFromFiles, {"pattern": "{folder}/brain/{stem}.nii", "blank": True}),
    (ForegroundMask, {"blank": True, "threshold": 0.5}),
    (Resample, {"spacing": (1.0, None, 1.1), "order": 3}),
    (CorrectBiasField, {"shrink": 2, "iterations": (20, 10)}),
    (MinMax, {}),
    (Percentile, {"low": 0.1, "high": 99.9, "clip": False}),
    (ZScore, {"limit": 2.5, "clip": False}),
    (WhiteStripe, {"modality": ("t1", "flair"), "width": 0.1, "limit": 80, "clip": False}),
    (Nyul, {"low": 2, "high": 98, "clip": False}),
]
CUTTERS = [
    (
        Slices,
        {
            "plane": "sagittal",
            "size": (8, 9),
            "neighbours": 2,
            "minimum_foreground": 0.1,
            "threshold": 0.2,
            "crop": "any",
        },
    ),
    (
        Patches,
        {"size": (4, 5, 6), "overlap": 0.25, "minimum_foreground": 0, "threshold": 0.3},
    ),
]


@pytest.mark.parametrize(("step", "arguments"), STEPS)
def test_contract_of_steps(step, arguments, tmp_path):
    volume = scan("LIP", 0.2, path=str(tmp_path / "scan.nii"))
    (tmp_path / "brain").mkdir()
    inside = (volume.array > 100).astype("uint8")
    nib.save(nib.Nifti1Image(inside, volume.affine), tmp_path / "brain" / "scan.nii")
    run_step_contract(step, arguments, volume, tmp_path)


@pytest.mark.parametrize(("cutter", "arguments"), CUTTERS)
def test_contract_of_cutters(cutter, arguments, tmp_path):
    volume = scan("LIP", 0.2)
    run_cutter_contract(cutter, arguments, volume.replace(array=np.tanh(volume.array)), tmp_path)


def test_every_step_and_cutter_has_a_contract():
    public = [getattr(preprocessing, name) for name in preprocessing.__all__]
    registered = {one for one in public if ">" in keras.saving.get_registered_name(one)}
    assert {part for part, _ in STEPS + CUTTERS} == registered - {preprocessing.Preprocessing}
