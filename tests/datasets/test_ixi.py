"""The IXI loader against a server on this machine that serves small archives, and misbehaves."""

import gzip
import hashlib
import io
import itertools
import os
import shutil
import tarfile

import keras
import nibabel
import numpy as np
import pytest

from keras_mri_cyclegan.datasets import load_ixi
from keras_mri_cyclegan.datasets.ixi import LICENCE, patient_of
from keras_mri_cyclegan.datasets.ixi.unpack import unpack
from keras_mri_cyclegan.volumes.errors import VolumeError

SITES = ("Guys", "HH", "IOP")


def name_of(patient, contrast):
    return f"IXI{patient:03}-{SITES[patient % 3]}-{1000 + patient}-{contrast}.nii.gz"


def voxels_of(patient):
    return np.random.default_rng(patient).integers(0, 99, (4, 5, 6)).astype("int16")


def scan(patient):
    return gzip.compress(nibabel.Nifti1Image(voxels_of(patient), np.eye(4)).to_bytes(), mtime=0)


def tar_of(contrast, patients, *extra):
    """A tar archive of scans, and of extra `(TarInfo, bytes)`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for patient in patients:
            content = scan(patient)
            info = tarfile.TarInfo(name_of(patient, contrast))
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info, content in extra:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def md5(content):
    return hashlib.md5(content).hexdigest()


def member(name, kind=tarfile.REGTYPE, linkname="", content=b""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, linkname, len(content)
    return info, content


@pytest.fixture
def archives():
    t1, t2 = tar_of("T1", range(10)), tar_of("T2", range(2, 12))
    return {"IXI-T1.tar": t1, "IXI-T2.tar": t2}


def load(server, archives, cache, **kwargs):
    hashes = {"t1": md5(archives["IXI-T1.tar"]), "t2": md5(archives["IXI-T2.tar"])}
    kwargs = {"verbose": 0, "file_hashes": hashes, "base_url": server.url, **kwargs}
    return load_ixi(cache_dir=cache, **kwargs)


def folder_of(path, scans):
    path.mkdir(parents=True, exist_ok=True)
    for patient, contrast in scans:
        (path / name_of(patient, contrast)).write_bytes(b"scan")
    return path


def leftovers(cache):
    folder = cache / "datasets" / "ixi"
    return sorted(one.name for one in folder.iterdir()) if folder.exists() else []


# --- download ---------------------------------------------------------------------------------


def test_downloads_once_and_reads_back(serve, archives, tmp_path, capsys):
    server = serve(archives)
    ixi = load(server, archives, tmp_path, verbose=1)
    printed = capsys.readouterr().out
    assert printed.count(LICENCE) == 1
    assert ixi.licence == LICENCE
    assert "CC BY-SA 3.0" in LICENCE
    assert server.asked == [("IXI-T1.tar", None), ("IXI-T2.tar", None)]
    for path in [*ixi.train.a, *ixi.train.b, *ixi.test.a]:
        found = np.asarray(nibabel.load(path).dataobj)
        np.testing.assert_array_equal(found, voxels_of(int(patient_of(path)[3:])))
    assert leftovers(tmp_path) == ["IXI-T1", "IXI-T1.tar", "IXI-T2", "IXI-T2.tar"]

    server.stop()
    for name in archives:
        os.remove(tmp_path / "datasets" / "ixi" / name)
    assert load(server, archives, tmp_path) == ixi
    assert capsys.readouterr().out == ""


def test_archive_put_there_by_hand_is_not_downloaded(serve, archives, tmp_path):
    server = serve({})
    folder = tmp_path / "datasets" / "ixi"
    folder.mkdir(parents=True)
    for name, content in archives.items():
        (folder / name).write_bytes(content)
    load(server, archives, tmp_path)
    assert server.asked == []


def test_sha256_serves_as_well(serve, archives, tmp_path):
    hashes = {f"t{k}": hashlib.sha256(archives[f"IXI-T{k}.tar"]).hexdigest() for k in (1, 2)}
    load(serve(archives), archives, tmp_path, file_hashes=hashes)
    hashes["t1"] = hashes["t2"]
    with pytest.raises(ValueError, match=hashes["t2"]):
        load(serve(archives), archives, tmp_path / "other", file_hashes=hashes)


def test_goes_on_where_the_connection_broke(serve, archives, tmp_path):
    server = serve(archives, cuts=[1000, 500])
    load(server, archives, tmp_path)
    assert server.asked[:3] == [
        ("IXI-T1.tar", None),
        ("IXI-T1.tar", "bytes=1000-"),
        ("IXI-T1.tar", "bytes=1500-"),
    ]
    saved = (tmp_path / "datasets" / "ixi" / "IXI-T1.tar").read_bytes()
    assert saved == archives["IXI-T1.tar"]


def test_next_call_goes_on_where_the_last_stopped(serve, archives, tmp_path):
    server = serve(archives, cuts=[1000, 0])
    with pytest.raises(ConnectionError, match=r"1000 bytes are kept in .*part_of_IXI-T1\.tar"):
        load(server, archives, tmp_path)
    assert leftovers(tmp_path) == ["part_of_IXI-T1.tar"]
    server = serve(archives)
    load(server, archives, tmp_path)
    assert server.asked[0] == ("IXI-T1.tar", "bytes=1000-")


def test_server_without_ranges_starts_again(serve, archives, tmp_path):
    server = serve(archives, ranges=False, cuts=[1000])
    load(server, archives, tmp_path)
    assert server.asked[1] == ("IXI-T1.tar", "bytes=1000-")
    saved = (tmp_path / "datasets" / "ixi" / "IXI-T1.tar").read_bytes()
    assert saved == archives["IXI-T1.tar"]


def test_server_without_ranges_that_always_breaks_is_given_up(serve, archives, tmp_path):
    server = serve(archives, ranges=False, cuts=[1000] * 99)
    with pytest.raises(ConnectionError, match="closed the connection"):
        load(server, archives, tmp_path)
    assert len(server.asked) == 2


def test_part_that_was_whole_is_taken(serve, archives, tmp_path):
    part = tmp_path / "datasets" / "ixi" / "part_of_IXI-T1.tar"
    part.parent.mkdir(parents=True)
    part.write_bytes(archives["IXI-T1.tar"])
    load(serve(archives), archives, tmp_path)
    assert not part.exists()


def test_no_length_is_no_hindrance(serve, archives, tmp_path):
    ixi = load(serve(archives, length=False), archives, tmp_path)
    assert len(ixi.train.patients) > 0
    saved = (tmp_path / "datasets" / "ixi" / "IXI-T1.tar").read_bytes()
    assert saved == archives["IXI-T1.tar"]


def test_wrong_checksum_removes_the_download_only(serve, archives, tmp_path):
    other = tmp_path / "datasets" / "ixi" / "mine.txt"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    served = {**archives, "IXI-T1.tar": archives["IXI-T1.tar"][:-1] + b"?"}
    with pytest.raises(ValueError, match=r"IXI-T1\.tar") as caught:
        load(serve(served), archives, tmp_path)
    assert md5(served["IXI-T1.tar"]) in str(caught.value)
    assert md5(archives["IXI-T1.tar"]) in str(caught.value)
    assert leftovers(tmp_path) == ["mine.txt"]


def test_part_of_another_file_is_found_out(serve, archives, tmp_path):
    part = tmp_path / "datasets" / "ixi" / "part_of_IXI-T1.tar"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"of something else")
    server = serve(archives)
    with pytest.raises(ValueError, match="Run this again"):
        load(server, archives, tmp_path)
    load(server, archives, tmp_path)


def test_wrong_archive_of_the_users_is_kept(serve, archives, tmp_path):
    archive = tmp_path / "datasets" / "ixi" / "IXI-T1.tar"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"mine")
    with pytest.raises(ValueError, match=f"{md5(b'mine')}.*{md5(archives['IXI-T1.tar'])}"):
        load(serve(archives), archives, tmp_path)
    assert archive.read_bytes() == b"mine"


@pytest.mark.parametrize("status", [404, 503, None])
def test_no_server(serve, archives, tmp_path, status):
    server = serve(archives, status=status)
    if status is None:
        server.stop()
    with pytest.raises(ConnectionError, match=r"IXI-T1\.tar.*put a copy.*`data_dir=`"):
        load(server, archives, tmp_path)
    assert leftovers(tmp_path) == []


def test_full_disk_is_noticed_before(serve, archives, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(OSError, match=r"GB free.*another `cache_dir`"):
        load(serve(archives), archives, tmp_path)
    assert leftovers(tmp_path) == []


def test_cache_that_is_a_file(serve, archives, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"cache_dir.*cannot be made"):
        load(serve(archives), archives, tmp_path / "file")


def test_cache_without_permission_is_not_tmp(serve, archives, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(ValueError, match=r"cache_dir.*cannot be written to"):
        load(serve(archives), archives, tmp_path)


def test_default_cache_is_that_of_keras(serve, archives, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # nothing of this goes to the user's
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    load(serve(archives), archives, None)
    assert "IXI-T1" in leftovers(tmp_path)


def test_an_archive_of_gigabytes_is_hashed_once(serve, archives, tmp_path, monkeypatch):
    """D5: it was hashed once more by `keras.utils.get_file`."""
    hashed = []
    real = hashlib.file_digest

    def counted(file, *arguments):
        hashed.append(os.path.basename(file.name).removeprefix("part_of_"))
        return real(file, *arguments)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    monkeypatch.setattr(keras.utils, "get_file", None)  # it would hash for itself
    server = serve(archives)
    load(server, archives, tmp_path)
    assert sorted(hashed) == sorted(archives)


# --- unpack -----------------------------------------------------------------------------------

EVIL = {
    "parent": (member("../IXI900-HH-1900-T1.nii.gz", content=b"x"), "leaves the folder"),
    "inner parent": (member("a/../../IXI900-HH-1900-T1.nii.gz"), "leaves the folder"),
    "windows parent": (member("a\\..\\..\\IXI900-HH-1900-T1.nii.gz"), "leaves the folder"),
    "absolute": (member("/tmp/IXI900-HH-1900-T1.nii.gz"), "absolute path"),
    "drive": (member("C:\\IXI900-HH-1900-T1.nii.gz"), "absolute path"),
    "symlink": (member("IXI900-HH-1900-T1.nii.gz", tarfile.SYMTYPE, "/etc/passwd"), "is a link"),
    "hard link": (
        member("IXI900-HH-1900-T1.nii.gz", tarfile.LNKTYPE, name_of(0, "T1")),
        "is a link",
    ),
    "device": (member("IXI900-HH-1900-T1.nii.gz", tarfile.CHRTYPE), "neither a plain file"),
    "block device": (member("disk", tarfile.BLKTYPE), "neither a plain file"),
    "pipe": (member("IXI900-HH-1900-T1.nii.gz", tarfile.FIFOTYPE), "neither a plain file"),
    "twice": (member("sub/" + name_of(0, "T1"), content=b"other"), "is there twice"),
}


@pytest.mark.parametrize("case", EVIL)
def test_harmful_archive_is_refused(serve, archives, tmp_path, case):
    extra, reason = EVIL[case]
    archives["IXI-T1.tar"] = tar_of("T1", range(10), extra)
    cache = tmp_path / "cache"
    with pytest.raises(VolumeError, match=reason) as caught:
        load(serve(archives), archives, cache)
    assert "IXI-T1.tar" in str(caught.value)
    assert "Nothing was unpacked" in str(caught.value)
    assert leftovers(cache) == ["IXI-T1.tar"]
    assert [one.name for one in tmp_path.rglob("*IXI9*")] == []


def test_sparse_file_that_claims_gigabytes_is_refused(tmp_path):
    """A sparse file of the GNU format claims 4 GiB in a header of 512 bytes, and has no content."""
    header = bytearray(member("IXI900-HH-1900-T1.nii.gz", tarfile.GNUTYPE_SPARSE)[0].tobuf())
    header[483:495] = b"%011o\0" % 2**32
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    archive = tmp_path / "IXI-T1.tar"
    archive.write_bytes(bytes(header) + bytes(1024))
    with pytest.raises(VolumeError, match="neither a plain file"):
        unpack(archive, tmp_path / "IXI-T1", "t1")


def test_file_that_claims_more_than_the_archive_has_is_refused(tmp_path):
    info = tarfile.TarInfo("IXI900-HH-1900-T1.nii.gz")
    info.size = 2**40
    archive = tmp_path / "IXI-T1.tar"
    archive.write_bytes(info.tobuf() + bytes(1024))
    with pytest.raises(VolumeError, match=r"cannot be read|brings the content to 1099511627776"):
        unpack(archive, tmp_path / "IXI-T1", "t1")


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 99], ids=["empty", "text"])
def test_no_archive(tmp_path, content):
    archive = tmp_path / "IXI-T1.tar"
    archive.write_bytes(content)
    with pytest.raises(VolumeError, match="cannot be read as an uncompressed tar"):
        unpack(archive, tmp_path / "IXI-T1", "t1")
    assert not (tmp_path / "IXI-T1").exists()


def test_truncated_archive(tmp_path):
    archive = tmp_path / "IXI-T1.tar"
    archive.write_bytes(tar_of("T1", range(9))[: 512 * 3 + 100])
    with pytest.raises(VolumeError, match=r"cannot be read|brings the content"):
        unpack(archive, tmp_path / "IXI-T1", "t1")
    assert [one.name for one in tmp_path.iterdir()] == ["IXI-T1.tar"]


def test_other_files_and_folders_are_passed_over(tmp_path):
    folder = member("IXI-T1", tarfile.DIRTYPE)
    inner = member("./IXI-T1/IXI900-HH-1900-T1.nii.gz", content=b"inner")
    archive = tmp_path / "IXI-T1.tar"
    extras = [folder, inner, member("README", content=b"x"), member(name_of(1, "T2"))]
    archive.write_bytes(tar_of("T1", [1], *extras))
    unpack(archive, tmp_path / "out", "t1")
    found = sorted(one.name for one in (tmp_path / "out").iterdir())
    assert found == [name_of(1, "T1"), "IXI900-HH-1900-T1.nii.gz"]
    assert (tmp_path / "out" / found[1]).read_bytes() == b"inner"


def test_archive_of_another_contrast(tmp_path):
    archive = tmp_path / "IXI-T1.tar"
    archive.write_bytes(tar_of("T2", range(3)))
    with pytest.raises(VolumeError, match="no scan in T1"):
        unpack(archive, tmp_path / "IXI-T1", "t1")


def test_interrupted_unpacking_is_not_taken_for_complete(serve, archives, tmp_path, monkeypatch):
    server = serve(archives)
    calls = []

    def copy(source, target):
        calls.append(target)
        target.write(b"half")
        if len(calls) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfileobj", copy)
        with pytest.raises(KeyboardInterrupt):
            load(server, archives, tmp_path)
    assert leftovers(tmp_path) == ["IXI-T1.tar"]
    # What a process that was killed leaves behind.
    killed = tmp_path / "datasets" / "ixi" / "IXI-T1.unpacking"
    killed.mkdir()
    (killed / name_of(0, "T1")).write_bytes(b"half")

    ixi = load(server, archives, tmp_path)
    assert len(server.asked) == 2
    assert not killed.exists()
    unpacked = tmp_path / "datasets" / "ixi" / "IXI-T1"
    assert {one.name for one in unpacked.iterdir()} == {name_of(k, "T1") for k in range(10)}
    assert (unpacked / name_of(0, "T1")).read_bytes() == scan(0)
    assert ixi.train.a


# --- data_dir ---------------------------------------------------------------------------------


def test_flat_folder_and_sub_folders_give_the_same(tmp_path):
    t1, t2 = [(k, "T1") for k in range(9)], [(k, "T2") for k in range(9)]
    flat = folder_of(tmp_path / "flat", t1 + t2)
    (flat / "._IXI001-HH-1001-T1.nii.gz").write_bytes(b"")  # as macOS leaves them
    (flat / "notes.txt").write_text("")
    nested = tmp_path / "nested"
    folder_of(nested / "IXI-T1", t1)
    folder_of(nested / "IXI-T2", t2)
    one, other = (load_ixi(data_dir=path, verbose=0) for path in (flat, nested))
    for part in ("train", "validation", "test"):
        for domain in "ab":
            first, second = (getattr(getattr(ixi, part), domain) for ixi in (one, other))
            assert [os.path.basename(p) for p in first] == [os.path.basename(p) for p in second]
            assert all(isinstance(path, str) and os.path.isfile(path) for path in second)


def test_uncompressed_scans_are_found(tmp_path):
    for k in range(4):
        for contrast in ("T1", "T2"):
            (tmp_path / name_of(k, contrast)[: -len(".gz")]).write_bytes(b"scan")
    assert len(load_ixi(data_dir=tmp_path, verbose=0).test.a) == 1


def test_missing_contrast_is_counted(tmp_path):
    folder = folder_of(tmp_path / "x", [(k, "T1") for k in range(7)])
    with pytest.raises(ValueError, match=r"7 scans in T1 and 0 in T2.*data_dir"):
        load_ixi(data_dir=folder, verbose=0)
    with pytest.raises(ValueError, match=r"0 scans in PD and 0 in T2"):
        load_ixi(("pd", "t2"), data_dir=folder, verbose=0)


def test_folder_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        load_ixi(data_dir=tmp_path / "nowhere", verbose=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        load_ixi(data_dir=tmp_path / "file", verbose=0)


def test_two_copies_of_a_scan(tmp_path):
    folder = folder_of(tmp_path, [(k, c) for k in range(5) for c in ("T1", "T2")])
    folder_of(tmp_path / "copy", [(3, "T2")])
    with pytest.raises(ValueError, match="the same scan as"):
        load_ixi(data_dir=folder, verbose=0)


def test_emptied_cache_says_what_to_do(serve, archives, tmp_path):
    (tmp_path / "datasets" / "ixi" / "IXI-T2").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"IXI-T2.*10 scans in T1 and 0 in T2.*Delete this folder"):
        load(serve(archives), archives, tmp_path)


# --- split ------------------------------------------------------------------------------------


def ids(paths):
    return [patient_of(path) for path in paths]


@pytest.fixture
def hundred(tmp_path):
    """Patients 0 to 99 with T1, 10 to 119 with T2: 90 with both."""
    return folder_of(
        tmp_path / "ixi", [(k, "T1") for k in range(100)] + [(k, "T2") for k in range(10, 120)]
    )


@pytest.mark.parametrize("seed", [0, 1, 2**70])
def test_unpaired_split(hundred, seed):
    ixi = load_ixi(data_dir=hundred, validation=0.2, test=0.1, seed=seed, verbose=0)
    train_a, train_b = set(ids(ixi.train.a)), set(ids(ixi.train.b))
    validation, test = set(ids(ixi.validation.a)), set(ids(ixi.test.a))
    assert (len(validation), len(test)) == (18, 9)
    sets = [train_a, train_b, validation, test]
    assert sum(map(len, sets)) == len(set.union(*sets)) == 120  # disjoint, and all of them
    assert abs(len(train_a) - len(train_b)) <= 1
    for part in (ixi.validation, ixi.test):
        assert ids(part.a) == ids(part.b) == sorted(ids(part.a))
    for part in (ixi.train, ixi.validation, ixi.test):
        assert all("-T1." in path for path in part.a)
        assert all("-T2." in path for path in part.b)
    assert ixi.train.patients == sorted(train_a | train_b)
    assert repr(ixi.test) == "Split(a=<9 files>, b=<9 files>)"


def test_paired_split(hundred):
    ixi = load_ixi(data_dir=hundred, unpaired=False, verbose=0)
    assert ids(ixi.train.a) == ids(ixi.train.b)
    parts = [ixi.train.patients, ixi.validation.patients, ixi.test.patients]
    assert [len(part) for part in parts] == [72, 9, 9]
    assert sorted(itertools.chain(*parts)) == [f"IXI{k:03}" for k in range(10, 100)]
    unpaired = load_ixi(data_dir=hundred, verbose=0)
    assert (ixi.validation, ixi.test) == (unpaired.validation, unpaired.test)


def test_seed_decides(hundred):
    def patients(seed):
        return load_ixi(data_dir=hundred, seed=seed, verbose=0).test.patients

    assert patients(0) == patients(0) != patients(1)
    # The same on every machine and with every version of NumPy: SHA-256 of "0/IXI010" and so on.
    digests = {f"IXI{k:03}": hashlib.sha256(b"0/IXI%03d" % k).hexdigest() for k in range(10, 100)}
    assert patients(0) == sorted(sorted(digests, key=digests.get)[:9])
    assert patients(0)[:3] == ["IXI010", "IXI016", "IXI027"]


def test_a_patient_more_does_not_shuffle_the_others(hundred):
    before = load_ixi(data_dir=hundred, verbose=0)
    folder_of(hundred, [(200, "T1"), (200, "T2")])
    after = load_ixi(data_dir=hundred, verbose=0)
    assert len(set(before.test.patients) & set(after.test.patients)) >= 8
    assert len(set(before.train.patients) & set(after.test.patients)) == 0


def test_contrasts_in_the_other_order(hundred):
    forth = load_ixi(("t1", "t2"), data_dir=hundred, verbose=0)
    back = load_ixi(("t2", "t1"), data_dir=hundred, verbose=0)
    assert (forth.test.a, forth.test.b) == (back.test.b, back.test.a)
    assert back.contrasts == ("t2", "t1")


def test_all_examinations_of_a_patient_stay_together(tmp_path):
    for k in range(20):
        for visit in (1, 2):
            for contrast in ("T1", "T2"):
                (tmp_path / f"IXI{k:03}-HH-{visit}{k:03}-{contrast}.nii.gz").write_bytes(b"scan")
    ixi = load_ixi(data_dir=tmp_path, verbose=0)
    assert len(ixi.test.a) == len(ixi.test.b) == 4
    for first, second in zip(ixi.test.a, ixi.test.b, strict=True):
        assert first.replace("-T1.", "-T2.") == second
    assert not set(ids(ixi.train.a)) & set(ids(ixi.train.b))
    assert not set(ixi.train.patients) & {*ixi.validation.patients, *ixi.test.patients}


def test_sites(hundred):
    ixi = load_ixi(data_dir=hundred, sites="HH", verbose=0)
    paths = [path for part in (ixi.train, ixi.validation, ixi.test) for path in part.a + part.b]
    assert all("-HH-" in path for path in paths)
    assert len(set(ids(paths))) == 40
    both = load_ixi(data_dir=hundred, sites=("Guys", "IOP"), verbose=0)
    assert not any("-HH-" in path for path in both.train.a)


def test_nothing_to_validate_and_test(hundred):
    ixi = load_ixi(data_dir=hundred, validation=0, test=0.0, verbose=0)
    assert (ixi.validation.a, ixi.test.b) == ([], [])
    assert len(ixi.train.patients) == 120


def test_too_few_patients(tmp_path):
    folder = folder_of(tmp_path, [(k, c) for k in range(3) for c in ("T1", "T2")])
    with pytest.raises(ValueError, match="3 patients with both contrasts"):
        load_ixi(data_dir=folder, verbose=0)  # one to train on, who cannot be in both halves
    ixi = load_ixi(data_dir=folder, unpaired=False, verbose=0)
    assert [len(part.a) for part in (ixi.train, ixi.validation, ixi.test)] == [1, 1, 1]


def test_no_patient_with_both_contrasts(tmp_path):
    folder = folder_of(tmp_path, [(1, "T1"), (2, "T1"), (3, "T2")])
    with pytest.raises(ValueError, match="0 patients with both"):
        load_ixi(data_dir=folder, verbose=0)
    ixi = load_ixi(data_dir=folder, validation=0, test=0, verbose=0)
    assert (ids(ixi.train.a), ids(ixi.train.b)) == (["IXI001", "IXI002"], ["IXI003"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"contrasts": "t1"}, "`contrasts` must be two"),
        ({"contrasts": ("t1",)}, "`contrasts` must be two"),
        ({"contrasts": ("t1", "T2")}, "'T2'"),
        ({"contrasts": ("t1", "t1")}, "two different"),
        ({"validation": 1.0}, "`validation`"),
        ({"test": -0.1}, "`test`"),
        ({"validation": 0.5, "test": 0.5}, "must be below 1"),
        ({"seed": -1}, "`seed`"),
        ({"seed": 0.5}, "`seed`"),
        ({"sites": "hh"}, "`sites`"),
        ({"sites": ()}, "`sites`"),
        ({"base_url": "file:///tmp"}, "`base_url` must start with http"),
        ({"file_hashes": {"t1": "abc"}}, "32 hexadecimal digits"),
        ({"file_hashes": {"t3": "0" * 32}}, "`file_hashes`"),
    ],
)
def test_wrong_arguments(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        load_ixi(cache_dir=tmp_path, **wrong)
    assert leftovers(tmp_path) == []


def test_names():
    assert patient_of("/data/IXI662-Guys-1120-MRA.nii.gz") == "IXI662"
    with pytest.raises(ValueError, match="`IXI002-Guys-0828-T1`"):
        patient_of("IXI002-Guys-0828-T1")
