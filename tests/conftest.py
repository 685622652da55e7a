"""Set-up shared by all tests: the backend is the one that KERAS_BACKEND names."""

import functools
import gc
import importlib
import os
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # a core for each worker: threads would wait for each other
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
# XLA compiles small programs that run a few times faster without optimisation.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"

import keras
import pytest

from keras_mri_cyclegan.unpaired_curves import SearchEffort, fit_curves

TESTS = Path(__file__).parent
# Results in these folders depend on the backend; elsewhere a test says so by the marker `backend`.
BACKEND_FOLDERS = {"cyclegan", "layers", "losses", "metrics", "networks"}
# Functions on their own; elsewhere models train for a few steps, which take longer to trace.
COMPILED_FOLDERS = {"layers", "losses", "metrics", "networks"}
TENSORFLOW = keras.backend.backend() == "tensorflow"
QUICK = SearchEffort(starts=2, finalists=1, first_steps=2, steps=4)


def pytest_report_header():
    return f"keras {keras.version()} on {keras.backend.backend()}"


def pytest_configure():
    if TENSORFLOW:
        import tensorflow as tf

        # Two logical devices, to be set before TensorFlow starts: see test_backends.
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * 2
        )
        # As of XLA above: a graph that runs a few times is not worth optimising.
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def pytest_collection_modifyitems(items):
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in BACKEND_FOLDERS:
            item.add_marker(pytest.mark.backend)
        if folder in COMPILED_FOLDERS:
            item.add_marker(pytest.mark.compiled)


def pytest_collection_finish():
    # Not to look again and again through what the imports left: an eighth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give a worker whole files, whose fixtures are then made once; of long files single tests."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.split("::", 1)[0]
            return nodeid if Path(file).parent.name == TESTS.name else file

    return ByFile(config, log)


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


@pytest.fixture(autouse=True)
def eager_on_tensorflow(request):
    """Run TensorFlow's functions eagerly, unless the test is marked `compiled`."""
    if TENSORFLOW:
        import tensorflow as tf

        tf.config.run_functions_eagerly(request.node.get_closest_marker("compiled") is None)


@pytest.fixture
def few_patches(monkeypatch):
    """Let contrasts be compared by few patches of their images; the distance has its own tests."""
    of_patches, search = (
        importlib.import_module(f"keras_mri_cyclegan.unpaired_curves.{module}")
        for module in ("patch_distance", "fit_curves")
    )
    all_patches = of_patches.patch_distance

    def distance(curve, source, target, *effort):
        return all_patches(curve, source, target, count=512, directions=8)

    monkeypatch.setattr(of_patches, "FEW", 1000)
    monkeypatch.setattr(of_patches, "patch_distance", distance)
    monkeypatch.setattr(search, "patch_distance", distance)
    few = functools.partial(of_patches.patches_of, count=1000)
    monkeypatch.setattr(search, "patches_of", few)


@pytest.fixture
def quick_curves(few_patches, monkeypatch):
    """Let recipes search for intensity curves with little effort; the search has its own tests.

    Returns the module of the recipe.
    """
    recipe = importlib.import_module("keras_mri_cyclegan.recipes.small_data")
    monkeypatch.setattr(
        recipe, "fit_curves", functools.partial(fit_curves, searches=1, effort=QUICK)
    )
    return recipe


@pytest.fixture
def shallow_networks(monkeypatch):
    """Let the recipes whose generators are deep have shallow ones."""
    recipes = {
        name: importlib.import_module(f"keras_mri_cyclegan.recipes.{name}")
        for name in ("paper", "tutorial", "large")
    }
    monkeypatch.setattr(recipes["paper"], "SMALL_BLOCKS", 1)
    for name in ("tutorial", "large"):
        network = functools.partial(recipes[name].unet_generator, depth=2)
        monkeypatch.setattr(recipes[name], "unet_generator", network)


@pytest.fixture
def small_networks(quick_curves, shallow_networks, monkeypatch):
    """Let every recipe have shallow networks, for what is about something else."""
    for name, arguments in (
        ("curve_generator", {"depth": 1, "blocks": 0}),
        ("patchgan_discriminator", {"layers": 1}),
    ):
        network = functools.partial(getattr(quick_curves, name), **arguments)
        monkeypatch.setattr(quick_curves, name, network)
