"""Text summary of a CycleGAN."""

from typing import Any


def describe(model: Any) -> list[str]:
    """Return lines with each network's input shape, output shape and number of weights."""
    lines = [f'CycleGAN "{model.name}"']
    for name, network in model.networks.items():
        shapes = f"{_size(network.input_shape)} -> {_size(network.output_shape)}"
        lines.append(f"  {name:<16}{shapes:<36}{network.count_params():>14,} weights")
    total = sum(network.count_params() for network in model.networks.values())
    lines.append(f"  {'total':<52}{total:>14,} weights")
    for domain in ("a", "b") if model.pool_size else ():
        lines.append(f"  {f'pool_{domain}':<16}{model.pool_size} past fakes")
    return lines


def _size(shape: tuple) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape[1:])
