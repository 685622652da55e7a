"""State of the global random generators of Python, NumPy and torch.

This library uses none of them; layers, callbacks and data of the user may.
"""

import random
from typing import Any

import keras
import numpy as np


def get() -> dict[str, Any]:
    """Return the states of the global generators in types of JSON.

    Example:
        >>> import random
        >>> from keras_mri_cyclegan.callbacks import global_random
        >>> state = global_random.get()
        >>> number = random.random()
        >>> global_random.put(state)
        >>> random.random() == number
        True
    """
    version, numbers, gauss = random.getstate()
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    state: dict[str, Any] = {
        "python": [version, list(numbers), gauss],
        "numpy": [name, np.asarray(keys).tolist(), *rest],
    }
    if keras.backend.backend() == "torch":
        import torch

        state["torch"] = _hex(torch.get_rng_state())
        if torch.cuda.is_available():
            state["cuda"] = [_hex(one) for one in torch.cuda.get_rng_state_all()]
    return state


def put(state: dict[str, Any]) -> None:
    """Restore the states of the global generators, on any backend.

    torch's generator is not changed if the state is from another backend.

    Args:
        state: Result of `get`.
    """
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, "uint32"), *rest))  # noqa: NPY002
    if keras.backend.backend() == "torch" and "torch" in state:
        import torch

        torch.set_rng_state(_tensor(state["torch"]))
        if len(state.get("cuda", [])) == torch.cuda.device_count() > 0:
            torch.cuda.set_rng_state_all([_tensor(one) for one in state["cuda"]])


def _hex(tensor: Any) -> str:
    return tensor.numpy().tobytes().hex()


def _tensor(text: str) -> Any:
    import torch

    return torch.frombuffer(bytearray.fromhex(text), dtype=torch.uint8)
