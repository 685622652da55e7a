"""The structure losses against their formulas in float64, and what each of them promises."""

import keras
import numpy as np
import pytest
from contracts import run_loss_contract
from gradients import gradients
from scipy import ndimage

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan import losses

SEED = np.random.default_rng(0)
SHAPES = {"2-D": (2, 11, 12, 2), "3-D": (2, 6, 7, 8, 1)}
ARGUMENTS = {
    "ngf": (losses.NormalizedGradientField, {"edge": 0.2}),
    "correlation": (losses.GradientMagnitudeCorrelation, {"epsilon": 0.05}),
    "information": (losses.MutualInformation, {"bins": 8, "normalized": False}),
    "normalised information": (losses.MutualInformation, {"bins": 8, "normalized": True}),
    "mind": (losses.MindSSC, {"radius": 1, "dilation": 1, "noise": 0.1}),
    "wide mind": (losses.MindSSC, {"radius": 0, "dilation": 2, "noise": 0.2}),
    "background": (losses.BackgroundConsistency, {"threshold": 0.2}),
}
ALL = {name: loss(**arguments) for name, (loss, arguments) in ARGUMENTS.items()}
DEFAULTS = {
    "ngf": losses.NormalizedGradientField(),
    "correlation": losses.GradientMagnitudeCorrelation(),
    "information": losses.MutualInformation(),
    "normalised information": losses.MutualInformation(normalized=True),
    "mind": losses.MindSSC(),
    "background": losses.BackgroundConsistency(),
}


def head(shape, seed):
    """Random images with air around something."""
    rng = np.random.default_rng(seed)
    inside = np.full(shape, -1.0)
    middle = (slice(None), *(slice(2, -2) for _ in shape[1:-1]))
    inside[middle] = rng.uniform(-1, 1, inside[middle].shape)
    return (inside + rng.uniform(0, 0.05, shape)).clip(-1, 1).astype("float32")


# === Each loss of one image of one channel, as its formula is written, one pixel at a time ===


def gradient_at(image, place):
    here = image[place]
    steps = np.eye(len(place), dtype=int)
    return np.array([image[tuple(np.add(place, step))] - here for step in steps])


def gradients_of(image):
    places = np.ndindex(*(size - 1 for size in image.shape))
    return np.array([gradient_at(image, place) for place in places])


def ngf(a, b):
    total = []
    for x, y in zip(gradients_of(a), gradients_of(b), strict=True):
        total.append(1 - (x @ y) ** 2 / ((x @ x + 0.2**2) * (y @ y + 0.2**2)))
    return np.mean(total)


def correlation(a, b):
    x, y = (np.sqrt((gradients_of(image) ** 2).sum(-1) + 0.05**2) for image in (a, b))
    covariance = np.mean((x - x.mean()) * (y - y.mean()))
    return 1 - covariance / np.sqrt((x.var() + 1e-6) * (y.var() + 1e-6))


def information(a, b, normalised=False):
    joint = np.zeros((8, 8))
    centres = np.arange(8) / 4 - 0.875
    for x, y in zip(a.ravel(), b.ravel(), strict=True):
        p, q = (np.exp(-((value - centres) ** 2) / (2 * 0.125**2)) for value in (x, y))
        joint += np.outer(p / p.sum(), q / q.sum()) / a.size
    product = np.outer(joint.sum(1), joint.sum(0))
    found = (joint * np.log(joint / product)).sum()
    if not normalised:
        return -found
    entropies = [-(p * np.log(p)).sum() for p in (joint.sum(0), joint.sum(1))]
    return 1 - 2 * found / sum(entropies)


