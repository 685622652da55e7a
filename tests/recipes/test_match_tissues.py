import keras
import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.recipes import match_tissues, measure_contrast, seen_tissues
from keras_mri_cyclegan.simulation import TISSUES, MeasuredTissues

WHITE, FLUID = TISSUES.index("white_matter"), TISSUES.index("csf")


def segmenter(bright_is_white):
    """White matter where it is bright, fluid where it is dark; or the other way round."""
    image = keras.Input((None, None, 1), name="image")
    scores = keras.layers.Conv2D(len(TISSUES) + 1, 1, name="tissue_scores")
    shares = keras.layers.Activation("softmax", name="tissues")(scores(image))
    kernel, bias = np.zeros((1, 1, 1, len(TISSUES) + 1)), np.full(len(TISSUES) + 1, -100.0)
    kernel[..., WHITE], kernel[..., FLUID] = (50, -50) if bright_is_white else (-50, 50)
    bias[[WHITE, FLUID]] = 0
    scores.set_weights([kernel, bias])
    return keras.Model(image, shares)


def copying_generator():
    """A copy of the image, with tissue offsets."""
    tissues = segmenter(bright_is_white=True)
    offsets = keras.layers.Conv2D(1, 1, use_bias=False, name="tissue_offsets")(tissues.output)
    copy = keras.layers.Activation("linear", name="output")(tissues.input)
    return keras.Model(tissues.input, keras.layers.Add()([copy, offsets]))


def images(fluid, white, seed):
    rng = np.random.default_rng(seed)
    white_here = rng.random((4, 32, 32, 1)) < 0.6
    image = np.where(white_here, white, fluid) + rng.normal(0, 0.02, white_here.shape)
    return image.astype("float32"), white_here


def test_tissues_become_as_bright_as_in_the_other_contrast():
    a, white_here = images(-0.5, 0.6, 0)
    b, _ = images(0.7, -0.2, 1)
    generator = copying_generator()
    found = match_tissues(generator, a, b, segmenter=segmenter(bright_is_white=False))
    assert set(found) == {"white_matter", "csf"}
    assert found["white_matter"] == pytest.approx((0.6, -0.2), abs=0.01)
    translated = generator.predict(a, verbose=0)
    assert np.median(translated[white_here]) == pytest.approx(0.0, abs=0.01)  # 0.6 at most
    assert np.median(translated[~white_here]) == pytest.approx(0.1, abs=0.01)
    b, _ = images(-0.1, 0.3, 2)
    match_tissues(
        generator, a, b, segmenter=segmenter(bright_is_white=True)
    )  # from the start again
    translated = generator.predict(a, verbose=0)
    assert np.median(translated[white_here]) == pytest.approx(0.3, abs=0.01)
    assert np.median(translated[~white_here]) == pytest.approx(-0.1, abs=0.01)


def test_a_tissue_that_is_hardly_there_is_left_out():
    a, _ = images(-0.5, 0.6, 0)
    shares = segmenter(bright_is_white=True).predict(a, verbose=0)
    few = shares[:, :2, :2]
    assert set(seen_tissues(a, shares)) == {"white_matter", "csf"}
    assert seen_tissues(a[:, :2, :2], few) == {}


def test_measured_intensities_and_those_that_are_not_seen():
    a, _ = images(0.1, 0.5, 0)
    tissues = segmenter(bright_is_white=True)
    named = measure_contrast(a, "t1", tissues)  # 0.1 counts as white matter as well
    assert set(named.intensities) == set(TISSUES) - {"soft_tissue"}
    unnamed = measure_contrast(a, None, tissues)
    white = unnamed.intensities["white_matter"]
    assert unnamed.intensities["brain_stem"] == unnamed.intensities["nerve"] == white
    assert named.intensities["white_matter"] == white
    assert named.spreads["white_matter"] > 0


def test_unseen_tissues_follow_the_signal_equations():
    """White matter and fluid as a T2-weighted scan has them: grey matter is between."""
    a, _ = images(0.9, -0.5, 0)
    found = measure_contrast(a, "t2", segmenter(bright_is_white=False)).intensities
    assert found["csf"] == pytest.approx(0.95, abs=0.02)
    assert found["white_matter"] == pytest.approx(0.25, abs=0.02)
    assert found["white_matter"] < found["grey_matter"] < found["csf"]
    assert found["bone"] < 0.1


def test_no_tissue_at_all():
    with pytest.raises(ValueError, match="No tissue was found"):
        measure_contrast(np.zeros((1, 16, 16, 1), "float32"), "t1", segmenter(True))


def test_measured_contrasts_are_simulated_as_they_were_measured():
    measured = MeasuredTissues({"csf": 0.9, "white_matter": 0.4}, {"white_matter": 0.05})
    drawn = [measured.draw(np.random.default_rng(k)) for k in range(300)]
    white = np.array([one.intensities["white_matter"] for one in drawn])
    assert white.mean() == pytest.approx(0.4, abs=0.01)
    assert white.std() == pytest.approx(0.03, abs=0.005)
    assert {one.intensities["csf"] for one in drawn} == {0.9}
    assert {round(abs(one.texture["white_matter"]), 6) for one in drawn} == {0.04}
    assert all(one.scaled for one in drawn)
    with pytest.raises(ValueError, match="not known"):
        MeasuredTissues({"cheese": 0.5})
    for spread in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="csf"):
            MeasuredTissues({"csf": 0.5}, {"csf": spread})


def test_a_generator_without_offsets():
    generator = kmc.contrast_generator("t1", "t2", weights=None, depth=1, filters=2)
    with pytest.raises(ValueError, match="tissue_offsets=True"):
        match_tissues(generator, np.zeros((1, 16, 16, 1)), np.zeros((1, 16, 16, 1)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((1, 32, 32, 1), "uint8"), "floating point"),
        (np.full((1, 32, 32, 1), np.nan), "NaN"),
        (np.zeros((1, 30, 32, 1)), "multiple of 16"),
        (np.zeros((1, 32, 32, 2)), "multiple of 16"),
        (np.full((1, 16, 16, 1), -1.0), "No tissue was found"),
    ],
)
def test_bad_images_change_nothing(wrong, message):
    generator = copying_generator()
    before = generator.get_layer("tissue_offsets").get_weights()[0]
    a, _ = images(-0.5, 0.6, 0)
    for pair in ((a, wrong), (wrong, a)):
        with pytest.raises(ValueError, match=message):
            match_tissues(generator, *pair, segmenter=segmenter(True))
    np.testing.assert_array_equal(generator.get_layer("tissue_offsets").get_weights()[0], before)
    with pytest.raises(ValueError, match=message):
        measure_contrast(wrong, "t1", segmenter(True))
