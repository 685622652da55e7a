"""What cannot be read is not absent: every door that lists files, with every kind of damage."""

import gzip
import os
import warnings

import dicom_files
import keras
import nibabel
import numpy as np
import pytest
from PIL import Image

from keras_mri_cyclegan import _command_line, translate_volumes
from keras_mri_cyclegan.data import VolumeImages, from_volumes
from keras_mri_cyclegan.datasets import load_image_folder, load_ixi, load_label_heads
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing, Slices
from keras_mri_cyclegan.volumes import VolumeError, VolumeWarning, find_volumes, read_volume

COUNT = 4


def _empty(path):
    path.write_bytes(b"")


def _cut(path):
    path.write_bytes(path.read_bytes()[:100])


def _zeros(path):
    path.write_bytes(bytes(path.stat().st_size))


def _dangling(path):
    path.unlink()
    path.symlink_to("../.git/annex/objects/xx/MD5E-s123" + path.suffix)


def _loop(path):
    path.unlink()
    path.symlink_to(path.name)


def _lfs(path):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")


def _annex(path):
    path.write_text("/annex/objects/MD5E-s3520--d41d8cd98f00b204e9800998ecf8427e.nii.gz\n")


def _pipe(path):
    path.unlink()
    os.mkfifo(path)


DAMAGES = [_empty, _cut, _zeros, _dangling, _loop, _lfs, _annex, _pipe]
PICTURES = "{}.png"
NAMES = ["IM{:04d}.dcm", "IM{:04d}", "1.2.840.10008.{}", "{:08x}-e29b-41d4-a716-446655440000"]


def _series(folder, name):
    folder.mkdir(parents=True)
    for index, stored in enumerate(dicom_files.scan((COUNT, 7, 6))):
        dicom_files.save(dicom_files.image(stored, index), folder / name.format(index))


def _stack(folder, name=PICTURES):
    folder.mkdir(parents=True)
    for index, stored in enumerate(dicom_files.scan((COUNT, 7, 6), "uint8", high=255)):
        Image.fromarray(stored).save(folder / name.format(index))


def _study(folder, name="sub-{:02d}_T1w.nii.gz", count=COUNT):
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        data = np.random.default_rng(index).integers(0, 99, (8, 9, 3)).astype("int16")
        nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), folder / name.format(index))


