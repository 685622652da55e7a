import numpy as np
import pytest

from keras_mri_cyclegan import figures
from keras_mri_cyclegan.figures.colour_maps import ABSOLUTE, SIGNED

MARGIN, GAP = 8, 4
SIZE = 192  # of a tile, whatever the scale, for the images below


def images(count=2, seed=0, shape=(64, 64, 1)):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype("float32")


def tile(picture, row, column, height=SIZE, width=SIZE):
    top, left = (MARGIN + i * (n + GAP) for i, n in ((row, height), (column, width)))
    return picture[top : top + height, left : left + width]


def flat_error(difference, **arguments):
    """The colour that a constant error is drawn in."""
    truth = np.full((1, 64, 64, 1), 0.25, "float32")
    translated = (truth + difference).astype("float32")
    picture = figures.error_maps(truth, translated, truth, titles=None, **arguments)
    colours = np.unique(tile(picture, 0, 3).reshape(-1, 3), axis=0)
    assert len(colours) == 1
    return colours[0]


def test_greys_are_those_of_image_grid():
    source, translated, truth = images(seed=0), images(seed=1), images(seed=2)
    picture = figures.error_maps(source, translated, truth, titles=None)
    rows = list(zip(source, translated, truth, strict=True))
    grey = figures.image_grid(rows)
    height, width = grey.shape[0], grey.shape[1] - MARGIN
    assert picture.dtype == np.uint8
    assert picture.shape[0] == height
    for channel in range(3):
        np.testing.assert_array_equal(picture[:, :width, channel], grey[:, :width])


@pytest.mark.parametrize(
    ("error", "colour"),
    [(-1, SIGNED[0]), (-0.5, SIGNED[1]), (0, 0), (0.5, SIGNED[3]), (2, SIGNED[4])],
)
def test_signed_colours(error, colour):
    np.testing.assert_array_equal(flat_error(error, limit=1), np.broadcast_to(colour, 3))


@pytest.mark.parametrize(
    ("error", "colour"),
    [(-1, ABSOLUTE[2]), (1, ABSOLUTE[2]), (0, 0), (-0.5, ABSOLUTE[1]), (9, ABSOLUTE[4])],
)
def test_absolute_colours(error, colour):
    found = flat_error(error, limit=2, error="absolute")
    np.testing.assert_array_equal(found, np.broadcast_to(colour, 3))


def test_nan_is_white_in_the_error_and_black_in_the_image():
    truth, translated = np.zeros((1, 64, 64, 1)), np.full((1, 64, 64, 1), 0.5)
    translated[0, :32] = np.nan
    picture = figures.error_maps(truth, translated, truth, titles=None)
    assert (tile(picture, 0, 3)[:96] == 255).all()
    assert (tile(picture, 0, 3)[96:] == SIGNED[4]).all()
    assert (tile(picture, 0, 1)[:96] == 0).all()


def test_all_rows_have_the_same_scale():
    truth = np.zeros((2, 64, 64, 1))
    translated = truth + np.array([0.2, 0.4])[:, None, None, None]
    picture = figures.error_maps(truth, translated, truth, titles=None)
    assert (tile(picture, 1, 3) == SIGNED[4]).all()
    assert (tile(picture, 0, 3) == SIGNED[3]).all()  # half of the largest error


def test_no_error_at_all_is_black():
    picture = figures.error_maps(*[images()] * 3, titles=None)
    assert (tile(picture, 0, 3) == 0).all()


@pytest.mark.parametrize(("error", "colours"), [("signed", SIGNED), ("absolute", ABSOLUTE)])
def test_colour_scale(error, colours):
    picture = figures.error_maps(images(), images(seed=1), images(seed=2), error=error)
    plain = figures.error_maps(images(), images(seed=1), images(seed=2), error=error, titles=None)
    left = MARGIN + 4 * (SIZE + GAP) + GAP
    for each in (picture, plain):
        bar = each[-MARGIN - 2 * SIZE - GAP : -MARGIN, left : left + 16]
        np.testing.assert_array_equal(bar[0, 0], colours[-1])
        np.testing.assert_array_equal(bar[-1, -1], colours[0])
        numbers = each[:, left + 16 :]
        assert numbers.max() > 200
        assert (each[:MARGIN] == 24).all()
    assert picture.shape[0] > plain.shape[0]


def test_limit_changes_the_numbers_of_the_scale():
    arguments = images(), images(seed=1), images(seed=2)
    first, second = (figures.error_maps(*arguments, limit=limit) for limit in (0.5, 0.7))
    assert first.shape == second.shape
    left = MARGIN + 4 * (SIZE + GAP) + GAP
    np.testing.assert_array_equal(first[:, left : left + 16], second[:, left : left + 16])
    assert (first[:, left + 16 :] != second[:, left + 16 :]).any()


def test_middle_of_a_volume_and_of_channels():
    source, translated, truth = (images(1, seed, (5, 20, 24, 3)) for seed in range(3))
    whole = figures.error_maps(source, translated, truth, limit=1.0)
    planes = [each[:, 2, ..., 1] for each in (source, translated, truth)]
    np.testing.assert_array_equal(whole, figures.error_maps(*planes, limit=1.0))


def test_integer_images():
    truth = np.full((1, 64, 64), 200, "uint8")
    made = np.full((1, 64, 64), 190, "uint8")  # 190 - 200 would be 246
    arguments = {"value_range": (0, 255), "titles": None, "limit": 10.0}
    picture = figures.error_maps(truth, made, truth, **arguments)
    assert (tile(picture, 0, 3) == SIGNED[0]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"error": "squared"}, "`error` must be one of"),
        ({"limit": 0}, "`limit` must be above 0"),
        ({"limit": np.nan}, "`limit` must be finite"),
        ({"titles": ["a", "b"]}, "each of the 4 columns"),
        ({"row_titles": ["a"]}, "each of the 2 rows"),
        ({"scale": 0}, "`scale`"),
        ({"value_range": (1, 1)}, "`value_range`"),
        ({"truth": images(3)}, "Received: 2, 2, 3"),
        ({"truth": images(2, shape=(32, 64, 1))}, "one shape"),
        ({"source": [], "translated": [], "truth": []}, "at least one"),
    ],
)
def test_wrong_arguments(arguments, message):
    given = {"source": images(), "translated": images(), "truth": images(), **arguments}
    with pytest.raises(ValueError, match=message):
        figures.error_maps(**given)
