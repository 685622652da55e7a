import keras
import numpy as np
import pytest
from contracts import dtype_of, to_numpy
from keras import ops

from keras_mri_cyclegan.layers import ReflectionPadding

LAST, FIRST = "channels_last", "channels_first"

# Shape, padding, data format, the widths as numpy takes them.
CASES = [
    ((2, 5, 6, 3), 1, LAST, [(0, 0), (1, 1), (1, 1), (0, 0)]),
    ((2, 5, 6, 3), 4, LAST, [(0, 0), (4, 4), (4, 4), (0, 0)]),
    ((2, 5, 6, 3), (3, 2), LAST, [(0, 0), (3, 3), (2, 2), (0, 0)]),
    ((2, 5, 6, 3), (0, 2), LAST, [(0, 0), (0, 0), (2, 2), (0, 0)]),
    ((2, 5, 6, 3), 0, LAST, [(0, 0), (0, 0), (0, 0), (0, 0)]),
    ((2, 1, 6, 1), (0, 2), LAST, [(0, 0), (0, 0), (2, 2), (0, 0)]),
    ((2, 3, 5, 6), (3, 2), FIRST, [(0, 0), (0, 0), (3, 3), (2, 2)]),
    ((2, 4, 5, 6, 3), 2, LAST, [(0, 0), (2, 2), (2, 2), (2, 2), (0, 0)]),
    ((2, 4, 5, 6, 3), (3, 0, 1), LAST, [(0, 0), (3, 3), (0, 0), (1, 1), (0, 0)]),
    ((2, 3, 4, 5, 6), (3, 2, 1), FIRST, [(0, 0), (0, 0), (3, 3), (2, 2), (1, 1)]),
]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize(("shape", "padding", "data_format", "widths"), CASES)
def test_agrees_with_numpy(shape, padding, data_format, widths, dtype):
    # Whole numbers up to 256, exact in every dtype.
    x = np.random.default_rng(0).integers(-256, 257, shape).astype("float32")
    layer = ReflectionPadding(padding, data_format, dtype=dtype)
    output = layer(ops.cast(x, dtype))
    expected = np.pad(x, widths, mode="reflect")
    assert dtype_of(output) == dtype
    assert layer.compute_output_shape(shape) == expected.shape
    np.testing.assert_array_equal(to_numpy(output), expected)


@pytest.mark.parametrize("rank", [4, 5])
def test_refuses_a_map_that_turns_out_too_small(rank):
    inputs = keras.Input((*[None] * (rank - 2), 1))
    model = keras.Model(inputs, ReflectionPadding(3, LAST)(inputs))
    with pytest.raises(ValueError, match="greater than its padding"):
        model(np.zeros((1, *[3] * (rank - 2), 1), "float32"))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="others know every size")
def test_tensorflow_graph_refuses_a_map_that_turns_out_too_small():
    import tensorflow as tf

    layer = ReflectionPadding(3, LAST)
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 1))])
    assert graph(tf.zeros((1, 4, 4, 1))).shape == (1, 10, 10, 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="paddings"):
        graph(tf.zeros((1, 3, 4, 1)))


def test_data_format_follows_keras(monkeypatch):
    assert ReflectionPadding().data_format == keras.config.image_data_format()
    monkeypatch.setattr(keras.config, "image_data_format", lambda: FIRST)
    assert ReflectionPadding().compute_output_shape((1, 2, 5, 5)) == (1, 2, 7, 7)


@pytest.mark.parametrize(
    "padding", [-1, 1.5, True, None, "1", (1, -1), (1, None), ((1, 1), (1, 1))]
)
def test_refuses_paddings(padding):
    with pytest.raises(ValueError, match=r"`padding`.*Received"):
        ReflectionPadding(padding)


def test_refuses_data_formats():
    with pytest.raises(ValueError, match=r"`data_format`.*Received: 'NHWC'"):
        ReflectionPadding(1, "NHWC")


@pytest.mark.parametrize(
    ("padding", "data_format", "shape", "message"),
    [
        (1, LAST, (None, 5, 3), "images .4-D. or volumes .5-D."),
        (1, LAST, (None, 5, 5, 5, 5, 3), "images .4-D. or volumes .5-D."),
        ((1, 1, 1), LAST, (None, 5, 5, 3), "one for each of the 2 spatial axes"),
        ((1, 1), FIRST, (None, 3, 5, 5, 5), "one for each of the 3 spatial axes"),
        ((1, 2), LAST, (None, 5, 2, 3), "greater than its padding"),
        (5, LAST, (None, None, 5, 8), "greater than its padding"),
        (2, FIRST, (None, 3, 2, 5), "greater than its padding"),
        (1, LAST, (None, 5, 5, 1, 3), "greater than its padding"),
    ],
)
def test_refuses_shapes(padding, data_format, shape, message):
    layer = ReflectionPadding(padding, data_format)
    with pytest.raises(ValueError, match=f"{message}.*Received: .*input_shape="):
        layer.build(shape)
    with pytest.raises(ValueError, match=message):
        ReflectionPadding(padding, data_format)(keras.Input(batch_shape=shape))
