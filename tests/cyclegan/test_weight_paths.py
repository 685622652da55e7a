import h5py
import keras
import numpy as np
import pytest
from small import compiled, cyclegan, images, networks, tiny_cyclegan

import keras_mri_cyclegan as kmc

A, B = images(2, seed=1), images(2, seed=2)


@pytest.mark.parametrize("make", [cyclegan, tiny_cyclegan])
def test_every_weight_and_every_moment_has_a_path_of_its_own(make):
    model = compiled(make())
    for variables in (model.variables, model.optimizer.variables):
        paths = [variable.path for variable in variables]
        assert len(set(paths)) == len(paths)
    for name, network in model.networks.items():
        assert all(v.path.startswith(f"{name}/") for v in network.variables)


def test_a_network_that_changes_its_place_is_called_by_the_new_one():
    first = cyclegan()
    path = first.generator_ab.weights[0].path
    second = kmc.CycleGAN(
        first.generator_ba, first.generator_ab, first.discriminator_b, first.discriminator_a
    )
    assert second.generator_ba.weights[0].path == path.replace("generator_ab", "generator_ba")
    assert second.generator_ba.weights[0].path.count("generator") == 1


def test_files_hold_the_weights_as_before(tmp_path):
    parts = networks()
    for name, network in parts.items():
        network.save_weights(tmp_path / f"{name}.weights.h5")
        network.save(tmp_path / f"{name}.keras")
    model = compiled(kmc.CycleGAN(**parts))
    model.fit(A, B, verbose=0)

    def names(path):
        found = []
        with h5py.File(path) as file:
            file.visit(found.append)
        return found

    for name, network in model.networks.items():
        network.save_weights(tmp_path / "after.weights.h5")
        assert names(tmp_path / "after.weights.h5") == names(tmp_path / f"{name}.weights.h5")
        network.load_weights(tmp_path / f"{name}.weights.h5")  # written without a CycleGAN
        loaded = keras.models.load_model(tmp_path / f"{name}.keras")
        for x, y in zip(network.get_weights(), loaded.get_weights(), strict=True):
            np.testing.assert_array_equal(x, y)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for x, y in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)
    again.fit(A, B, verbose=0)
