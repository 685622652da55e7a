"""The loader of label maps, against a server on this machine that serves small heads."""

import gzip
import pathlib
import shutil

import nibabel
import numpy as np
import pytest
from label_heads import ball_volume

from keras_mri_cyclegan.datasets import load_label_heads
from keras_mri_cyclegan.datasets.label_heads import LICENCE, LabelHeads
from keras_mri_cyclegan.datasets.label_heads.load_label_heads import BASE_URL, NAMES
from keras_mri_cyclegan.simulation import LabelHead, draw_head_maps
from keras_mri_cyclegan.volumes import VolumeError

LABEL_MAPS = pathlib.Path(__file__).parents[2] / ".." / "shared" / "data" / "labels"


def nifti(labels, affine=None):
    return nibabel.Nifti1Image(labels, np.eye(4) if affine is None else affine).to_bytes()


def file_of(volume):
    return gzip.compress(nifti(volume.array.astype("uint16"), volume.affine), 1, mtime=0)


@pytest.fixture(scope="session")
def files():
    """20 heads of different sizes, so that none is taken for another."""
    return {name: file_of(ball_volume(24.0, 96.0 + 24 * k)) for k, name in enumerate(NAMES)}


def load(server, cache, **kwargs):
    return load_label_heads(**{"cache_dir": cache, "base_url": server.url, "verbose": 0} | kwargs)


def kept(cache):
    folder = cache / "datasets" / "synthseg"
    return sorted(one.name for one in folder.iterdir()) if folder.exists() else []


def folder_of(path, files):
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / name).write_bytes(content)
    return path


# --- download ---------------------------------------------------------------------------------


def test_names_and_address():
    assert (NAMES[0], NAMES[9], NAMES[19], len(NAMES)) == (
        "training_seg_01.nii.gz",
        "training_seg_10.nii.gz",
        "training_seg_20.nii.gz",
        20,
    )
    owner, repository, commit, *folder = BASE_URL.removeprefix(
        "https://raw.githubusercontent.com/"
    ).split("/")
    assert (owner, repository, folder) == ("BBillot", "SynthSeg", ["data", "training_label_maps"])
    assert len(commit) == 40  # not a branch, which may change


def test_downloads_once_and_reads_each_head(serve, files, tmp_path, capsys):
    server = serve(files)
    heads = load(server, tmp_path, verbose=1)
    printed = capsys.readouterr().out
    assert printed.count(LICENCE) == 1
    assert "Apache License 2.0" in heads.licence == LICENCE
    assert server.asked == [(name, None) for name in NAMES]
    assert kept(tmp_path) == sorted(NAMES)
    assert len(heads) == 20
    assert repr(heads) == "<LabelHeads: 20 files>"
    for k in (0, 13):
        expected = LabelHead(ball_volume(24.0, 96.0 + 24 * k), "synthseg")
        np.testing.assert_array_equal(heads[k].tissues, expected.tissues)
        np.testing.assert_array_equal(heads[k].affine, expected.affine)

    server.stop()
    assert load(server, tmp_path).paths == heads.paths
    assert capsys.readouterr().out == ""


def test_only_what_is_missing_is_downloaded(serve, files, tmp_path):
    folder_of(tmp_path / "datasets" / "synthseg", dict(list(files.items())[:18]))
    server = serve(files)
    load(server, tmp_path)
    assert server.asked == [(name, None) for name in NAMES[18:]]


def test_goes_on_where_the_connection_broke(serve, files, tmp_path):
    server = serve(files, cuts=[100])
    load(server, tmp_path)
    assert server.asked[:3] == [(NAMES[0], None), (NAMES[0], "bytes=100-"), (NAMES[1], None)]
    saved = tmp_path / "datasets" / "synthseg" / NAMES[0]
    assert saved.read_bytes() == files[NAMES[0]]


def test_next_call_goes_on_where_the_last_stopped(serve, files, tmp_path):
    server = serve(files, cuts=[10**6, 100, 0])
    with pytest.raises(ConnectionError, match="100 bytes are kept"):
        load(server, tmp_path)
    assert kept(tmp_path) == [f"part_of_{NAMES[1]}", NAMES[0]]
    server = serve(files)
    load(server, tmp_path)
    assert server.asked[0] == (NAMES[1], "bytes=100-")
    assert kept(tmp_path) == sorted(NAMES)


