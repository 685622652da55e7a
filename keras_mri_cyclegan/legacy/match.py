"""Assignment of a file's layers to a network's: by order and role, never by shape only."""

import difflib
import os

from keras_mri_cyclegan.legacy.errors import LegacyError
from keras_mri_cyclegan.legacy.source import KNOWN, Block, Layer, natural
from keras_mri_cyclegan.legacy.target import TargetLayer

MAX_STATES = 200_000


def match(
    block: Block, targets: list[TargetLayer], path: str | os.PathLike
) -> list[tuple[Layer, TargetLayer]]:
    """Return pairs of layers, in the order of the network.

    The file's layers are taken in its own order. Where it has an order only within each kind of
    layer (`.weights.h5`), the one way is taken in which all of them fit.

    Args:
        block: The file's layers.
        targets: The network's layers.
        path: The file, for the message.

    Raises:
        LegacyError: A layer is missing or left over, a role or a shape differs, or the order cannot
            be told; the differences are listed.
    """
    layers = list(block.layers)
    found: list[tuple[Layer, ...]] = []
    if len(layers) == len(targets):
        found = _Search(targets, path).ways(block, 0)
    if len(found) == 1:
        return list(zip(found[0], targets, strict=True))
    if len(found) > 1:
        raise LegacyError(
            path,
            "the file numbers its layers by class, and their order among blocks fits the network "
            "in more than one way. Keep the weights as `.h5` in the old environment: that has an "
            "order.",
        )
    if not block.ordered:
        layers.sort(key=lambda layer: (layer.kind, natural(layer.name)))
        targets = sorted(targets, key=lambda target: target.kind)
    sides = f"{_counted(layers)} in the file, {_counted(targets)} in the network"
    raise LegacyError(
        path,
        f"its weights are not those of the network ({sides}). Build the network as the old one "
        "was; `docs/compatibility.md` has the arguments. What differs:",
        differences(layers, targets),
    )


def differences(layers: list[Layer], targets: list[TargetLayer]) -> list[str]:
    """Return a line for each layer that is on one side only, or differs."""
    ours = [layer.signature for layer in layers]
    theirs = [target.signature for target in targets]
    lines: list[str] = []
    steps = difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    for step, a, b, c, d in steps:
        if step == "equal":
            continue
        for k in range(max(b - a, d - c)):
            left = _said(layers[a + k].name, layers[a + k].signature) if a + k < b else "nothing"
            target = targets[c + k] if c + k < d else None
            right = "nothing" if target is None else _said(target.layer.name, target.signature)
            lines.append(f"in the file: {left}; in the network: {right}")
    if not lines:
        lines.append("roles and shapes agree, the order does not")
    return lines


def fits(layer: Layer, target: TargetLayer) -> bool:
    """Say whether a layer of a file can be that of a network: its class, roles and shapes."""
    known = {layer.kind, target.kind} & KNOWN
    same_kind = not layer.kind or not known or layer.kind == target.kind
    return same_kind and layer.signature == target.signature


class _Search:
    """Finds up to two ways to put a block's layers into the network's."""

    def __init__(self, targets: list[TargetLayer], path: str | os.PathLike):
        self.targets = targets
        self.path = path
        self.states_left = MAX_STATES

    def ways(self, child: Layer | Block, at: int) -> list[tuple[Layer, ...]]:
        """Return ways to put `child` at the network's layer `at` and those after it."""
        if isinstance(child, Layer):
            fit = at < len(self.targets) and fits(child, self.targets[at])
            return [(child,)] if fit else []
        queues = child.queues()
        if len(queues) == 1:
            return self._in_order(queues[0], at)
        # From the ends of the queues taken so far to the ways that lead there, one layer or block
        # more at a time.
        reached: dict[tuple[int, ...], list[tuple[Layer, ...]]] = {(0,) * len(queues): [()]}
        for _ in range(sum(len(queue) for queue in queues)):
            further: dict[tuple[int, ...], list[tuple[Layer, ...]]] = {}
            for taken, begun in reached.items():
                for q, queue in enumerate(queues):
                    if taken[q] < len(queue):
                        self._count()
                        place = at + len(begun[0])
                        then = (*taken[:q], taken[q] + 1, *taken[q + 1 :])
                        for more in self.ways(queue[taken[q]], place):
                            all_ways = further.setdefault(then, [])
                            all_ways += [way + more for way in begun]
                            del all_ways[2:]
            reached = further
        return next(iter(reached.values()), [])

    def _in_order(self, children: list[Layer | Block], at: int) -> list[tuple[Layer, ...]]:
        found: list[tuple[Layer, ...]] = [()]
        for child in children:
            self._count()
            more = self.ways(child, at + len(found[0]))
            found = [way + after for way in found for after in more][:2]
            if not found:
                break
        return found

    def _count(self) -> None:
        self.states_left -= 1
        if self.states_left < 0:
            raise LegacyError(
                self.path, "the order of its layers cannot be told. Keep the weights as `.h5`."
            )


def _said(name: str, signature: tuple) -> str:
    return f"{name} ({', '.join(f'{role} {shape}' for role, shape in signature)})"


def _counted(layers: list) -> str:
    return f"{sum(len(layer.signature) for layer in layers)} weights in {len(layers)} layers"
