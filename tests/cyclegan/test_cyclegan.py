import itertools
import os
import warnings

import keras
import numpy as np
import pytest
from small import SCORES, compiled, cyclegan, images, networks, weights

import keras_mri_cyclegan as kmc

A, B = images(5, seed=1), images(3, seed=2)


# === Translating and scoring ===


def test_translate_in_both_directions():
    model = cyclegan()
    np.testing.assert_array_equal(
        model.translate(A, direction="ab"), model.generator_ab.predict(A, verbose=0)
    )
    np.testing.assert_array_equal(
        model.translate(B, direction="ba", batch_size=2),
        model.generator_ba.predict(B, batch_size=2, verbose=0),
    )
    compiled(model)
    np.testing.assert_allclose(model.predict(A, verbose=0), model.translate(A), atol=1e-6)


def test_evaluate_scores_both_directions_as_scikit_image_does():
    metrics = pytest.importorskip("skimage.metrics")
    model = compiled()
    a, b = A[:3], B
    found = model.evaluate(a, b, batch_size=2, return_dict=True, verbose=0)
    assert set(found) == SCORES
    for direction, source, truth in (("ab", a, b), ("ba", b, a)):
        translated = model.translate(source, direction=direction)
        pairs = [
            (t[..., 0].astype("float64"), f[..., 0].astype("float64"))
            for t, f in zip(truth, translated, strict=True)
        ]
        expected = {
            "psnr": np.mean([metrics.peak_signal_noise_ratio(*p, data_range=2) for p in pairs]),
            "ssim": np.mean([metrics.structural_similarity(*p, data_range=2) for p in pairs]),
            "mae": np.mean([np.abs(t - f).mean() for t, f in pairs]),
        }
        for score, value in expected.items():
            assert found[f"{score}_{direction}"] == pytest.approx(value, abs=1e-4), score


def test_evaluate_does_not_train():
    model = compiled()
    before = weights(model)
    model.evaluate(A[:3], B, verbose=0)
    for x, y in zip(before, weights(model), strict=True):
        np.testing.assert_array_equal(x, y)


# === What does not fit ===


class Subclassed(keras.Model):
    def call(self, x):
        return x


def test_networks_that_do_not_fit_are_named():
    parts = networks()
    parts["discriminator_b"] = kmc.patchgan_discriminator((32, 32, 1), layers=1, filters=2)
    model = kmc.CycleGAN(**parts)
    with pytest.raises(
        ValueError, match=r"discriminator_b's input.*\(32, 32, 1\), not \(16, 16, 1\)"
    ):
        model.compile()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cycle_weight": -1}, "`cycle_weight` must be finite and at least 0"),
        ({"identity_weight": "5"}, "`identity_weight` must be a number"),
        ({"structure_loss": "ssim"}, "`structure_loss` must be a function"),
        (
            {"structure_loss": [kmc.losses.MindSSC()], "structure_weight": [1, 2]},
            "2 weights for 1 losses",
        ),
        ({"structure_loss": kmc.losses.MindSSC(), "structure_weight": -1}, "`structure_weight`"),
        ({"adversarial_loss": "wasserstein"}, "`adversarial_loss` must be one of 'least_squares'"),
        (
            {"generator_optimizer": keras.optimizers.Adam(loss_scale_factor=8.0)},
            "`generator_optimizer` must not scale the loss",
        ),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        cyclegan().compile(**arguments)


def test_one_optimizer_for_both_is_refused():
    optimizer = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="must be two optimizers"):
        cyclegan().compile(optimizer, optimizer)


def test_used_optimizer_is_refused():
    model = compiled()
    with pytest.raises(ValueError, match="must be a new optimizer"):
        cyclegan().compile(model.optimizer.generator_optimizer)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "`seed` must be an integer of at least 0"),
        ({"generator_ab": Subclassed()}, "must have one input of known shape.*wrap it"),
        ({"generator_ab": "unet"}, "`generator_ab` must be a `keras.Model`"),
        ({"pool_size": -1}, "`pool_size` must be an integer of at least 0"),
        ({"augmentation": lambda x: x}, "`augmentation` must be a `keras.layers.Layer`"),
        (
            {"discriminator_a": kmc.patchgan_discriminator((None, None, 1), filters=1)},
            "`pool_size` must be 0 if a discriminator takes images of any size",
        ),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        kmc.CycleGAN(**{**networks(), **arguments})