def mind_descriptor(image, place, radius, dilation, noise):
    rank = image.ndim
    offsets = [
        tuple(o)
        for o in np.ndindex(*[3] * rank)
        if np.abs(np.array(o) - 1).sum() == 1  # the neighbours across a face
    ]
    patch = [np.array(o) - radius for o in np.ndindex(*[2 * radius + 1] * rank)]
    distances = []
    for i, one in enumerate(offsets):
        for other in offsets[:i]:
            if not np.array_equal(np.add(one, other), [2] * rank):  # not opposite
                p, q = (np.array(place) + (np.array(o) - 1) * dilation for o in (one, other))
                error = [(image[tuple(p + o)] - image[tuple(q + o)]) ** 2 for o in patch]
                distances.append(np.mean(error))
    distances = np.array(distances)
    assert len(distances) == {2: 4, 3: 12}[rank]
    return np.exp(-(distances - distances.min()) / (distances.mean() + noise**2))


def mind(a, b, radius=1, dilation=1, noise=0.1):
    margin = radius + dilation
    inside = [range(margin, size - margin) for size in a.shape]
    errors = []
    for place in np.ndindex(*(len(r) for r in inside)):
        at = np.add(place, margin)
        x, y = (mind_descriptor(image, at, radius, dilation, noise) for image in (a, b))
        errors.append((x - y) ** 2)
    return np.mean(errors)


def light(image):
    found = np.ones(image.shape)
    for place in np.ndindex(*image.shape):
        for axis in range(image.ndim):
            line = list(place)
            line[axis] = slice(None)
            absorbed = np.maximum(0, (image[tuple(line)] - -0.8) / 0.1) ** 2
            at = place[axis]
            found[place] *= max(np.exp(-absorbed[: at + 1].sum()), np.exp(-absorbed[at:].sum()))
    return found


def background(a, b):
    signal = np.sqrt((b + 1) ** 2 + 0.2**2) - 0.2
    darkness = np.maximum(0, 1 - (b + 1) / 0.4) ** 2
    return np.mean(light(a) * signal + (1 - light(a)) * light(b) * darkness)


