"""Images whose number is infinite or undefined: which means they enter, and what is said."""

import numpy as np
import pytest

import keras_mri_cyclegan as kmc


@pytest.fixture
def pairs():
    a, b = (images.copy() for images in kmc.datasets.load_phantom(slices=5, size=32))
    a[3] = b[3] = -1  # above the head: the same air in both
    return a, b


def test_an_empty_slice_leaves_the_means_of_every_row(pairs):
    a, b = pairs
    made = (b + 0.1).astype("float32")
    with pytest.warns(UserWarning, match=r"1 of 5 images \(number 3\).*PSNR.*A to B") as caught:
        table = kmc.evaluate(made, a, b, metrics=("psnr", "mae"))
    said = [warning for warning in caught if warning.category is UserWarning]
    assert [warning.filename for warning in said] == [__file__]
    copy, model = table.score("psnr", "copy the input"), table.score("psnr")
    assert np.isinf(copy.values[3])
    assert np.isfinite(model.values).all()
    for score in (copy, model):
        assert score.counted.tolist() == [True, True, True, False, True]
        np.testing.assert_allclose(score.mean, np.delete(score.values, 3).mean())
        assert np.isfinite([score.low, score.high]).all()
    assert table.score("mae").counted.all()
    assert sum("number 3" in note for note in table.notes) == 1


def test_a_translation_without_error_leaves_the_others_alone(pairs):
    a, b = (images[:3] for images in pairs)
    table = kmc.evaluate({"perfect": {"ab": b}, "noisy": {"ab": b + 0.1}}, a, b, metrics=("psnr",))
    perfect, noisy = table.score("psnr", "perfect"), table.score("psnr", "noisy")
    assert perfect.mean == np.inf
    assert np.isnan(perfect.low)
    assert noisy.counted.all()
    np.testing.assert_allclose(noisy.mean, 20 * np.log10(2 / 0.1), atol=1e-3)
    assert "inf" in str(table)
    assert np.isnan(table.difference("psnr", "noisy", "perfect").mean)


def test_empty_masks(pairs):
    a, b = pairs
    mask = b > -0.9
    mask[0] = False
    with pytest.warns(UserWarning, match=r"2 of 5 images \(number 0, 3\).*inside the mask"):
        table = kmc.evaluate(b + 0.1, a, b, mask=mask, metrics=("mae",))
    score = table.score("mae", region="mask")
    assert np.isnan(score.values[[0, 3]]).all()
    np.testing.assert_allclose(score.mean, 0.1, atol=1e-6)
    assert table.score("mae").counted.all()


def test_groups_of_the_images_that_stay(pairs):
    a, b = pairs
    patients = [1, 1, 2, 3, 2]
    with pytest.warns(UserWarning, match="number 3"):
        table = kmc.evaluate(b + 0.1, a, b, groups=patients, metrics=("psnr",))
    copy = table.score("psnr", "copy the input")
    means = [copy.values[[0, 1]].mean(), copy.values[[2, 4]].mean()]
    np.testing.assert_allclose([copy.low, copy.high], sorted(means))


def test_a_translation_without_edges(pairs):
    a, b = (images[:3] for images in pairs)
    with np.errstate(all="raise"):
        table = kmc.evaluate(np.zeros_like(b), a, b, metrics=("displacement",))
    assert np.isnan(table.score("displacement").mean)
    assert np.isfinite(table.score("displacement", "the truth").mean)