def flipped(content):
    """The same file with one bit changed in the middle of what is compressed."""
    changed = bytearray(content)
    changed[len(content) // 2] ^= 1
    return bytes(changed)


def scan(values):
    return gzip.compress(nifti(np.arange(64).reshape(4, 4, 4).astype(values.dtype) + values))


OTHER = {
    "a page": (lambda _: b"<html>404</html>", ""),
    "a damaged file": (flipped, ""),
    "a scan": (lambda _: scan(np.int16(90)), "found values such as 90"),
    "no whole numbers": (lambda _: scan(np.float32(0.5)), "found values such as 0.5"),
    "air": (lambda _: gzip.compress(nifti(np.zeros((4, 4, 4), "uint8"))), "the same value, 0"),
}


@pytest.mark.parametrize("case", OTHER)
def test_another_file_is_refused_and_deleted(serve, files, tmp_path, case):
    change, message = OTHER[case]
    server = serve({**files, NAMES[2]: change(files[NAMES[2]])})
    match = (
        rf"/files/{NAMES[2]}` is not the label map of a head: {message}.*deleted\. Run this again"
    )
    with pytest.raises(ValueError, match=match):
        load(server, tmp_path)
    assert kept(tmp_path) == sorted(NAMES[:2])
    load(serve(files), tmp_path)
    assert kept(tmp_path) == sorted(NAMES)


@pytest.mark.parametrize("status", [404, 503, None])
def test_no_server(serve, files, tmp_path, status):
    server = serve(files, status=status)
    if status is None:
        server.stop()
    match = r"training_seg_01.*put a copy.*a folder of label maps as `data_dir=`"
    with pytest.raises(ConnectionError, match=match):
        load(server, tmp_path)
    assert kept(tmp_path) == []


def test_full_disk_is_noticed_before(serve, files, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(OSError, match=r"GB free.*another `cache_dir`"):
        load(serve(files), tmp_path)
    assert kept(tmp_path) == []


def test_cache_without_permission(serve, files, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(ValueError, match=r"cache_dir.*cannot be written to"):
        load(serve(files), tmp_path)


def test_default_cache_is_that_of_keras(serve, files, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # nothing of this goes to the user's
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    load(serve(files), None)
    assert kept(tmp_path) == sorted(NAMES)


def test_damage_in_the_cache_is_found_when_the_head_is_read(serve, files, tmp_path):
    heads = load(serve(files), tmp_path)
    path = tmp_path / "datasets" / "synthseg" / NAMES[4]
    path.write_bytes(flipped(path.read_bytes()))
    assert load(serve({}), tmp_path)[3].names == heads[3].names
    with pytest.raises(VolumeError, match="training_seg_05"):
        heads[4]


# --- data_dir ---------------------------------------------------------------------------------


def test_own_folder_and_table(tmp_path, capsys):
    labels = np.zeros((20, 20, 20), "uint8")
    labels[2:18, 2:18, 2:18] = 7
    own = {f"sub-{k}.nii": nifti(labels, np.diag([8, 8, 8, 1])) for k in (10, 9)}
    folder = folder_of(tmp_path / "own", own)
    (folder / "notes.txt").write_text("")
    heads = load_label_heads(folder, table={7: "grey_matter"})
    assert capsys.readouterr().out == "Label maps found: 2.\n"
    assert [pathlib.Path(path).name for path in heads.paths] == ["sub-9.nii", "sub-10.nii"]
    assert heads.licence == ""
    assert [head.names for head in heads] == [("grey_matter",)] * 2
    chosen = load_label_heads(f"{folder}/sub-1*.nii", {7: "csf"}, verbose=0)
    assert (len(chosen), chosen[0].names) == (1, ("csf",))
    assert load_label_heads(heads.paths, {7: "csf"}, verbose=0).paths == heads.paths


def test_heads_for_maps_one_at_a_time(files, tmp_path):
    folder = folder_of(tmp_path / "own", dict(list(files.items())[:3]))
    heads = load_label_heads(folder, verbose=0)
    maps = draw_head_maps(heads[:2], count=2, size=32, pixel=8)
    assert maps.heads.tolist() == [0, 0, 1, 1]
    together = draw_head_maps([heads[0], heads[1]], count=2, size=32, pixel=8)
    np.testing.assert_array_equal(maps.maps, together.maps)


def test_fat_depth_reaches_the_heads(files, tmp_path):
    folder = folder_of(tmp_path / "own", {NAMES[0]: file_of(ball_volume(4.0))})
    thin, thick = (load_label_heads(folder, fat_depth=d, verbose=0)[:][0] for d in (0, 20))
    assert "fat" in thick.names
    assert (thin.tissues != thick.tissues).sum() > 1000


def test_unknown_label_names_the_file(files, tmp_path):
    folder = folder_of(tmp_path / "own", dict(list(files.items())[:2]))
    heads = load_label_heads(folder, table="freesurfer", verbose=0)
    with pytest.raises(VolumeError, match=r"training_seg_02.*does not have: \[50"):
        heads[1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"table": "synth"}, "`table` must be one of"),
        ({"fat_depth": -1}, "`fat_depth`"),
        ({"base_url": "file:///tmp"}, "`base_url` must start with http"),
        ({"data_dir": "nowhere"}, "`data_dir`.*nowhere.*no such file"),
        ({"data_dir": []}, "`data_dir`.*at least one"),
    ],
)
def test_wrong_arguments(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        load_label_heads(cache_dir=tmp_path, **wrong)


def test_empty_folder(tmp_path):
    with pytest.raises(ValueError, match=r"`data_dir`.*holds no scan"):
        load_label_heads(tmp_path)


def test_index_out_of_range():
    heads = LabelHeads(["a.nii", "b.nii"], "synthseg")
    with pytest.raises(IndexError):
        heads[2]
    assert heads[::-1].paths == ["b.nii", "a.nii"]
    assert heads[1:].licence == heads.licence


@pytest.mark.slow
@pytest.mark.skipif(
    not LABEL_MAPS.is_dir(), reason="no ../shared/data/labels beside the repository"
)
def test_label_maps_of_synthseg(serve, tmp_path):
    """As the server would hold them, but for the air around the heads."""
    files = {
        name: (LABEL_MAPS / f"head_{k:02}.nii.gz").read_bytes() for k, name in enumerate(NAMES, 1)
    }
    heads = load(serve(files), tmp_path)
    maps = draw_head_maps(heads, count=1, size=64, pixel=3.6)
    assert len(maps) == 20
    assert {"white_matter", "choroid_plexus", "skin", "marrow"} <= set(maps.tissues)
