"""`load_tfa`: weights of an old file, loaded into a network of today."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.cyclegan import CycleGAN
from keras_mri_cyclegan.legacy import hdf5, keras_zip, tensorflow
from keras_mri_cyclegan.legacy.errors import LegacyError
from keras_mri_cyclegan.legacy.match import match
from keras_mri_cyclegan.legacy.settings import check_settings
from keras_mri_cyclegan.legacy.source import ROLES, Network
from keras_mri_cyclegan.legacy.target import target_layers
from keras_mri_cyclegan.volumes.errors import VolumeError

# What the TensorFlow tutorial and the Keras example call them, in lower case: G makes Y of X, F
# makes X of Y, and a discriminator judges the domain in its name.
PARTS = {
    "generator_ab": ("generator_g", "gen_g"),
    "generator_ba": ("generator_f", "gen_f"),
    "discriminator_a": ("discriminator_x", "disc_x"),
    "discriminator_b": ("discriminator_y", "disc_y"),
}
ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"


def load_tfa(
    network: keras.Model,
    path: str | os.PathLike,
    part: str | dict[str, str] | None = None,
    epsilon: float | None = None,
) -> dict[str, str]:
    """Load weights that Keras 2 wrote, with tensorflow-addons' or the tutorials' normalisation.

    Neither tensorflow-addons nor Keras 2 is needed. The kind of the file is told from its content:

    * HDF5 from `model.save("x.h5")`, `model.save_weights("x.h5")` or
      `model.save_weights("x.weights.h5")`, and the `.keras` file of Keras 2.12 to 2.15;
    * with TensorFlow installed (any backend): a SavedModel folder, and the prefix or folder of a
      `tf.train.Checkpoint` or of `model.save_weights("x")`.

    Layers are matched by their order and weights by their role (kernel, bias, gamma or `scale`,
    beta or `offset`). All weights of the file and all of the network are accounted for, or nothing
    is changed. Only numbers are read: no code, no graph and no class of the file is used, and what
    lies outside it is not opened. Files in HDF5 have no checksums; damage to a number itself shows
    only if it is not finite.

    Args:
        network: The network, built as the old one was (see `docs/compatibility.md`), or a
            `CycleGAN`, of which all four are loaded from a file that has them: `generator_g` or
            `gen_G` into `generator_ab`, `generator_f` or `gen_F` into `generator_ba`,
            `discriminator_x` or `disc_X` into `discriminator_a`, and `discriminator_y` or `disc_Y`
            into `discriminator_b`. Optimizers start anew.
        path: The file, the folder, or the checkpoint's prefix (without `.index`).
        part: Name of the network in a file of several. For a `CycleGAN` with other names, a
            dictionary such as `{"generator_ab": "g_t1_t2", ...}` with all four. Defaults to the
            names above.
        epsilon: Positive number, epsilon of the old normalisations. It is checked against the
            network's where the file does not record it: it was 1e-3 in tensorflow-addons, if not
            set, and 1e-5 in the TensorFlow tutorials' layer. Needed for `.weights.h5`, which do not
            show either; elsewhere defaults to what the names of the weights tell.

    Returns:
        A dictionary from the path of each of the network's weights, after `generator_ab/` and so on
        for a `CycleGAN`, to its name in the file.

    Raises:
        LegacyError: A `ValueError`. The file is damaged, of another kind, refers to other files or
            has a Lambda layer; or its weights, or the settings it records, are not the network's:
            the message lists both sides.
        ValueError: An argument is not one of the above.
        ImportError: TensorFlow is needed and not installed.

    Example:
        >>> import os, tempfile
        >>> import h5py
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> path = os.path.join(tempfile.mkdtemp(), "old.h5")
        >>> with h5py.File(path, "w") as file:  # as `save_weights` of Keras 2 wrote it
        ...     file.attrs["layer_names"] = ["conv2d_9", "conv2d_10"]
        ...     for name, shape in [("conv2d_9", (4, 4, 1, 2)), ("conv2d_10", (4, 4, 2, 2))]:
        ...         group = file.create_group(name)
        ...         group.attrs["weight_names"] = [f"{name}/kernel:0"]
        ...         group[f"{name}/kernel:0"] = np.ones(shape, "float32")
        >>> network = kmc.patchgan_discriminator((32, 32, 1), layers=1, filters=2)
        >>> try:
        ...     kmc.legacy.load_tfa(network, path)
        ... except kmc.legacy.LegacyError as error:
        ...     print(error.unmatched[0])
        in the file: conv2d_9 (kernel (4, 4, 1, 2)); in the network: block_0 (bias (2,), kernel (4, 4, 1, 2))
    """  # noqa: E501
    if not isinstance(network, keras.Model):
        raise ValueError(f"`network` must be a `keras.Model`. Received: {network!r}.")
    if epsilon is not None and _checks.weight("epsilon", epsilon) == 0:
        raise ValueError(f"`epsilon` must be positive. Received: {epsilon!r}.")
    _check_part(network, part)
    name = os.fspath(path)
    with _opened(name) as found:
        assignments: list[tuple[Any, np.ndarray]] = []
        report: dict[str, str] = {}
        for prefix, target, source in _chosen(network, found, part, name):
            pairs = match(source.block, target_layers(target), name)
            check_settings(pairs, target, source.config, epsilon, name)
            for layer, into in pairs:
                for weight in layer.weights:
                    variable = into.variables[ROLES.get(weight.role, weight.role)]
                    assignments.append((variable, _read(weight, variable, name)))
                    report[f"{prefix}{variable.path.removeprefix(prefix)}"] = weight.name
    for variable, array in assignments:
        variable.assign(array)
    return report


def _check_part(network: keras.Model, part: Any) -> None:
    if part is None:
        return
    if not isinstance(network, CycleGAN):
        if not isinstance(part, str):
            raise ValueError(f"`part` must be a name for a single network. Received: {part!r}.")
    elif not isinstance(part, dict) or set(part) != set(PARTS):
        raise ValueError(
            f"`part` must be a dictionary with the keys {', '.join(PARTS)} for a `CycleGAN`. "
            f"Received: {part!r}."
        )


def _chosen(
    network: keras.Model, found: dict[str, Network], part: Any, path: str
) -> list[tuple[str, keras.Model, Network]]:
    """Return networks and where in the file their weights are."""
    names = sorted(name for name in found if name)
    if isinstance(network, CycleGAN):
        names_by_network = _four(found, part, path)
        return [(f"{n}/", getattr(network, n), found[names_by_network[n]]) for n in PARTS]
    if part is not None:
        if part not in found or not part:
            raise LegacyError(path, f"it has no network {part!r}. It has: {', '.join(names)}.")
        return [("", network, found[part])]
    known = {alias for aliases in PARTS.values() for alias in aliases}
    several = [name for name in names if name.lower() in known]
    if several or ("" not in found and len(names) != 1):
        raise LegacyError(
            path,
            f"it has the networks {', '.join(several or names)}. Say which is wanted, such as "
            f"`part={(several or names)[0]!r}`, or load a `CycleGAN`.",
        )
    return [("", network, found[""] if "" in found else found[names[0]])]


def _four(found: dict[str, Network], part: Any, path: str) -> dict[str, str]:
    """Return the names of a CycleGAN's networks in the file."""
    names = sorted(name for name in found if name)
    if part is None:
        chosen = {n: [f for f in names if f.lower() in aliases] for n, aliases in PARTS.items()}
    else:
        chosen = {n: [f for f in names if f == part[n]] for n in PARTS}
    used = [match for matches in chosen.values() for match in matches]
    if any(len(matches) != 1 for matches in chosen.values()) or sorted(used) != names:
        raise LegacyError(
            path,
            f"a CycleGAN needs four networks, {', '.join(a[0] for a in PARTS.values())}, and all "
            f"weights of the file. It has: {', '.join(names) or 'one network without a name'}. "
            "Name them in `part`, or load one network at a time.",
        )
    return {n: matches[0] for n, matches in chosen.items()}