OF_A_SCAN = {
    "read_volume(folder)": lambda folder: read_volume(folder),
    "find_volumes(folder)": lambda folder: find_volumes(folder),
    "find_volumes(folder above)": lambda folder: find_volumes(folder.parent),
    "find_volumes(pattern of folders)": lambda folder: find_volumes(f"{folder.parent}/*"),
    "find_volumes(list)": lambda folder: find_volumes([folder]),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", [*NAMES, PICTURES])
@pytest.mark.parametrize("place", [0, COUNT - 1])
def test_a_slice_of_a_scan(tmp_path, name, damage, place):
    folder = tmp_path / "study" / "scan"
    (_stack if name == PICTURES else _series)(folder, name)
    assert read_volume(folder).shape == (6, 7, COUNT)
    lost = folder / name.format(place)
    damage(lost)
    doors = dict(OF_A_SCAN)
    if name == PICTURES:
        doors["load_image_folder"] = load_image_folder
    for door, call in doors.items():
        if name == PICTURES and damage is _cut and door.startswith("find"):
            continue  # its first bytes are sound
        with pytest.raises(ValueError, match="cannot be read") as error:
            call(folder)
        assert lost.name in str(error.value), door


@pytest.mark.parametrize("damage", ["cut", "zeros"])
@pytest.mark.parametrize("length", [132, 140, 150, 165, 180, 220, 300])
@pytest.mark.parametrize("bare_length", [False, True])
def test_a_dicom_file_that_ends_in_its_meta_header(tmp_path, damage, length, bare_length):
    _series(tmp_path / "study" / "scan", "IM{:04d}")
    lost = tmp_path / "study" / "scan" / "IM0003"
    content = lost.read_bytes()
    if bare_length:  # the length of the meta header is left out
        content = content[:132] + content[144:]
    rest = bytes(len(content) - length) if damage == "zeros" else b""
    lost.write_bytes(content[:length] + rest)
    with pytest.raises(VolumeError, match="IM0003"):
        read_volume(lost.parent)
    if not bare_length and length < 300:
        with pytest.raises(VolumeError, match="IM0003"):
            find_volumes(lost.parent.parent)


def _network(tmp_path):
    return keras.Sequential([keras.Input((8, 9, 1)), keras.layers.Identity()])


def _fit(paths):
    return Preprocessing([MinMax()], Slices()).fit(paths, verbose=0)


OF_A_STUDY = {
    "find_volumes(folder)": lambda folder: find_volumes(folder),
    "find_volumes(pattern)": lambda folder: find_volumes(f"{folder}/*_T1w.nii.gz"),
    "find_volumes(deep pattern)": lambda folder: find_volumes(f"{folder.parent}/**/*.nii*"),
    "find_volumes(list)": lambda folder: find_volumes(sorted(folder.iterdir())),
    "VolumeImages": lambda folder: VolumeImages(str(folder), Preprocessing([MinMax()]), verbose=0),
    "VolumeImages(list)": lambda folder: VolumeImages(
        sorted(folder.iterdir()), Preprocessing([MinMax()]), verbose=0
    ),
    "Preprocessing.fit(folder)": _fit,
    "Preprocessing.fit(list)": lambda folder: _fit(sorted(folder.iterdir())),
    "from_volumes": lambda folder: from_volumes(
        f"{folder}/*.nii.gz", f"{folder.parent}/b/*.nii.gz", Preprocessing([MinMax()]), verbose=0
    ),
    "load_label_heads": lambda folder: load_label_heads(folder, verbose=0)[COUNT - 1],
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("door", OF_A_STUDY)
def test_a_scan_of_a_study(tmp_path, door, damage):
    folder = tmp_path / "study" / "a"
    _study(folder)
    _study(folder.parent / "b", "other-{:02d}_T2w.nii.gz")
    lost = folder / f"sub-{COUNT - 1:02d}_T1w.nii.gz"
    damage(lost)
    if damage is _cut and door.startswith("find"):
        pytest.skip("its first bytes are sound: reading tells")
    with pytest.raises(ValueError, match=lost.name):
        OF_A_STUDY[door](folder)


@pytest.mark.parametrize("damage", DAMAGES)
def test_translating_several(tmp_path, damage, capsys):
    _study(tmp_path / "a")
    lost = tmp_path / "a" / "sub-03_T1w.nii.gz"
    damage(lost)
    sources = sorted((tmp_path / "a").iterdir())
    targets = [tmp_path / f"{number}.nii.gz" for number in range(COUNT)]
    made = translate_volumes(
        _network(tmp_path),
        sources,
        targets,
        preprocessing=Preprocessing([MinMax()]),
        intensities="source",
        verbose=0,
    )
    assert [lost.name in str(one.error) for one in made] == [False] * (COUNT - 1) + [True]
    if damage is not _cut:
        for source in (f"{tmp_path}/a", f"{tmp_path}/a/*"):
            assert _command_line.main(["translate", "no.keras", source, str(tmp_path)]) == 2
            assert lost.name in capsys.readouterr().err


@pytest.mark.parametrize("damage", [_empty, _dangling, _lfs])
def test_ixi(tmp_path, damage):
    for contrast in ("T1", "T2"):
        _study(tmp_path, "IXI{:03d}-Guys-0001-" + contrast + ".nii.gz", count=10)
    lost = tmp_path / "IXI009-Guys-0001-T2.nii.gz"
    damage(lost)
    with pytest.raises(VolumeError, match=lost.name):
        load_ixi(("t1", "t2"), data_dir=tmp_path, verbose=0)


# === Links ===


def test_links_say_how_to_fetch_what_they_point_to(tmp_path):
    _study(tmp_path / "a", count=1)
    (tmp_path / "a" / "sub-01_T1w.nii.gz").symlink_to("../.git/annex/objects/xx/MD5E-s123.nii.gz")
    for call in (
        lambda: read_volume(tmp_path / "a" / "sub-01_T1w.nii.gz"),
        lambda: find_volumes(tmp_path / "a" / "sub-01_T1w.nii.gz"),
        lambda: find_volumes(tmp_path / "a"),
    ):
        with pytest.raises(VolumeError, match=r"target .*xx/MD5E-s123.* is not there.*datalad get"):
            call()


def test_a_link_without_a_suffix_may_be_a_series(tmp_path):
    _study(tmp_path / "a", count=2)
    (tmp_path / "a" / "sub-02").symlink_to("nowhere")
    for source in (tmp_path / "a", f"{tmp_path}/a/*"):
        with pytest.raises(VolumeError, match=r"1 of the 3 files .*sub-02`: a link"):
            find_volumes(source)
    with pytest.warns(VolumeWarning, match=r"1 left out, .* 2 kept"):
        assert len(find_volumes(tmp_path / "a", unreadable="warn")) == 2


def test_a_pattern_through_a_link_to_nowhere(tmp_path):
    _study(tmp_path / "sub-01" / "anat", count=1)
    (tmp_path / "sub-02").symlink_to("nowhere")
    for pattern in ("sub-*/anat/*.nii.gz", "**/*.nii.gz", "*/*/*"):
        with pytest.raises(VolumeError, match=r"sub-02`: a link"):
            find_volumes(f"{tmp_path}/{pattern}")
    with pytest.raises(VolumeError, match=r"sub-02` is a link whose target `nowhere`"):
        read_volume(tmp_path / "sub-02" / "anat" / "t1.nii")


def test_texts_beside_scans_are_passed_over(tmp_path):
    """As before: that they were not fetched does not make scans of them."""
    _study(tmp_path / "a", count=2)
    for name in ("sub-00_T1w.json", "README.md", ".bidsignore"):
        (tmp_path / "a" / name).symlink_to("nowhere")
    (tmp_path / "a" / "CHANGES").write_bytes(b"")
    (tmp_path / "a" / "notes.txt").write_bytes(b"")
    assert len(find_volumes(tmp_path / "a")) == 2
    assert len(find_volumes(f"{tmp_path}/**/*")) == 2
    _series(tmp_path / "dicom", "IM{:04d}")
    for name in ("LOCKFILE", "._IM0001"):
        (tmp_path / "dicom" / name).write_bytes(b"")
    assert read_volume(tmp_path / "dicom").shape == (6, 7, COUNT)


COPIES = [".part", ".crdownload", ".filepart", "~", ".gpg", ".tmp", ".zip", ".bz2", ".zst"]


@pytest.mark.parametrize("end", COPIES)
def test_an_unfinished_or_packed_copy(tmp_path, end):
    _study(tmp_path / "a")
    lost = tmp_path / "a" / "sub-03_T1w.nii.gz"
    content = lost.read_bytes()
    (tmp_path / "a" / f"{lost.name}{end}").write_bytes(content)
    assert len(find_volumes(tmp_path / "a")) == COUNT  # the whole file is there, too
    lost.unlink()
    for source in (tmp_path / "a", f"{tmp_path}/a/*.nii*"):
        with pytest.raises(VolumeError, match=r"1 of the 4 .*sub-03_T1w.*an unfinished or packed"):
            find_volumes(source)
    _stack(tmp_path / "stack")
    (tmp_path / "stack" / "3.png").rename(tmp_path / "stack" / f"3.png{end}")
    for call in (read_volume, find_volumes, load_image_folder):
        with pytest.raises(ValueError, match=r"3\.png.*an unfinished or packed copy"):
            call(tmp_path / "stack")


@pytest.mark.parametrize("name", ["IM{:04d}.dcm", "IM{:04d}"])
def test_a_packed_slice_of_a_series(tmp_path, name):
    _series(tmp_path / "s" / "1", name)
    lost = tmp_path / "s" / "1" / name.format(3)
    lost.with_name(f"{lost.name}.gz").write_bytes(gzip.compress(lost.read_bytes()))
    assert read_volume(lost.parent).shape == (6, 7, COUNT)
    lost.unlink()
    for call in (read_volume, find_volumes):
        with pytest.raises(VolumeError, match=r"IM0003.*an unfinished or packed copy"):
            call(lost.parent)


def test_packed_texts_are_passed_over(tmp_path):
    _study(tmp_path / "a", count=2)
    for name in ("code.zip", "sub-00.json.gz", "notes.txt~", "events.tsv.part"):
        (tmp_path / "a" / name).write_bytes(b"something")
    assert len(find_volumes(tmp_path / "a")) == 2


ANNEX = ".git/annex/objects/xx/MD5E-s123"


@pytest.mark.parametrize("target", ["nowhere", ANNEX])
def test_what_was_not_fetched_and_is_no_scan(tmp_path, target):
    _study(tmp_path / "ds" / "sub-01" / "anat", count=2)
    for name in ("README", "CHANGES", "LICENSE"):
        (tmp_path / "ds" / name).symlink_to(target)
    for pattern in ("**/*_T1w.nii.gz", "*/*/*_T1w.nii.gz", "**/*"):
        assert len(find_volumes(f"{tmp_path}/ds/{pattern}")) == 2
    _study(tmp_path / "flat", count=2)
    _stack(tmp_path / "stack")
    others = ["code", "x.zip", "x.tar", "Thumbs.db", "x.jpg", "x.gif", "x.bvals", "x.toml", "x.cfg"]
    for folder in ("flat", "stack"):
        for name in others:
            (tmp_path / folder / name).symlink_to(target)
    assert len(find_volumes(tmp_path / "flat")) == len(find_volumes(f"{tmp_path}/flat/*")) == 2
    assert find_volumes(tmp_path / "stack") == [str(tmp_path / "stack")]
    assert len(load_image_folder(tmp_path / "stack")) == COUNT


def test_a_file_of_git_annex_is_no_folder_to_go_through(tmp_path):
    _study(tmp_path / "ds" / "sub-01", count=2)
    (tmp_path / "ds" / "participants").symlink_to(ANNEX)
    assert len(find_volumes(f"{tmp_path}/ds/**/*_T1w.nii.gz")) == 2


def test_the_image_of_a_pair(tmp_path):
    data = np.random.default_rng(0).integers(0, 99, (8, 9, 3)).astype("int16")
    nibabel.save(nibabel.Nifti1Pair(data, np.eye(4)), tmp_path / "t1.hdr")
    (tmp_path / "t1.img").unlink()
    (tmp_path / "t1.img").symlink_to("nowhere")
    for call in (read_volume, find_volumes):
        with pytest.raises(VolumeError, match=r"t1\.img.*nowhere"):
            call(tmp_path / "t1.hdr")


# === Left out on request ===


def test_left_out_on_request(tmp_path):
    _study(tmp_path / "a", count=8)
    _study(tmp_path / "b", "other-{:02d}.nii.gz")
    lost = sorted((tmp_path / "a").iterdir())[:7]
    for damage, path in zip(DAMAGES, lost, strict=False):
        damage(path)
    kept = [str(tmp_path / "a" / "sub-07_T1w.nii.gz")]
    for source in (tmp_path / "a", f"{tmp_path}/a/*", sorted((tmp_path / "a").iterdir())):
        with pytest.warns(VolumeWarning) as caught:
            assert find_volumes(source, unreadable="warn") == kept
        assert len(caught) == 1
        assert all(path.name in str(caught[0].message) for path in lost)
        assert caught[0].filename == __file__
    for a in (f"{tmp_path}/a", sorted((tmp_path / "a").iterdir())):
        with pytest.warns(VolumeWarning, match="7 left out"):
            made = from_volumes(
                a, f"{tmp_path}/b", Preprocessing([MinMax()]), unreadable="warn", verbose=0
            )
        assert made.a.scans == tuple(kept)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(find_volumes(tmp_path / "b", unreadable="warn")) == COUNT


def test_a_series_is_left_out_as_a_whole(tmp_path):
    for name in ("one", "two"):
        _series(tmp_path / name, "IM{:04d}.dcm")
    _empty(tmp_path / "two" / "IM0003.dcm")
    with pytest.warns(VolumeWarning, match=r"two`: 1 of the 4 .*IM0003"):
        assert find_volumes(tmp_path, unreadable="warn") == [str(tmp_path / "one")]
    with pytest.raises(VolumeError, match="IM0003"):
        find_volumes(tmp_path / "two", unreadable="warn")


def test_pictures_are_left_out_on_request(tmp_path):
    _stack(tmp_path / "s")
    _cut(tmp_path / "s" / "3.png")
    (tmp_path / "s" / "4.png").symlink_to("nowhere")
    with pytest.warns(VolumeWarning, match=r"2 of 5 images left out") as caught:
        images = load_image_folder(tmp_path / "s", unreadable="warn")
    assert len(images) == 3
    assert caught[0].filename == __file__
    with pytest.raises(ValueError, match="none of 1 images"):
        load_image_folder(tmp_path / "s", pattern="4*", unreadable="warn")


def test_a_pattern_for_a_path(tmp_path):
    _study(tmp_path / "a", count=2)
    for call in (read_volume, lambda path: find_volumes([path])):
        with pytest.raises(VolumeError, match=r"pattern.*`find_volumes\(pattern\)`"):
            call(f"{tmp_path}/a/*_T1w.nii.gz")


@pytest.mark.parametrize("call", [find_volumes, load_image_folder])
def test_the_argument(tmp_path, call):
    with pytest.raises(ValueError, match="`unreadable`"):
        call(tmp_path, unreadable="skip")


# === DICOM without its preamble ===


@pytest.mark.parametrize("name", ["IM{:04d}.dcm", "IM{:04d}"])
def test_files_without_a_preamble_are_told_apart_from_no_dicom(tmp_path, name):
    _series(tmp_path / "s", name)
    for path in (tmp_path / "s").iterdir():
        content = path.read_bytes()
        group = int.from_bytes(content[140:144], "little")
        path.write_bytes(content[144 + group :])
    for call in (read_volume, find_volumes):
        with pytest.raises(VolumeError, match=r"IM0000.*not a DICOM file.*force=True"):
            call(tmp_path / "s")


def test_raw_data_are_not_taken_for_dicom(tmp_path):
    _study(tmp_path / "a", count=2)
    np.array([2, 4, 8, 4, 5, 6]).astype("<i4").tofile(tmp_path / "a" / "sizes.bin")
    np.array([2, 4, 8, 4, 5, 6]).astype("<i4").tofile(tmp_path / "a" / "sizes")
    assert len(find_volumes(tmp_path / "a")) == 2


def test_an_empty_folder_among_series(tmp_path):
    for name in ("p1/t1", "p2/t1"):
        _series(tmp_path / name, "IM{:04d}")
    (tmp_path / "p3" / "t1").mkdir(parents=True)
    (tmp_path / "p2" / "logs").mkdir()
    with pytest.raises(VolumeError, match=r"1 of the 3 .*p3/t1`: an empty folder"):
        find_volumes(f"{tmp_path}/*/t1")
    _series(tmp_path / "s" / "1", "IM{:04d}")
    (tmp_path / "s" / "2").mkdir()
    with pytest.raises(VolumeError, match=r"1 of the 2 .*s/2`: an empty folder"):
        find_volumes(tmp_path / "s")
    with pytest.warns(VolumeWarning, match=r"s/2`: an empty folder"):
        assert len(find_volumes(f"{tmp_path}/s/*", unreadable="warn")) == 1
    assert find_volumes(tmp_path / "p2") == [str(tmp_path / "p2" / "t1")]


@pytest.mark.parametrize("damage", [_empty, _zeros, _lfs])
def test_a_series_of_which_nothing_is_left(tmp_path, damage):
    for name in ("1", "2", "3"):
        _series(tmp_path / "s" / name, "IM{:04d}")
    for path in (tmp_path / "s" / "3").iterdir():
        damage(path)
    (tmp_path / "s" / "logs").mkdir()
    (tmp_path / "s" / "logs" / "0").write_bytes(b"")
    for source in (tmp_path / "s", f"{tmp_path}/s/*"):
        with pytest.raises(VolumeError, match=r"1 of the 3 .*s/3`: a folder of .*IM0000`: "):
            find_volumes(source)
    with pytest.warns(VolumeWarning, match=r"1 left out, .* 2 kept"):
        assert len(find_volumes(tmp_path / "s", unreadable="warn")) == 2
    (tmp_path / "s" / "3" / "IM0000").write_text("Notes, which are sound.")
    assert len(find_volumes(tmp_path / "s")) == 2


def test_a_folder_that_may_not_be_listed(tmp_path, monkeypatch):
    for name in ("p1", "p2"):
        _study(tmp_path / name, count=1)
    access = os.access  # root may list every folder, so no folder's mode would do
    monkeypatch.setattr(
        os, "access", lambda path, mode: "p2" not in str(path) and access(path, mode)
    )
    with pytest.raises(VolumeError, match=r"p2`: a folder that may not be listed"):
        find_volumes(f"{tmp_path}/p*/*.nii.gz")
