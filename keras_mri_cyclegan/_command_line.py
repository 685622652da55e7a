"""The command line: `python -m keras_mri_cyclegan translate ...`."""

import argparse
import os
import re
import sys
import warnings
import zipfile
from collections.abc import Sequence
from typing import Any

import keras

from keras_mri_cyclegan import __version__
from keras_mri_cyclegan.preprocessing import Preprocessing
from keras_mri_cyclegan.translation import translate_volumes
from keras_mri_cyclegan.volumes import VolumeError, VolumeWarning, find_volumes
from keras_mri_cyclegan.volumes.targets import NOT_WRITTEN

PREPROCESSING = "preprocessing.json"  # default file name, in the folder of the model
IN_THE_SHELL = (  # argument of the library, option of the command line
    (r"`(?:\w+\(\w+, )?overwrite=True\)?`", "`--overwrite`"),
    (r"`(?:\w+\(\w+, )?fill_nan=([0-9.e+-]+?)(?:\.0)?\)?`", r"`--fill-nan \1`"),
    (r"`(?:\w+\(\w+, )?slice_tolerance=([0-9.e+-]+)\)?`", r"`--slice-tolerance \1`"),
    (r"`(?:\w+\(\w+, )?unreadable=.warn.\)?`", "`--unreadable warn`"),
    ("`fill_nan`", "`--fill-nan`"),
    ("`slice_tolerance`", "`--slice-tolerance`"),
)
EPILOG = """\
MODEL is a CycleGAN or a generator saved by Keras. SOURCE is NIfTI, a folder of
DICOM files, mgz, mnc, HDF5 (file.h5::dataset), npy, npz, PNG or TIFF. If TARGET is an existing
folder, translations are named after their sources: t1.nii.gz and t1.mgz become t1_ab.nii.gz.
Several sources, a folder of several scans, or a pattern in quotes ("scans/*.nii.gz") need such a
folder.
Translations are synthetic, not for diagnosis.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The arguments after the program's name. Defaults to `sys.argv[1:]`.

    Returns:
        The exit status: 0 for success; 2 after an error, with one line on stderr that names the
        problem and the way out; 130 after an interruption.

    Example:
        >>> from keras_mri_cyclegan._command_line import main
        >>> main(["translate", "model.keras", "t1.nii.gz", "t2.nii.gz"])  # a line on stderr
        2
    """
    options = _parser().parse_args(arguments)
    shown = _ShownWarnings()
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)  # for every scan, not only for the first
        warnings.showwarning = shown.show
        try:
            return _translate(options)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130
        except (ValueError, ImportError, OSError) as error:
            return _fail(error)
        finally:
            shown.say_how_many_more()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m keras_mri_cyclegan",
        description="Unpaired MRI contrast translation with CycleGAN.",
    )
    parser.add_argument("--version", action="version", version=f"keras_mri_cyclegan {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    translate = commands.add_parser(
        "translate",
        help="translate scans from one contrast to the other",
        description="Translate scans from one contrast to the other.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = translate.add_argument
    add("model", metavar="MODEL", help="saved model (.keras)")
    add("sources", metavar="SOURCE", nargs="+", help="scans to translate")
    add("target", metavar="TARGET", help="output file, or folder for several scans")
    add("--direction", choices=("ab", "ba"), default="ab", help="A to B, or B to A (default: ab)")
    add(
        "--preprocessing",
        metavar="FILE",
        help=f"file of Preprocessing.save (default: {PREPROCESSING} beside the model)",
    )
    add(
        "--intensities",
        choices=("target", "source", "normalized"),
        default="target",
        help="scale of the target contrast, of the source, or [-1, 1] (default: target)",
    )
    add(
        "--planes",
        metavar="PLANE,PLANE",
        type=lambda names: tuple(names.split(",")),
        help="average over planes axial, coronal, sagittal (default: the preprocessing's)",
    )
    add("--overlap", type=float, default=0.5, help="of windows, in [0, 1) (default: 0.5)")
    add("--batch-size", type=int, metavar="N", help="slices per batch (default: by memory)")
    add(
        "--fill-nan",
        type=float,
        metavar="VALUE",
        help="replacement of NaN, such as 0 for a background of NaN (default: error)",
    )
    add(
        "--slice-tolerance",
        type=float,
        metavar="MM",
        help="deviation of DICOM slices from even spacing (default: a hundredth of it)",
    )
    add(
        "--unreadable",
        choices=("error", "warn"),
        default="error",
        help="if a scan is unreadable: stop, or translate the others (default: error)",
    )
    add("--overwrite", action="store_true", help="replace existing files at TARGET")
    add("--quiet", action="store_true", help="no progress bar")
    return parser


def _translate(options: argparse.Namespace) -> int:
    pairs = _pairs(options)
    _check_model(options.model)
    preprocessing = Preprocessing.load(_preprocessing(options))
    model = _load(options.model)
    status = 0
    sources, targets = zip(*pairs, strict=True)
    translated = translate_volumes(
        model,
        sources,
        targets,
        direction=options.direction,
        preprocessing=preprocessing,
        intensities=options.intensities,
        planes=options.planes,
        overlap=options.overlap,
        batch_size=options.batch_size,
        overwrite=options.overwrite,
        verbose=0 if options.quiet else 1,
        fill_nan=options.fill_nan,
        slice_tolerance=options.slice_tolerance,
    )
    for translation in translated:
        if translation.error is not None:
            status = _fail(translation.error)
        elif not options.quiet:
            print(translation.target)
    return status


def _pairs(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Return pairs of source and target paths."""
    sources, target, direction = options.sources, options.target, options.direction
    listed = []
    for source in sources:
        try:
            listed.append(find_volumes(source, options.unreadable, options.slice_tolerance))
        except VolumeError as error:
            if options.unreadable == "error" or len(sources) == 1:
                raise
            warnings.warn(str(error), VolumeWarning, stacklevel=2)
    found = [path for paths in listed for path in paths]
    if not found:
        raise ValueError("no SOURCE can be read. Expected one scan at least.")
    if found == sources and len(found) == 1 and not os.path.isdir(target):
        return [(found[0], target)]

    if not os.path.isdir(target):
        raise ValueError(
            f"`{target}`: no such folder. Expected one for the translations of {len(found)} scans: "
            "make it first."
        )
    pairs = [(source, os.path.join(target, _name(source, direction))) for source in found]
    taken: dict[str, str] = {}
    for source, path in pairs:
        if path in taken:
            raise ValueError(
                f"`{source}` and `{taken[path]}` would both become `{path}`. Translate them one by "
                "one, or into two folders."
            )
        taken[path] = source
    return pairs


def _name(source: str, direction: str) -> str:
    """Return the name of a translation in a folder: t1.nii.gz becomes t1_ab.nii.gz."""
    if "::" in source:
        raise ValueError(
            f"`{source}`: one of several scans inside a file. Translate these one by one, each "
            "with a TARGET of its own."
        )
    name = os.path.basename(os.path.normpath(source))
    if os.path.isdir(source):
        return f"{name}_{direction}"
    stem, suffix = os.path.splitext(name)
    if suffix.lower() == ".gz":
        stem, inner = os.path.splitext(stem)
        # Compressed NIfTI pairs can be read, but are written uncompressed.
        suffix = inner if inner.lower() in (".hdr", ".img") else inner + suffix
    if suffix.lower() in NOT_WRITTEN:
        suffix = ".nii.gz"
    return f"{stem}_{direction}{suffix}"


def _preprocessing(options: argparse.Namespace) -> str:
    if options.preprocessing is not None:
        return options.preprocessing
    path = os.path.join(os.path.dirname(options.model), PREPROCESSING)
    if not os.path.isfile(path):
        raise ValueError(
            f"`{path}`: no such file. Expected the preprocessing that the model was trained with: "
            "keep it there with `preprocessing.save(path)`, or name it with --preprocessing FILE."
        )
    return path


def _check_model(path: str) -> None:
    if not os.path.isfile(path):
        found = "this is a folder" if os.path.isdir(path) else "no such file"
        raise ValueError(f"`{path}`: {found}. Expected a model that Keras saved (.keras).")
    if os.path.isfile(path) and path.endswith(".keras") and not zipfile.is_zipfile(path):
        # Keras reports such a file as "File not found".
        raise ValueError(
            f"`{path}`: a damaged file, of {os.path.getsize(path)} bytes: it ends too early, or is "
            "something else under this name. Expected a model that Keras saved (.keras), a zip "
            "archive: copy it again."
        )


def _load(path: str) -> Any:
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises nearly every type on a damaged file
        raise ValueError(
            f"`{path}`: cannot be loaded ({type(error).__name__}: {error}). Expected a CycleGAN or "
            "a generator that Keras saved (.keras)."
        ) from error


def _fail(error: Exception) -> int:
    print(f"error: {_in_words_of_the_shell(error)}", file=sys.stderr)
    return 2


def _in_words_of_the_shell(message: object) -> str:
    """Return a message on one line, with the library's arguments replaced by options."""
    text = " ".join(str(message).split())
    for found, option in IN_THE_SHELL:
        text = re.sub(found, option, text)
    return text


class _ShownWarnings:
    """Printer of warnings: each text once, and one for each line of other libraries."""

    def __init__(self) -> None:
        self.seen: set[Any] = set()
        self.left_out = 0

    def show(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: Any = None,
        line: str | None = None,
    ) -> None:
        """Print a warning; replaces `warnings.showwarning`."""
        if not issubclass(category, UserWarning):
            return  # deprecations and the like, which are for programmers
        text = _in_words_of_the_shell(message)
        foreign = "site-packages" in filename and __package__ not in filename
        key = (filename, lineno) if foreign else text
        if key in self.seen:
            self.left_out += foreign
            return
        self.seen.add(key)
        print(f"warning: {text}", file=sys.stderr)

    def say_how_many_more(self) -> None:
        """Print the number of omitted warnings of other libraries."""
        if self.left_out:
            print(f"warning: {self.left_out} more of other libraries, like these", file=sys.stderr)
