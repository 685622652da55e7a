"""Check of the networks' shapes: whether four networks form a CycleGAN."""

from typing import Any


def check_fit(model: Any) -> None:
    """Raise a `ValueError` that names all pairs of networks with incompatible shapes.

    Args:
        model: A `CycleGAN`.
    """
    a = model.generator_ab.input_shape[1:]
    b = model.generator_ba.input_shape[1:]
    expected = {
        "generator_ab's output, which must match generator_ba's input": (
            model.generator_ab.output_shape[1:],
            b,
        ),
        "generator_ba's output, which must match generator_ab's input": (
            model.generator_ba.output_shape[1:],
            a,
        ),
        "discriminator_a's input, which must match generator_ab's input": (
            model.discriminator_a.input_shape[1:],
            a,
        ),
        "discriminator_b's input, which must match generator_ba's input": (
            model.discriminator_b.input_shape[1:],
            b,
        ),
    }
    wrong = [
        f"  {what}: {found}, not {wanted}"
        for what, (found, wanted) in expected.items()
        if not _agree(found, wanted)
    ]
    if wrong:
        raise ValueError(
            "The networks do not fit together. Images of domain A have shape "
            f"{a} (generator_ab's input), of domain B {b} (generator_ba's input), but:\n"
            + "\n".join(wrong)
            + "\nBuild them with the same `input_shape`; where the domains have different numbers "
            "of channels, set each generator's `output_channels`."
        )


def _agree(found: tuple, wanted: tuple) -> bool:
    return len(found) == len(wanted) and all(
        one is None or other is None or one == other
        for one, other in zip(found, wanted, strict=True)
    )