FORMULAS = {
    "ngf": ngf,
    "correlation": correlation,
    "information": information,
    "normalised information": lambda a, b: information(a, b, normalised=True),
    "mind": mind,
    "wide mind": lambda a, b: mind(a, b, 0, 2, 0.2),
    "background": background,
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_formula_in_float64(name, shape):
    a, b = head(shape, 1), head(shape, 2)
    expected = [
        np.mean(
            [
                FORMULAS[name](*(x[image, ..., channel].astype("float64") for x in (a, b)))
                for channel in range(shape[-1])
            ]
        )
        for image in range(shape[0])
    ]
    found = keras.ops.convert_to_numpy(ALL[name].per_image(a, b))
    assert found.shape == (shape[0],)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert float(ALL[name](a, b)) == pytest.approx(np.mean(expected), rel=1e-4)


# === Gradients ===


def gradient_of(loss, source, translated):
    variable = keras.Variable(translated, dtype="float32")
    return gradients(lambda: loss(source, variable.value), [variable])[0]


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_gradient_by_finite_differences(name, shape):
    """Along random directions, from the formula in float64 of the first image and channel."""
    a, b = head(shape, 1), head(shape, 2)
    found = gradient_of(ALL[name], a, b)[0, ..., 0] * shape[0] * shape[-1]
    # The gradient's own direction, and a random one.
    random = np.random.default_rng(4).normal(size=found.shape)
    for direction in (found / np.linalg.norm(found), random / np.linalg.norm(random)):
        step = 1e-4 * direction
        x, y = a[0, ..., 0].astype("float64"), b[0, ..., 0].astype("float64")
        slope = (FORMULAS[name](x, y + step) - FORMULAS[name](x, y - step)) / 2e-4
        assert (found * direction).sum() == pytest.approx(slope, rel=2e-2, abs=1e-4)


@pytest.mark.parametrize(
    ("rank", "name"),
    [
        *((2, name) for name in DEFAULTS),
        *(
            pytest.param(3, name, marks=() if name == "mind" else pytest.mark.slow)
            for name in DEFAULTS
        ),
    ],
)
def test_constant_images_and_copies(rank, name):
    shape = (1, *[9] * rank, 1)
    dark, grey, bright = (np.full(shape, value, "float32") for value in (-1, 0, 1))
    signal = head(shape, 1)
    source = np.concatenate([dark, dark, bright, grey, signal, dark, signal])
    translated = np.concatenate([dark, bright, dark, grey, dark, signal, signal])
    found = keras.ops.convert_to_numpy(DEFAULTS[name].per_image(source, translated))
    assert np.isfinite(found).all()
    assert np.isfinite(gradient_of(DEFAULTS[name], source, translated)).all()


def test_a_constant_image_correlates_with_nothing():
    """Not even by the rounding of its mean."""
    images = head((1, 12, 12, 1), 1)
    constant = np.full_like(images, 0.3)
    for pair in ((images, constant), (constant, images), (constant, constant)):
        assert float(DEFAULTS["correlation"](*pair)) == pytest.approx(1, abs=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="others know every size")
@pytest.mark.parametrize("name", DEFAULTS)
def test_in_a_graph_with_an_unknown_size(name):
    import tensorflow as tf

    a, b = head((2, 12, 14, 1), 1), head((2, 12, 14, 1), 2)
    loss = DEFAULTS[name]
    anything = tf.TensorSpec((None, None, None, 1))
    function = tf.function(loss, input_signature=(anything, anything))
    assert float(function(a, b)) == pytest.approx(float(loss(a, b)), rel=1e-4, abs=1e-6)


# === What each promises ===


@pytest.fixture(scope="module")
def pair():
    return kmc.datasets.load_phantom(slices=2, size=96)


def shifted(images, pixels):
    return np.pad(images, ((0, 0), (0, 0), (pixels, 0), (0, 0)), constant_values=-1)[
        :, :, : images.shape[2]
    ]


@pytest.mark.parametrize("name", DEFAULTS)
def test_true_pairs_beat_all_that_is_shifted(name, pair):
    t1, t2 = pair
    for source, target in ((t1, t2), (t2, t1)):
        found = [float(DEFAULTS[name](source, shifted(target, k))) for k in range(6)]
        assert found[0] < found[1] < min(found[2:])


@pytest.mark.parametrize("name", ["correlation", "mind", "background"])
def test_zero_for_a_copy(name, pair):
    assert float(DEFAULTS[name](pair[0], pair[0])) == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize("name", ["ngf", "correlation", "mind", "information"])
def test_an_inverted_contrast_is_as_good_as_a_copy(name, pair):
    image = pair[0]
    copy, negative = (float(DEFAULTS[name](image, x)) for x in (image, -image))
    assert negative == pytest.approx(copy, abs=1e-5)


@pytest.mark.parametrize("name", ["ngf", "correlation", "mind", "normalised information"])
def test_a_blank_translation_costs_most(name, pair):
    t1, t2 = pair
    blank = float(DEFAULTS[name](t1, np.full_like(t1, -1)))
    assert blank > float(DEFAULTS[name](t1, shifted(t2, 5)))


def test_a_range_that_is_stated_is_kept():
    noise = [SEED.uniform(-1, 1, (1, 16, 16, 1)) for _ in range(2)]
    for name, highest in (("ngf", 1), ("normalised information", 1), ("correlation", 2)):
        assert 0 <= float(DEFAULTS[name](*noise)) <= highest


# === Background ===


def disc(radius, hole=0, value=0.5, size=48):
    grid = np.hypot(*(np.indices((size, size)) - (size - 1) / 2))
    image = np.where((grid < radius) & (grid >= hole), value, -1.0)
    return image[None, ..., None].astype("float32")


def test_background_is_the_air_around_and_not_the_holes():
    image = disc(18, hole=12)
    expected = ~ndimage.binary_fill_holes(image[0, ..., 0] > -0.9)
    found = keras.ops.convert_to_numpy(losses.BackgroundConsistency().background(image))
    np.testing.assert_allclose(found[0, ..., 0], expected, atol=1e-3)


def test_background_where_the_field_of_view_cuts_the_head():
    """A dark column that reaches the cut is seen from one side alone: it stays head."""
    image = np.full((1, 20, 20, 1), 0.5, "float32")
    image[:, :4] = -1  # air above
    image[:, 10:, 9:11] = -1  # bone, open below
    found = keras.ops.convert_to_numpy(losses.BackgroundConsistency().background(image))
    np.testing.assert_allclose(found[0, :4], 1)
    np.testing.assert_allclose(found[0, 4:], 0, atol=1e-6)


def test_background_survives_a_bright_pixel_in_air():
    image = disc(15)
    clean = keras.ops.convert_to_numpy(losses.BackgroundConsistency().background(image))
    image[0, 2, 20] = 0
    found = keras.ops.convert_to_numpy(losses.BackgroundConsistency().background(image))
    assert (found < clean - 0.5).sum() < 8  # its shadow, up to the head
    assert (found > clean + 1e-6).sum() == 0


def test_dark_inside_the_head_costs_nothing():
    solid, ring = disc(18), disc(18, hole=12)
    loss = losses.BackgroundConsistency()
    assert float(loss(solid, ring)) == pytest.approx(0, abs=1e-3)
    assert float(loss(ring, solid)) == pytest.approx(0, abs=1e-3)
    assert float(loss(ring, -np.ones_like(ring))) > 0.3


@pytest.mark.parametrize(("radius", "sign"), [(21, 1), (15, -1)])
def test_gradient_moves_the_outline_back(radius, sign):
    """Light outside the head is to fade, and what is missing of the head is to brighten."""
    source, translated = disc(18), disc(radius)
    wrong = (source > 0) != (translated > 0)
    slope = gradient_of(losses.BackgroundConsistency(), source, translated)
    assert (sign * slope[wrong] > 0).all()
    assert np.abs(slope[wrong]).min() > 1e-5


# === As an object ===


@pytest.mark.parametrize("name", ARGUMENTS)
def test_contract(name):
    run_loss_contract(*ARGUMENTS[name], head((2, 12, 14, 1), 1), head((2, 12, 14, 1), 2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.NormalizedGradientField(edge=0), "`edge` must be above 0"),
        (lambda: losses.GradientMagnitudeCorrelation(epsilon=-1), "`epsilon` must be finite"),
        (lambda: losses.MutualInformation(bins=1), "`bins` must be an integer of at least 2"),
        (lambda: losses.MutualInformation(normalized="yes"), "`normalized` must be one of"),
        (lambda: losses.MindSSC(dilation=0), "`dilation` must be an integer of at least 1"),
        (lambda: losses.MindSSC(noise=0), "`noise` must be above 0"),
        (lambda: losses.BackgroundConsistency(threshold=float("nan")), "`threshold` must be fin"),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("source", "translated", "message"),
    [
        ((2, 8, 8), (2, 8, 8), "must have shape"),
        ((2, 8, 8, 1), (2, 8, 9, 1), "must have the same shape"),
        ((2, 8, 8, 1), (2, 8, 8, 8, 1), "must have the same shape"),
        ((2, 4, 8, 1), (2, 4, 8, 1), "at least 5 pixels"),
    ],
)
def test_shapes_are_checked(source, translated, message):
    with pytest.raises(ValueError, match=message):
        losses.MindSSC()(np.zeros(source, "float32"), np.zeros(translated, "float32"))


def test_integers_are_refused():
    with pytest.raises(ValueError, match=r"`translated` must hold floating point numbers"):
        losses.MindSSC()(np.zeros((1, 8, 8, 1), "float32"), np.zeros((1, 8, 8, 1), "uint8"))


def test_a_loss_of_ones_own_must_define_compare():
    class Nothing(losses.StructureLoss):
        pass

    with pytest.raises(TypeError, match=r"Nothing must define `compare"):
        Nothing()(np.zeros((1, 8, 8, 1)), np.zeros((1, 8, 8, 1)))
