"""The scripts in `examples/` run from end to end, in small, on every backend."""

import runpy
import sys
from pathlib import Path

import keras
import nibabel as nib
import numpy as np
import pytest
from label_heads import ball_volume

import keras_mri_cyclegan as kmc

pytestmark = pytest.mark.usefixtures("small_networks")
EXAMPLES = Path(__file__).parent.parent / "examples"


def run(monkeypatch, script, *arguments):
    monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
    runpy.run_path(str(EXAMPLES / script), run_name="__main__")


def few_slices(monkeypatch, at_most):
    """Let the phantoms of an example have few slices."""
    load = kmc.datasets.load_phantom

    def with_few_slices(contrasts, slices, **others):
        return load(contrasts, slices=min(slices, at_most), **others)

    monkeypatch.setattr(kmc.datasets, "load_phantom", with_few_slices)


@pytest.mark.backend
def test_quickstart(tmp_path, monkeypatch, capsys):
    few_slices(monkeypatch, at_most=8)
    output = tmp_path / "out"
    run(monkeypatch, "quickstart.py", "--epochs", 2, "--subjects", 1, "--output", output)
    names = {path.name for path in output.iterdir()}
    assert names == {
        "epoch_0000.png",
        "epoch_0002.png",
        "training.gif",
        "result.png",
        "t1_t2.keras",
    }
    printed = capsys.readouterr().out
    for row in ("copy the input", "before training", "after training"):
        assert row in printed
    assert str(output) in printed
    assert isinstance(keras.models.load_model(output / "t1_t2.keras"), kmc.CycleGAN)


@pytest.mark.parametrize(
    ("recipe", "epochs"),
    [pytest.param("small_data", 1, marks=pytest.mark.backend), ("tutorial", 1)],
)
def test_train_on_slices(tmp_path, monkeypatch, recipe, epochs):
    t1, t2 = kmc.datasets.load_phantom(slices=3, size=40)
    for name, images in (("T1", t1), ("T2", t2[:2])):
        (tmp_path / name).mkdir()
        for number, image in enumerate(images):
            grey = np.round((image[..., 0] + 1) * 127.5).astype("uint8")
            kmc.figures.save_png(tmp_path / name / f"slice {number}.png", grey)
    output = tmp_path / "out"
    small = ["--size", 32, "--filters", 4, "--epochs", epochs]
    if recipe != "small_data":  # the default
        small += ["--recipe", recipe]
    folders = ["--a", tmp_path / "T1", "--b", tmp_path / "T2", "--output", output]
    run(monkeypatch, "train_on_slices.py", *folders, *small)
    names, *rows = (output / "losses.csv").read_text().splitlines()
    assert len(rows) == epochs
    assert "val_translation_score" in names
    assert ("background_consistency_ab" in names) == (recipe == "small_data")
    assert len(list((output / "progress").glob("epoch_*.png"))) == epochs + 1
    translated = kmc.datasets.load_image_folder(output / "a_to_b")
    assert translated.shape == (3, 32, 32, 1)
    assert kmc.datasets.load_image_folder(output / "b_to_a").shape == (2, 32, 32, 1)
    model = keras.models.load_model(output / "cyclegan.keras")
    source = kmc.datasets.load_image_folder(tmp_path / "T1", size=(32, 32))
    np.testing.assert_allclose(model.translate(source), translated, atol=1 / 127)