def _read(weight: Any, variable: Any, path: str) -> np.ndarray:
    dtype = np.dtype(keras.backend.standardize_dtype(variable.dtype))
    if weight.dtype.kind != "f" or not np.can_cast(weight.dtype, dtype, "safe"):
        raise LegacyError(
            path,
            f"{weight.name} is {weight.dtype}, and {variable.path} is {dtype}: it would round.",
        )
    array = np.asarray(weight.read())
    if array.shape != tuple(variable.shape) or not np.isfinite(array).all():
        raise LegacyError(path, f"{weight.name} is not of finite numbers. The file is damaged.")
    return array.astype(dtype)


@contextmanager
def _opened(path: str) -> Iterator[dict[str, Network]]:
    """Open a file of any kind; whatever goes wrong inside is an error about the file."""
    try:
        with _by_content(path) as found:
            yield found
    except (LegacyError, ImportError):
        raise
    except VolumeError as error:
        raise LegacyError(path, str(error).removeprefix(f"`{path}`: ")) from error
    except Exception as error:  # h5py and TensorFlow raise nearly every type on a damaged file
        raise LegacyError(
            path,
            f"it cannot be read ({type(error).__name__}: {str(error)[:300]}). It is damaged, "
            "truncated, or something else under this name. Copy it again.",
        ) from error


def _by_content(path: str) -> AbstractContextManager[dict[str, Network]]:
    join, is_file = os.path.join, os.path.isfile
    if os.path.isdir(path):
        variables = join(path, "variables", "variables")
        if is_file(f"{variables}.index"):
            return tensorflow.opened(variables, path, join(path, "keras_metadata.pb"))
        if is_file(join(path, "checkpoint")):
            return tensorflow.opened(tensorflow.checkpoint_in(path), path)
    elif is_file(path):
        with open(path, "rb") as file:
            head = file.read(8)
        if head.startswith(ZIP) and path.lower().endswith((".pth", ".pt")):
            with zipfile.ZipFile(path) as members:
                if any(name.endswith("data.pkl") for name in members.namelist()):
                    raise LegacyError(path, "weights of PyTorch, which `load_tfa` does not read.")
        if head.startswith(ZIP):
            return keras_zip.opened(path)
        if head == HDF5:
            return hdf5.opened(path, path, os.path.getsize(path))
        if path.endswith(".index"):
            return tensorflow.opened(path.removesuffix(".index"), path)
    elif is_file(f"{path}.index"):
        return tensorflow.opened(path, path)
    else:
        raise LegacyError(path, "there is no such file, folder or checkpoint.")
    raise LegacyError(
        path,
        "it is of none of these kinds: HDF5 or `.keras` file, SavedModel folder, or a checkpoint's "
        "prefix (without `.index`) or folder.",
    )
