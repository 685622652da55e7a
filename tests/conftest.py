"""Set-up shared by all tests: the backend is the one that KERAS_BACKEND names."""

import importlib
import os

if "PYTEST_XDIST_WORKER" in os.environ:  # a core for each worker: threads would wait for each other
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
# XLA takes half as long to compile what runs but a few times, and small as it is.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"

import keras
import pytest


def pytest_report_header():
    return f"keras {keras.version()} on {keras.backend.backend()}"


def pytest_configure():
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # Two logical devices, to be set before TensorFlow starts: see test_backends.
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * 2
        )


@pytest.fixture(scope="session", autouse=True)
def compile_each_step_once(tmp_path_factory):
    """Let JAX find a step again that an equal model has had compiled before."""
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("jax")))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@pytest.fixture(autouse=True)
def same_random_numbers():
    keras.utils.set_random_seed(0)


@pytest.fixture
def quick_curves(monkeypatch):
    """Let searches for intensity curves be short; the curves have tests of their own."""
    module = importlib.import_module("keras_mri_cyclegan.unpaired_curves.fit_curves")
    monkeypatch.setattr(module, "STARTS", 2)
    monkeypatch.setattr(module, "FINALISTS", 1)
    monkeypatch.setattr(module, "FIRST_STEPS", 2)
    monkeypatch.setattr(module.descent, "STEPS", 4)
