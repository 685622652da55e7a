import json
import random

import keras
import numpy as np
import pytest

from keras_mri_cyclegan.callbacks import global_random

pytestmark = pytest.mark.backend


def draw():
    numbers = [random.gauss(0, 1), np.random.normal(), np.random.rand()]  # noqa: NPY002
    if keras.backend.backend() == "torch":
        import torch

        numbers += torch.rand(3).tolist()
    return numbers


def test_states_come_back_through_json():
    draw()  # so that a second normal number lies ready
    state = json.loads(json.dumps(global_random.get()))
    expected = draw()
    assert draw() != expected
    global_random.put(state)
    assert draw() == expected


def test_the_state_of_another_backend_leaves_torch_alone():
    state = global_random.get()
    state.pop("torch", None)
    before = global_random.get().get("torch")
    global_random.put(state)
    assert global_random.get().get("torch") == before
