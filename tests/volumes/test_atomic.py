"""Files that appear whole or not at all."""

import errno
import os
import stat

import pytest

from keras_mri_cyclegan.volumes import VolumeError, VolumeWarning, atomic


def put(path, text):
    with atomic.replacing(path) as temporary, open(temporary, "w") as file:
        file.write(text)


def put_all(paths):
    with atomic.replacing_all(paths) as temporaries:
        for temporary in temporaries:
            with open(temporary, "w") as file:
                file.write("new")


def put_folder(path, text, **kwargs):
    with atomic.replacing_folder(path, **kwargs) as temporary:
        os.mkdir(os.path.join(temporary, "inner"))
        with open(os.path.join(temporary, "inner", "1.txt"), "w") as file:
            file.write(text)


def failing(code):
    def fail(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    return fail


def fail_after(function, *args):
    function(*args)
    raise RuntimeError


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_new_and_replaced(tmp_path):
    path = tmp_path / "t2.nii.gz"
    for text in ("first", "second"):
        put(path, text)
        assert path.read_text() == text
    assert everything(tmp_path) == ["t2.nii.gz"]


def test_temporary_is_hidden_beside_and_alike(tmp_path):
    with atomic.replacing(tmp_path / "sub-01.t2.nii.gz") as temporary:
        folder, name = os.path.split(temporary)
        assert folder == str(tmp_path)
        assert name.startswith(".")
        assert name.endswith(".nii.gz")
        assert not (tmp_path / "sub-01.t2.nii.gz").exists()


def test_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put("note.txt", "here")
    put_folder("series", "there")
    assert everything(tmp_path) == ["note.txt", "series", "series/inner", "series/inner/1.txt"]


def test_long_name(tmp_path):
    put(tmp_path / ("n" * 251 + ".nii"), "fits")
    with pytest.raises(VolumeError, match="shorter name"):
        put(tmp_path / ("n" * 300 + ".nii"), "does not")
    assert len(everything(tmp_path)) == 1


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_permissions_are_those_of_any_new_file(tmp_path, mask):
    before = os.umask(mask)
    try:
        put(tmp_path / "ours", "")
        (tmp_path / "plain").touch()
        put_folder(tmp_path / "our_folder", "")
        (tmp_path / "plain_folder").mkdir()
    finally:
        os.umask(before)

    def mode(name):
        return stat.S_IMODE((tmp_path / name).stat().st_mode)

    assert mode("ours") == mode("plain")
    assert mode("our_folder") == mode("plain_folder")


def test_symbolic_link_is_replaced_and_its_target_is_left(tmp_path):
    (tmp_path / "raw").write_text("original")
    (tmp_path / "link").symlink_to(tmp_path / "raw")
    put(tmp_path / "link", "new")
    assert (tmp_path / "raw").read_text() == "original"
    assert (tmp_path / "link").read_text() == "new"
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
@pytest.mark.parametrize("replacing", [atomic.replacing, atomic.replacing_folder])
def test_any_exception_leaves_nothing(tmp_path, error, replacing):
    with pytest.raises(error), replacing(tmp_path / "t2"):
        raise error
    assert everything(tmp_path) == []


def test_old_file_stays_when_writing_fails(tmp_path):
    path = tmp_path / "t2.nii"
    path.write_text("old")
    with (
        pytest.raises(RuntimeError),
        atomic.replacing(path) as temporary,
        open(temporary, "w") as file,
    ):
        fail_after(file.write, "half")
    assert path.read_text() == "old"
    assert everything(tmp_path) == ["t2.nii"]


@pytest.mark.parametrize(
    ("function", "code", "words"),
    [
        ("fsync", errno.ENOSPC, "disk is full"),
        ("open", errno.EACCES, "may write"),
        ("open", errno.EROFS, "read-only"),
        ("replace", errno.EPERM, "may write"),
        ("fsync", errno.EIO, "can be written"),
    ],
)
def test_system_errors_name_the_file(tmp_path, monkeypatch, function, code, words):
    path = tmp_path / "t2.nii"
    path.write_text("old")
    with monkeypatch.context() as patch:
        patch.setattr(os, function, failing(code))
        with pytest.raises(VolumeError) as caught:
            put(path, "new")
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert os.strerror(code) in str(caught.value)
    assert path.read_text() == "old"
    assert everything(tmp_path) == ["t2.nii"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_no_permission(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(VolumeError, match="may write"):
            put(tmp_path / "t2.nii", "new")
    finally:
        tmp_path.chmod(0o700)
    assert everything(tmp_path) == []


def test_file_size_limit(tmp_path):
    """What a full disk does, done by the system itself: the write fails in the middle."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        with pytest.raises(VolumeError, match="larger than a file may be"):
            put(tmp_path / "t2.nii", "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert everything(tmp_path) == []


def test_folder_that_is_missing_or_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(VolumeError, match="makedirs"):
        put(tmp_path / "nowhere" / "t2.nii", "new")
    with pytest.raises(VolumeError, match="one part is a file"):
        put(tmp_path / "file" / "t2.nii", "new")
    with pytest.raises(VolumeError, match="makedirs"):
        put_folder(tmp_path / "nowhere" / "series", "new")
    with pytest.raises(VolumeError, match="this is a folder"):
        put(tmp_path, "new")
    assert everything(tmp_path) == ["file"]


def test_several_files_or_none(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("a.json", "b.img", "c.hdr")]
    with atomic.replacing_all(paths) as temporaries:
        for path, temporary in zip(paths, temporaries, strict=True):
            with open(temporary, "w") as file:
                file.write(path.name)
    assert [path.read_text() for path in paths] == ["a.json", "b.img", "c.hdr"]
    for path in paths:
        path.unlink()
    real, calls = os.replace, []

    def third_fails(source, target):
        calls.append(target)
        if len(calls) == 3:
            failing(errno.EIO)()
        real(source, target)

    monkeypatch.setattr(os, "replace", third_fails)
    with pytest.raises(VolumeError, match=r"c\.hdr"), atomic.replacing_all(paths):
        pass
    assert everything(tmp_path) == []


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("failing_call", [1, 2, 3])
def test_old_files_come_back_when_a_later_one_cannot_be_placed(
    tmp_path, monkeypatch, links, failing_call
):
    paths = [tmp_path / name for name in ("a.json", "b.img", "c.hdr")]
    for path in (paths[0], paths[2]):
        path.write_text("old " + path.name)
    if not links:
        monkeypatch.setattr(os, "link", failing(errno.EPERM))
    real, calls = os.replace, []

    def one_fails(source, target):
        calls.append(target)
        if len(calls) == failing_call:
            failing(errno.EIO)()
        real(source, target)

    monkeypatch.setattr(os, "replace", one_fails)
    with pytest.raises(VolumeError, match=paths[failing_call - 1].name):
        put_all(paths)
    assert paths[0].read_text() == "old a.json"
    assert paths[2].read_text() == "old c.hdr"
    assert everything(tmp_path) == ["a.json", "c.hdr"]
    put_all(paths)
    assert [path.read_text() for path in paths] == ["new"] * 3
    assert everything(tmp_path) == ["a.json", "b.img", "c.hdr"]


def test_an_old_file_that_cannot_be_put_back_is_kept(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("a.json", "b.img")]
    for path in paths:
        path.write_text("old")
    real, calls = os.replace, []

    def only_the_first(source, target):
        calls.append(target)
        if len(calls) > 1:
            failing(errno.EIO)()
        real(source, target)

    monkeypatch.setattr(os, "replace", only_the_first)
    with pytest.raises(VolumeError) as caught:
        put_all(paths)
    (kept,) = [path for path in tmp_path.iterdir() if path not in paths]
    assert kept.read_text() == "old"
    assert str(kept) in "".join(caught.value.__notes__)


def test_an_old_folder_that_cannot_be_removed_is_warned_of(tmp_path, monkeypatch):
    put_folder(tmp_path / "series", "old")
    monkeypatch.setattr("shutil.rmtree", failing(errno.EACCES))
    with pytest.warns(VolumeWarning, match="could not be removed"):
        put_folder(tmp_path / "series", "new", overwrite=True)
    assert (tmp_path / "series" / "inner" / "1.txt").read_text() == "new"


def test_folder(tmp_path):
    put_folder(tmp_path / "series/", "new")
    assert (tmp_path / "series" / "inner" / "1.txt").read_text() == "new"
    (tmp_path / "empty").mkdir()
    put_folder(tmp_path / "empty", "into an empty one")
    assert everything(tmp_path / "empty") == ["inner", "inner/1.txt"]


def test_folder_with_something_in_it(tmp_path):
    target = tmp_path / "series"
    target.mkdir()
    (target / "mine.txt").write_text("keep")
    with pytest.raises(VolumeError, match="holds 1 files already"):
        put_folder(target, "new")
    assert everything(tmp_path) == ["series", "series/mine.txt"]
    put_folder(target, "new", overwrite=True)
    assert everything(tmp_path) == ["series", "series/inner", "series/inner/1.txt"]


def test_old_folder_comes_back_when_the_new_one_cannot_be_placed(tmp_path, monkeypatch):
    target = tmp_path / "series"
    target.mkdir()
    (target / "mine.txt").write_text("keep")
    real, calls = os.rename, []

    def second_fails(source, destination):
        calls.append(destination)
        if len(calls) == 2:
            failing(errno.EIO)()
        real(source, destination)

    monkeypatch.setattr(os, "rename", second_fails)
    with pytest.raises(VolumeError, match="series"):
        put_folder(target, "new", overwrite=True)
    assert everything(tmp_path) == ["series", "series/mine.txt"]


def test_folder_that_may_not_be_replaced(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(VolumeError, match="this is a file"):
        put_folder(tmp_path / "file", "new", overwrite=True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for path in (".", ".."):
        with pytest.raises(VolumeError, match="Python runs in"):
            put_folder(path, "new", overwrite=True)
    assert everything(tmp_path) == ["file", "here"]