@pytest.mark.backend
def test_nifti_t1_to_t2(tmp_path, monkeypatch, capsys):
    few_slices(monkeypatch, at_most=4)
    output = tmp_path / "out"
    small = ["--size", 32, 32, "--filters", 4, "--epochs", 1, "--augment"]
    run(monkeypatch, "nifti_t1_to_t2.py", *small, "--output", output)
    assert "copy the input" in capsys.readouterr().out
    source = nib.load(output / "study" / "sub-20_t1.nii.gz")
    made = nib.load(output / "synthetic_t2.nii.gz")
    assert made.shape == source.shape
    np.testing.assert_array_equal(made.affine, source.affine)
    assert (output / "synthetic_t2.json").exists()
    assert (output / "result.png").exists()
    assert "val_translation_score" in (output / "losses.csv").read_text()
    preprocessing = kmc.preprocessing.Preprocessing.load(output / "preprocessing.json")
    model = keras.models.load_model(output / "cyclegan.keras")
    again = kmc.translate_volume(
        model, output / "study" / "sub-20_t1.nii.gz", preprocessing=preprocessing, verbose=0
    )
    np.testing.assert_allclose(again.array, made.get_fdata(), atol=1e-3 * np.ptp(again.array))


@pytest.mark.backend
def test_dicom_series(tmp_path, monkeypatch, capsys):
    pydicom = pytest.importorskip("pydicom")
    output = tmp_path / "out"
    run(monkeypatch, "dicom_series.py", "--epochs", 1, "--slices", 4, "--output", output)
    (written,) = [path for path in output.rglob("*.dcm") if "synthetic" in str(path).lower()]
    dataset = pydicom.dcmread(written)
    assert dataset.SyntheticData == "YES"
    assert "SyntheticData" in capsys.readouterr().out


def test_teach_heads_goes_on_where_it_was(tmp_path, monkeypatch):
    """Two runs, the second with one more epoch; each leaves weights that a generator takes."""
    (tmp_path / "labels").mkdir()
    volume = ball_volume()
    nib.save(nib.Nifti1Image(volume.array, volume.affine), tmp_path / "labels" / "head.nii.gz")
    output, kept = tmp_path / "out", []
    for epochs in (1, 2):
        where = ["--labels", tmp_path / "labels", "--output", output]
        small = ["--slices", 2, "--sizes", 32, "--pixels", 1024, "--steps", 1, "--filters", 2]
        run(monkeypatch, "teach_heads.py", *where, *small, "--epochs", epochs)
        with np.load(output / "heads.npz") as file:
            kept.append({name: file[name] for name in file.files})
        kmc.contrast_generator("t1", "t2", weights=output / "heads.npz", filters=2)
    assert any((kept[0][name] != kept[1][name]).any() for name in kept[0])
    rows = (output / "losses.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", "0", "1"]


def test_clinical_heads(tmp_path, monkeypatch, capsys):
    (tmp_path / "labels").mkdir()
    volume = ball_volume()
    nib.save(nib.Nifti1Image(volume.array, volume.affine), tmp_path / "labels" / "head.nii.gz")
    for person, (contrast, count) in enumerate((("t1", 2), ("t2", 2), ("t1", 4))):
        (slices,) = kmc.datasets.load_phantom((contrast,), slices=count, size=64, subjects=[person])
        signal = 500 * (slices[..., 0].transpose(2, 1, 0) + 1)
        image = nib.Nifti1Image(signal.astype("float32"), np.diag([-3.6, -3.6, 6, 1]))
        nib.save(image, tmp_path / f"sub-{person}_{contrast}.nii.gz")
    output = tmp_path / "out"
    scans = ["--a", tmp_path / "sub-0_t1.nii.gz", "--b", tmp_path / "sub-1_t2.nii.gz"]
    scans += ["--test", tmp_path / "sub-2_t1.nii.gz", "--labels", tmp_path / "labels"]
    small = ["--size", 64, "--pairs", 2, "--maps", 1, "--epochs", 1]
    run(monkeypatch, "clinical_heads.py", *scans, *small, "--output", output)
    assert "BestTranslation" in capsys.readouterr().out
    source, made = nib.load(scans[5]), nib.load(output / "synthetic_t2.nii.gz")
    assert made.shape == source.shape
    np.testing.assert_array_equal(made.affine, source.affine)
    # Fluid, dark in T1, is bright: the start is there.
    t1, t2 = source.get_fdata(), made.get_fdata()
    head = t1 > 100
    assert np.corrcoef(t1[head], t2[head])[0, 1] < 0
