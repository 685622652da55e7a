import importlib.util
import json
import os
import runpy
import subprocess
import sys

import dicom_files
import keras
import nibabel as nib
import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan._command_line import main
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing, Reorient
from keras_mri_cyclegan.translation.provenance import hash_network


def scale(factor, name):
    layer = keras.layers.Dense(1)
    network = keras.Sequential([keras.Input((None, None, 1)), layer], name=name)
    layer.set_weights([np.array([[factor]]), np.zeros(1)])
    return network


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Return a folder with a model (A to B: the identity; back: the negative) and two scans."""
    folder = tmp_path_factory.mktemp("study")
    model = kmc.CycleGAN(
        scale(1.0, "same"),
        scale(-1.0, "negative"),
        kmc.patchgan_discriminator((None, None, 1), layers=1, filters=2),
        kmc.patchgan_discriminator((None, None, 1), layers=1, filters=2),
        pool_size=0,
    )
    os.makedirs(folder / "model")
    os.makedirs(folder / "scans")
    model.save(folder / "model" / "model.keras")
    rng = np.random.default_rng(0)
    paths = []
    for k in range(2):
        array = rng.integers(0, 1000, (9, 11, 5), "int16")
        array[0, 0, 0], array[0, 0, 1] = 0, 1000
        paths.append(folder / "scans" / f"t1-{k}.nii.gz")
        nib.save(nib.Nifti1Image(array, np.diag([-1, 1, 2, 1])), paths[-1])
    preprocessing = Preprocessing([Reorient(), MinMax()]).fit(paths, paths, verbose=0)
    preprocessing.save(folder / "model" / "preprocessing.json")
    return folder


def voxels(path):
    return np.asanyarray(nib.load(path).dataobj)


def test_a_scan_is_translated(study, tmp_path, capsys):
    source, target = study / "scans" / "t1-0.nii.gz", tmp_path / "t2.nii.gz"
    model = study / "model" / "model.keras"
    assert main(["translate", str(model), str(source), str(target)]) == 0
    assert np.array_equal(voxels(target), voxels(source))
    out, err = capsys.readouterr()
    assert str(target) in out
    assert "1/1" in out
    assert err == ""
    said = json.loads((tmp_path / "t2.json").read_text())
    assert (said["Model"]["Name"], said["Intensities"]) == ("same", "target")


def test_every_option_arrives(study, tmp_path, capsys):
    source, target = study / "scans" / "t1-0.nii.gz", tmp_path / "t2.nii.gz"
    target.write_bytes(b"something")
    other = tmp_path / "other.json"
    Preprocessing([MinMax()]).save(other)
    command = ["translate", study / "model" / "model.keras", source, target]
    command += ["--direction", "ba", "--preprocessing", other, "--intensities", "source"]
    command += ["--planes", "axial,sagittal", "--batch-size", "2", "--overlap", "0.25"]
    command += ["--overwrite", "--quiet"]
    assert main([str(word) for word in command]) == 0
    assert np.array_equal(voxels(target), 1000 - voxels(source))
    assert capsys.readouterr() == ("", "")
    said = json.loads((tmp_path / "t2.json").read_text())
    assert said["Model"]["Direction"] == "ba"
    assert said["Planes"] == ["axial", "sagittal"]
    assert len(said["Preprocessing"]["steps"]) == 1


@pytest.mark.parametrize("sources", [["t1-0.nii.gz", "t1-1.nii.gz"], ["t1-*.nii.gz"], ["."]])
def test_several_scans_go_to_a_folder(study, tmp_path, sources):
    given = [str(study / "scans" / source) for source in sources]
    model = str(study / "model" / "model.keras")
    assert main(["translate", model, *given, str(tmp_path), "--quiet"]) == 0
    (tmp_path / "one").mkdir()
    source = str(study / "scans" / "t1-0.nii.gz")
    assert main(["translate", model, source, str(tmp_path / "one")]) == 0
    assert (tmp_path / "one" / "t1-0_ab.nii.gz").exists()
    for k in range(2):
        translated = voxels(tmp_path / f"t1-{k}_ab.nii.gz")
        assert np.array_equal(translated, voxels(study / "scans" / f"t1-{k}.nii.gz"))


def test_a_packed_pair_becomes_an_unpacked_one(study, tmp_path):
    array = np.arange(495, dtype="int16").reshape(9, 11, 5)
    nib.save(nib.Nifti1Pair(array, np.diag([-1, 1, 2, 1])), tmp_path / "t1.img.gz")
    command = ["translate", study / "model" / "model.keras", tmp_path / "t1.*", tmp_path]
    command += ["--intensities", "source"]
    assert main([str(word) for word in command]) == 0
    assert np.array_equal(voxels(tmp_path / "t1_ab.img"), array)


def test_one_bad_scan_does_not_stop_the_others(study, tmp_path, capsys):
    good, bad = study / "scans" / "t1-0.nii.gz", tmp_path / "bad.nii.gz"
    bad.write_bytes(b"not gzip")
    model = str(study / "model" / "model.keras")
    assert main(["translate", model, str(bad), str(good), str(tmp_path), "--quiet"]) == 2
    assert_one_line(capsys.readouterr().err, "bad.nii.gz")
    assert sorted(os.listdir(tmp_path)) == ["bad.nii.gz", "t1-0_ab.json", "t1-0_ab.nii.gz"]


def assert_one_line(err, *words):
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "nothing.keras"}, ["nothing.keras", "no such file"]),
        ({"model": "cut.keras"}, ["cut.keras", "damaged", "ends too early", "copy it again"]),
        ({"model": "flipped.keras"}, ["flipped.keras", "cannot be loaded"]),
        ({"source": "nothing.nii"}, ["nothing.nii"]),
        ({"source": "nothing*.nii"}, ["nothing*.nii"]),
        ({"target": "nowhere/t2.nii"}, ["nowhere", "folder"]),
        ({"target": "t2.xyz"}, [".xyz"]),
        ({"target": "taken.nii"}, ["taken.nii", "overwrite"]),
        ({"options": ["--overlap", "2"]}, ["`overlap`"]),
        ({"options": ["--batch-size", "0"]}, ["`batch_size`"]),
        ({"options": ["--preprocessing", "nothing.json"]}, ["nothing.json"]),
        ({"options": ["--preprocessing", "unfitted.json"]}, ["intensities='source'"]),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(
    study, tmp_path, monkeypatch, capsys, change, words
):
    monkeypatch.chdir(tmp_path)
    whole = (study / "model" / "model.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "flipped.keras").write_bytes(whole.replace(b"config", b"cinfog"))
    (tmp_path / "taken.nii").write_bytes(b"something")
    Preprocessing([MinMax()]).save("unfitted.json")
    before = sorted(os.listdir(tmp_path))
    given = {
        "model": str(study / "model" / "model.keras"),
        "source": str(study / "scans" / "t1-0.nii.gz"),
        "target": "t2.nii",
        "options": ["--preprocessing", str(study / "model" / "preprocessing.json")],
        **change,
    }
    words_in = [given["model"], given["source"], given["target"], *given["options"], "--quiet"]
    assert main(["translate", *words_in]) == 2
    err = capsys.readouterr().err
    assert_one_line(err, *words)
    assert "not found" not in err
    assert sorted(os.listdir(tmp_path)) == before


def test_preprocessing_is_never_guessed(study, tmp_path, capsys):
    model = tmp_path / "model.keras"
    model.write_bytes((study / "model" / "model.keras").read_bytes())
    source = str(study / "scans" / "t1-0.nii.gz")
    assert main(["translate", str(model), source, str(tmp_path / "t2.nii")]) == 2
    assert_one_line(capsys.readouterr().err, "preprocessing.json", "--preprocessing FILE")


def test_several_scans_need_a_folder_and_names_of_their_own(study, tmp_path, capsys):
    sources = [str(study / "scans" / f"t1-{k}.nii.gz") for k in range(2)]
    model = str(study / "model" / "model.keras")
    assert main(["translate", model, *sources, str(tmp_path / "t2.nii")]) == 2
    assert_one_line(capsys.readouterr().err, "no such folder")
    again = tmp_path / "t1-0.nii.gz"
    again.write_bytes((study / "scans" / "t1-0.nii.gz").read_bytes())
    assert main(["translate", model, sources[0], str(again), str(tmp_path)]) == 2
    assert_one_line(capsys.readouterr().err, "would both become")
    assert os.listdir(tmp_path) == ["t1-0.nii.gz"]


def test_a_warning_is_one_line(study, tmp_path, capsys):
    scale(2.0, "bright").save(tmp_path / "model.keras")
    command = [tmp_path / "model.keras", study / "scans" / "t1-0.nii.gz", tmp_path / "t2.nii"]
    options = ["--preprocessing", study / "model" / "preprocessing.json", "--quiet"]
    assert main(["translate", *map(str, command + options)]) == 0
    err = capsys.readouterr().err
    assert err.startswith("warning: The network returned values in [-2, 2]")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--help"], 0, "translate"),
        (["translate", "--help"], 0, "--intensities"),
        (["--version"], 0, f"keras_mri_cyclegan {kmc.__version__}"),
        ([], 2, "usage:"),
        (["translate", "model.keras", "t1.nii"], 2, "TARGET"),
        (["translate", "m", "s", "t", "--direction", "aa"], 2, "--direction"),
    ],
)
def test_argparse_answers(monkeypatch, capsys, words, status, said):
    monkeypatch.setattr(sys, "argv", ["keras_mri_cyclegan", *words])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_module("keras_mri_cyclegan", run_name="__main__")
    assert exit_.value.code == status
    out, err = capsys.readouterr()
    assert said in (out if status == 0 else err)


def test_another_process_on_another_backend_finds_the_same_hash(study, tmp_path):
    others = [
        name
        for name in ("jax", "torch", "tensorflow")
        if name != keras.backend.backend() and importlib.util.find_spec(name)
    ]
    if not others:
        pytest.skip("no other backend is installed")
    backend = others[0]
    source, target = study / "scans" / "t1-0.nii.gz", tmp_path / "t2.nii.gz"
    command = ["translate", study / "model" / "model.keras", source, target]
    subprocess.run(
        [sys.executable, "-m", "keras_mri_cyclegan", *map(str, command)],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    assert np.array_equal(voxels(target), voxels(source))
    model = keras.models.load_model(study / "model" / "model.keras")
    said = json.loads((tmp_path / "t2.json").read_text())
    assert said["Model"]["SHA256"] == hash_network(model.generator_ab)


@pytest.mark.parametrize("model", ["missing.keras", "missing/model.keras", "folder", "empty.keras"])
def test_a_missing_model_is_told_before_its_preprocessing(study, tmp_path, capsys, model):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.keras").write_bytes(b"")
    source = study / "scans" / "t1-0.nii.gz"
    assert main(["translate", f"{tmp_path}/{model}", str(source), f"{tmp_path}/o.nii.gz"]) == 2
    said = capsys.readouterr().err
    assert f"{model}`: " in said
    assert "Expected a model" in said
    assert "preprocessing" not in said


def test_the_others_are_translated_on_request(study, tmp_path, capsys):
    model = str(study / "model" / "model.keras")
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.nii.gz").write_bytes(b"")
    (tmp_path / "scans" / "b.nii.gz").write_bytes((study / "scans" / "t1-0.nii.gz").read_bytes())
    arguments = ["translate", model, str(tmp_path / "scans"), str(tmp_path), "--quiet"]
    assert main(arguments) == 2
    assert "`--unreadable warn`" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.gz"))
    assert main([*arguments, "--unreadable", "warn"]) == 0
    assert "a.nii.gz" in capsys.readouterr().err
    assert [path.name for path in tmp_path.glob("*.gz")] == ["b_ab.nii.gz"]
    listed = [str(path) for path in sorted((tmp_path / "scans").iterdir())]
    arguments = ["translate", model, *listed, str(tmp_path), "--quiet", "--unreadable", "warn"]
    assert main([*arguments, "--overwrite"]) == 0
    assert "a.nii.gz" in capsys.readouterr().err
    assert main(["translate", model, listed[0], listed[0], *arguments[-4:]]) == 2
    assert "no SOURCE can be read" in capsys.readouterr().err


def test_other_libraries_do_not_flood(tmp_path, study, capsys):
    def change(dataset, index):
        dataset.SpecificCharacterSet = "ISO-IR 100"
        dataset.StudyInstanceUID = "1.2.826.1.00"  # invalid

    folder = dicom_files.series(tmp_path / "s", dicom_files.scan((12, 9, 9)), change)
    model = str(study / "model" / "model.keras")
    capsys.readouterr()
    assert main(["translate", model, folder, f"{tmp_path}/o", "--quiet"]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning: " in line]
    assert 1 < len(lines) < 8
    assert lines[-1].endswith("more of other libraries, like these")
    assert len(set(lines)) == len(lines)
