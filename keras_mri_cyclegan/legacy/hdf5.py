"""HDF5 files of Keras 2: `model.save("x.h5")`, `save_weights("x.h5")` and `.weights.h5`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from keras_mri_cyclegan.legacy import keras_config
from keras_mri_cyclegan.legacy.errors import LegacyError
from keras_mri_cyclegan.legacy.source import Block, Layer, Network, Weight, natural, snake_case
from keras_mri_cyclegan.volumes import hdf5_checks

MAX_NAMES = 10_000
VARIABLE_TEXT = 16  # bytes in an HDF5 file that refer to a text of any length
MAX_GROUPS = 20_000
# What Keras called the list of a model's layers until 2.13, and from then on.
LISTS = ("_layer_checkpoint_dependencies", "layers")
NORMALIZATION_ROLES = {
    2: ("gamma", "beta"),
    4: ("gamma", "beta", "moving_mean", "moving_variance"),
}


@contextmanager
def opened(
    file: Any, path: str, size: int, config: dict[str, Any] | None = None
) -> Iterator[dict[str, Network]]:
    """Open an HDF5 file and yield its networks by name, "" for that of a file with only one.

    Args:
        file: The file's name, or a file object.
        path: The file, for messages.
        size: Its bytes.
        config: The model's config, where it lies elsewhere.

    Raises:
        LegacyError: The file is damaged, is not from Keras, or refers to other files.
    """
    with h5py.File(file, "r") as root:
        reader = _Reader(root, path, size)
        if "model_config" in root.attrs:
            config = keras_config.parse(reader.text(root, "model_config"), path)
        weights = reader.group(root, "model_weights") if "model_weights" in root else root
        if reader.has_names(weights):
            yield reader.listed(weights, config)
        else:
            yield reader.by_class(weights, config)


class _Reader:
    """Reads groups of one file, without following a link."""

    def __init__(self, root: Any, path: str, size: int):
        self.root = root
        self.path = path
        self.size = size
        self.groups_left = MAX_GROUPS

    def group(self, parent: Any, name: str) -> Any:
        """Return a group that lies in the file itself."""
        self.groups_left -= 1
        if self.groups_left < 0:
            raise LegacyError(self.path, f"it has more than {MAX_GROUPS} groups.")
        here = parent
        for part in [part for part in name.split("/") if part]:
            sound = isinstance(here, h5py.Group) and part not in (".", "..")
            link = here.get(part, getlink=True) if sound else None
            if not isinstance(link, h5py.HardLink):
                what = "links to another place, which is not followed" if link else "is missing"
                raise LegacyError(self.path, f"the group {name!r} {what}.")
            here = here[part]
        if not isinstance(here, h5py.Group):
            raise LegacyError(self.path, f"{name!r} is not a group. Copy the file again.")
        return here

    def weight(self, group: Any, name: str, role: str) -> Weight:
        """Describe a dataset that lies in the file itself."""
        dataset = hdf5_checks.find(group, name, self.path)
        hdf5_checks.check_storage(dataset, self.path, self.size)
        full = f"{group.name}/{name}".strip("/")
        return Weight(role, full, tuple(dataset.shape), dataset.dtype, lambda: dataset[()])

    def text(self, group: Any, name: str) -> Any:
        """Return an attribute that is a text."""
        value = self._attribute(group, name)
        return value if isinstance(value, (str, bytes)) else str(np.asarray(value).item())

    def has_names(self, group: Any) -> bool:
        """Say whether the group is of the format with lists of names."""
        return "layer_names" in group.attrs or "layer_names0" in group.attrs

    def names(self, group: Any, name: str) -> list[str]:
        """Return a list of names, which Keras splits where it is too long for one attribute."""
        if name in group.attrs:
            values = [self._attribute(group, name)]
        else:
            count = 0
            values = []
            while f"{name}{count}" in group.attrs and count < MAX_NAMES:
                values.append(self._attribute(group, f"{name}{count}"))
                count += 1
        found = [entry for value in values for entry in np.ravel(value).tolist()]
        return [e.decode("utf8") if isinstance(e, bytes) else str(e) for e in found]

    def _attribute(self, group: Any, name: str) -> Any:
        attribute = h5py.h5a.open(group.id, name.encode())
        count = attribute.get_space().get_simple_extent_npoints()
        if count == 0:
            return []
        if count > MAX_NAMES:
            raise LegacyError(self.path, f"an attribute {name!r} of more than {MAX_NAMES} entries.")
        kind = attribute.get_type()
        # Any other type that a damaged file claims may end the process when it is read.
        text = kind.get_class() == h5py.h5t.STRING
        size = VARIABLE_TEXT if text and kind.is_variable_str() else kind.get_size()
        if not text or attribute.get_storage_size() != count * size:
            raise LegacyError(self.path, f"its attribute {name!r} is no text. Copy it again.")
        return group.attrs[name]

    # === model.save("x.h5"), save_weights("x.h5"): names in order ===

    def listed(self, group: Any, config: dict[str, Any] | None) -> dict[str, Network]:
        """Return the networks of a group whose attributes list layers and weights."""
        names = self.names(group, "layer_names")
        if "top_level_model_weights" in group:
            names.append("top_level_model_weights")
        unlisted = set(group) - {name.split("/")[0] for name in names}
        if unlisted or len(set(names)) != len(names):
            raise LegacyError(
                self.path,
                f"its list of layers is not that of its groups, as with {sorted(unlisted)[:5]}. "
                "Copy the file again.",
            )
        layers = {name: self._listed_layers(self.group(group, name)) for name in names}
        described = None if config is None else keras_config.flatten(config, self.path)
        blocks = {name: Block(name, list(found)) for name, found in layers.items() if found}
        whole = Block("", [layer for found in layers.values() for layer in found])
        return {"": Network(whole, described), **{n: Network(b) for n, b in blocks.items()}}

    def _listed_layers(self, group: Any) -> list[Layer]:
        """Return the layers of one entry: several where it was a model itself."""
        layers: dict[str, Layer] = {}
        latest: dict[str, int] = {}
        names = self.names(group, "weight_names")
        for name in names:
            owner, _, role = name.rpartition("/")
            role = re.sub(r":\d+$", "", role)
            owner = owner or group.name.rpartition("/")[2]
            key = f"{owner} {latest.setdefault(owner, 0)}"
            # Two layers of the same name: the second begins where a role comes again.
            if key in layers and role in [weight.role for weight in layers[key].weights]:
                latest[owner] += 1
                key = f"{owner} {latest[owner]}"
            layer = layers.setdefault(key, Layer(owner.rpartition("/")[2], []))
            layer.weights.append(self.weight(group, name, role))
        held = self._count_datasets(group)
        if held != len(names):
            raise LegacyError(
                self.path,
                f"{group.name!r} holds {held} weights and lists {len(names)}. Copy it again.",
            )
        return list(layers.values())

    def _count_datasets(self, group: Any) -> int:
        count = 0
        for name in group:
            inner = group.get(name, getlink=True)
            if isinstance(inner, h5py.HardLink) and isinstance(group[name], h5py.Group):
                count += self._count_datasets(self.group(group, name))
            else:
                count += 1
        return count

    # === .weights.h5, .keras: `layers/conv2d_3/vars/0` ===

    def by_class(self, root: Any, config: dict[str, Any] | None) -> dict[str, Network]:
        """Return the networks of a file whose groups are numbered by class."""
        described = None if config is None else keras_config.flatten(config, self.path)
        networks: dict[str, Network] = {}
        if any(name in root for name in LISTS):
            whole = self._block(root, "", config)
            networks = {b.name: Network(b) for b in whole.children if isinstance(b, Block)}
            networks[""] = Network(whole, described)
        else:
            for name in sorted(set(root) - {"vars"}):
                if "optimizer" not in name:
                    networks[name] = Network(self._block(self.group(root, name), name, None))
        if not any(list(network.block.layers) for network in networks.values()):
            raise LegacyError(
                self.path,
                "it has no weights as Keras writes them. Expected `model.save('x.h5')`, "
                "`model.save_weights('x.h5')` or `model.save_weights('x.weights.h5')`.",
            )
        return networks

    def _block(self, group: Any, name: str, config: dict[str, Any] | None) -> Block:
        block = Block(name, [], ordered=False, kind=re.sub(r"_\d+$", "", name))
        for entry in group:
            if entry in LISTS:
                listed = self.group(group, entry)
                order = _order(config) if config is not None else {}
                found = [
                    self._child(self.group(listed, key), key, order.get(key)) for key in listed
                ]
                block.children += [child for child in found if list(child.layers)]
                if config is not None and all(child.name in order for child in block.children):
                    block.ordered = True
                    places = {key: place for place, key in enumerate(order)}
                    block.children.sort(key=lambda child: places[child.name])
            elif entry != "vars" and not (name == "" and entry in ("optimizer", "metrics")):
                inner = self._child(self.group(group, entry), entry, None)
                block.children += [inner] if list(inner.layers) else []
        own = self._layer(group, name, config or {})
        block.children += [own] if own.weights else []
        return block

    def _child(self, group: Any, name: str, config: dict[str, Any] | None) -> Layer | Block:
        if set(group) - {"vars"}:
            return self._block(group, name, config)
        return self._layer(group, name, config or {})

    def _layer(self, group: Any, name: str, config: dict[str, Any]) -> Layer:
        variables = self.group(group, "vars") if "vars" in group else ()
        names = sorted(variables, key=natural)
        found = [self.weight(variables, key, key) for key in names]
        ranks = [len(weight.shape) for weight in found]
        roles: tuple[str, ...] = ()
        if ranks and ranks[0] > 1:
            roles = ("kernel", "bias")
        elif set(ranks) == {1}:
            roles = NORMALIZATION_ROLES.get(len(ranks), ())
        if names == [str(k) for k in range(len(names))] and len(found) <= len(roles):
            for weight, role in zip(found, roles, strict=False):
                weight.role = role
        settings = config.get("config")
        described = {**settings, "class": keras_config.class_name(config)} if settings else {}
        return Layer(
            group.name.strip("/"), found, kind=re.sub(r"_\d+$", "", name), config=described
        )


def _order(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the configs of a model's layers under the names of their groups, in order."""
    order: dict[str, dict[str, Any]] = {}
    used: dict[str, int] = {}
    for layer in keras_config.children(config):
        kind = snake_case(keras_config.class_name(layer))
        count = used.get(kind, 0)
        used[kind] = count + 1
        order[f"{kind}_{count}" if count else kind] = layer
    return order
