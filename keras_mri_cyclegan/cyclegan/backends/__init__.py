"""Training and test steps of each backend (TensorFlow, JAX, torch), and faster operations.

Smaller differences between the backends are handled where they arise: in the layer
`ReflectionPadding`, in the export of a network, and in the callbacks that save random states.

The names below are those of the current Keras backend. `SEVERAL_DEVICES` is the part of an error
message that says how to train on several devices, `NESTED` the types of a batch's nested parts, and
`KERAS_COMPILES` whether `jit_compile` is passed on to Keras.
"""

import importlib

import keras

_backend = importlib.import_module(f"{__name__}.{keras.backend.backend()}")

prepare = _backend.prepare
prepare_optimizer = _backend.prepare_optimizer
own_values = _backend.own_values
train_step = _backend.train_step
skip_step = _backend.skip_step
test_step = _backend.test_step
input_gradient = _backend.input_gradient
processes_that_exchange_nothing = _backend.processes_that_exchange_nothing
SEVERAL_DEVICES = _backend.SEVERAL_DEVICES
NESTED = _backend.NESTED
KERAS_COMPILES = _backend.KERAS_COMPILES
