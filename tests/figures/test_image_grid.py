import numpy as np
import pytest

from keras_mri_cyclegan import figures

MARGIN, GAP, BACKGROUND = 8, 4, 24


def flat(value, shape=(64, 64, 1)):
    return np.full(shape, value, "float32")


def test_layout_without_titles():
    image = np.zeros((64, 64, 1), "float32")
    image[0, 0], image[0, -1], image[-1, 0] = -1, 1, 0.5
    picture = figures.image_grid([[flat(-1), flat(0)], [flat(1), image]], scale=1)
    assert picture.dtype == np.uint8
    assert picture.shape == (2 * 64 + GAP + 2 * MARGIN,) * 2
    expected = np.full(picture.shape, BACKGROUND)
    first, second = slice(MARGIN, MARGIN + 64), slice(MARGIN + 64 + GAP, -MARGIN)
    expected[first, first] = 0
    expected[first, second] = 128
    expected[second, first] = 255
    expected[second, second] = np.round((image[..., 0] + 1) * 127.5)
    np.testing.assert_array_equal(picture, expected)


@pytest.mark.parametrize(
    ("size", "scale"),
    [((192, 100), 1), ((96, 96), 2), ((64, 32), 3), ((16, 16), 12), ((217, 9), 1)],
)
def test_small_images_are_enlarged(size, scale):
    image = np.random.default_rng(0).uniform(-1, 1, size)
    picture = figures.image_grid([[image]])[MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert picture.shape == (size[0] * scale, size[1] * scale)
    grey = np.round((image + 1) * 127.5)
    np.testing.assert_array_equal(picture, np.kron(grey, np.ones((scale, scale))))


@pytest.mark.parametrize(
    ("value", "value_range", "grey"),
    [
        (-1.5, (-1, 1), 0),
        (1.5, (-1, 1), 255),
        (np.nan, (-1, 1), 0),
        (np.inf, (-1, 1), 255),
        (-np.inf, (-1, 1), 0),
        (0.2, (0, 1), 51),
        (100.0, (50, 305), 50),
    ],
)
def test_grey_levels(value, value_range, grey):
    picture = figures.image_grid([[flat(value)]], value_range=value_range)
    assert (picture[MARGIN:-MARGIN, MARGIN:-MARGIN] == grey).all()


def test_integer_images():
    image = np.arange(256, dtype="uint8").reshape(16, 16)
    picture = figures.image_grid([[image]], scale=1, value_range=(0, 255))
    np.testing.assert_array_equal(picture[MARGIN:-MARGIN, MARGIN:-MARGIN], image)
    with pytest.raises(ValueError, match=r"integers in \[0, 255\].*value_range=\(0, 255\)"):
        figures.image_grid([[image]])


@pytest.mark.parametrize(("shape", "index"), [((5, 8, 9, 3), (2, ..., 1)), ((8, 9, 5), (..., 2))])
def test_middle_slice_and_middle_channel(shape, index):
    volume = np.random.default_rng(0).uniform(-1, 1, shape)
    np.testing.assert_array_equal(
        figures.image_grid([[volume]]), figures.image_grid([[volume[index]]])
    )


def test_titles_are_drawn_beside_the_images():
    rows = [[flat(-1), flat(-1), flat(-1)]] * 2
    bare = figures.image_grid(rows)
    titled = figures.image_grid(
        rows, titles=["one", "two", "three"], row_titles=["first", "second"], caption="epoch 1"
    )
    bottom, right = bare.shape[0] - MARGIN, bare.shape[1] - MARGIN
    assert titled.shape[0] > bare.shape[0]
    assert titled.shape[1] > bare.shape[1]
    # The images lie at the lower right, unchanged; the text, lighter than all else, outside.
    np.testing.assert_array_equal(titled[-bottom:, -right:], bare[MARGIN:, MARGIN:])
    header, left = titled[:-bottom], titled[-bottom:, :-right]
    assert header.max() > 200
    assert left.max() > 200
    for column in range(3):
        x = titled.shape[1] - right + column * (192 + GAP)
        assert header[-20:, x : x + 192].max() > 200


def test_a_long_title_widens_its_columns():
    picture = figures.image_grid([[flat(1), flat(1)]], titles=["x", "a title " * 8])
    dark = figures.image_grid([[flat(1), flat(1)]], titles=["x", "x"])
    assert picture.shape[1] > dark.shape[1]
    assert (picture == 255).sum() >= 2 * 192 * 192
    border = np.concatenate([picture[:, :4].ravel(), picture[:, -4:].ravel()])
    assert (border == BACKGROUND).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": []}, "at least one row"),
        ({"rows": [[]]}, "at least one row"),
        ({"rows": [[flat(0)], [flat(0), flat(0)]]}, "same number"),
        ({"rows": [[flat(0), flat(0, (64, 32, 1))]]}, "one height and width"),
        ({"rows": [[np.zeros(64)]]}, r"Received: shape \(64,\)"),
        ({"rows": [[np.zeros((0, 4))]]}, r"Received: shape \(0, 4\)"),
        ({"rows": [[np.zeros((4, 4), "complex64")]]}, "real numbers"),
        ({"rows": [[flat(0)]], "titles": ["a", "b"]}, "each of the 1 columns"),
        ({"rows": [[flat(0)]], "row_titles": []}, "each of the 1 rows"),
        ({"rows": [[flat(0)]], "titles": "a"}, "list of strings"),
        ({"rows": [[flat(0)]], "scale": 0}, "`scale` must be"),
        ({"rows": [[flat(0)]], "value_range": (1, -1)}, "`value_range` must be"),
        ({"rows": [[flat(0)]], "value_range": 1}, "`value_range` must be"),
        ({"rows": [[flat(0)]], "value_range": (0, np.nan)}, "`value_range` must be"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        figures.image_grid(**arguments)