NAN = A.copy()
NAN[2, 3, 4, 0] = np.nan


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (
            A[..., 0],
            B,
            r"^`x` \(images of A\) must have shape \(batch, height, width, channels\).*channel",
        ),
        (
            A,
            B[:, :8],
            r"`y` \(images of B\) holds images of shape \(8, 16, 1\).*network takes \(16, 16, 1\)",
        ),
        (
            (A * 127).astype("uint8"),
            B,
            r"`x` \(images of A\) must hold floating point numbers.*uint8",
        ),
        (A.astype(complex), B, r"`x` \(images of A\) must hold floating point numbers"),
        (A[:0], B, r"`x` \(images of A\) holds no image"),
        (
            NAN,
            B,
            r"`x` \(images of A\) holds 1 values that are NaN or infinite \(first in image 2\)",
        ),
        (A, None, r"needs images of both domains: `fit\(x, y\)`.*x=an array and y=None"),
        (None, None, "x=None and y=None"),
    ],
)
def test_fit_refuses_images_that_the_networks_cannot_take(a, b, message):
    model = compiled()
    before = weights(model)
    with pytest.raises(ValueError, match=message):
        model.fit(a, b, verbose=0)
    for x, y in zip(before, weights(model), strict=True):
        np.testing.assert_array_equal(x, y)


def test_fit_checks_the_first_batch_of_a_source():
    with pytest.raises(ValueError, match=r"The first batch of `x`, images of B,.*\(8, 16, 1\)"):
        compiled().fit((pair for pair in [(A, B[:, :8])]), verbose=0)
    with pytest.raises(ValueError, match=r"`x`, a source .* must yield batches \(a, b\)"):
        compiled().fit((single for single in [(A,)]), verbose=0)
    with pytest.raises(ValueError, match="yielded no batch"):
        compiled().fit(iter([]), verbose=0)


def test_fit_before_compile_says_so():
    with pytest.raises(ValueError, match="compile"):
        cyclegan().fit(A, B)


def warned(call):
    """Return the texts of a call's warnings about the range, which are about this file's line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    found = [one for one in caught if "the networks expect [-1, 1]" in str(one.message)]
    assert {os.path.basename(one.filename) for one in found} <= {"test_cyclegan.py"}
    return [str(one.message) for one in found]


def test_images_of_0_to_255_warn_once_a_call():
    """Not once in a model's life: a second study of the wrong range went unseen."""
    model = compiled()
    a, b = A * 127 + 128, B * 127 + 128
    for _ in range(2):
        (text,) = warned(lambda: model.translate(a))
        assert text.startswith("`images` has values in [")
        (text,) = warned(lambda: model.evaluate(a[:3], b, verbose=0))
        assert text.startswith("`x` (images of A) has values in [")
    (text,) = warned(lambda: model.evaluate(A[:3], b, verbose=0))
    assert text.startswith("`y` (images of B) has values in [")
    assert not warned(lambda: model.evaluate(A[:3], B, verbose=0))


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        ({"x": A * 127, "y": B, "batch_size": 3}, "`x` (images of A) has"),
        (
            {"x": iter([(A, B * 127)] * 2), "steps_per_epoch": 1},
            "The first batch of `x`, images of B",
        ),
        (
            {"x": A, "y": B, "batch_size": 3, "validation_data": (A[:3] * 127, B * 127)},
            "`validation_data[0]` (images of A) has",
        ),
    ],
)
def test_fit_warns_of_the_range_once_and_calls_the_arguments_what_they_are(arguments, start):
    (text,) = warned(lambda: compiled().fit(**arguments, epochs=2, verbose=0))
    assert text.startswith(start)


def test_translate_refuses():
    model = cyclegan()
    with pytest.raises(ValueError, match="`direction` must be one of 'ab', 'ba'"):
        model.translate(A, direction="t1_to_t2")
    with pytest.raises(ValueError, match=r"holds images of shape \(16, 8, 1\)"):
        model.translate(A[:, :, :8])


@pytest.mark.parametrize(
    ("first", "second"), list(itertools.combinations(["ab", "ba", "a", "b"], 2)), ids="-".join
)
def test_one_network_as_two_is_refused(first, second):
    parts = networks()
    one, other = (f"{'generator' if len(d) == 2 else 'discriminator'}_{d}" for d in (first, second))
    parts[other] = parts[one]
    with pytest.raises(ValueError, match=f"`{one}` and `{other}` must be two networks"):
        kmc.CycleGAN(**parts)


def test_evaluate_needs_pairs():
    with pytest.raises(ValueError, match="draws them independently"):
        compiled().evaluate(kmc.data.UnpairedDataset(A, B), verbose=0)
    with pytest.raises(ValueError, match=r"as many images of A as of B\. Received: 5 and 3"):
        compiled().evaluate(A, B, verbose=0)
