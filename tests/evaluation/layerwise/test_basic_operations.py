"""The verdicts on basic operations are those of the textbook, and can be otherwise."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from evaluation.layerwise.basic_operations import (
    EXACT,
    first_kernel,
    operations_table,
    random_kernel,
)
from evaluation.reporting.operations import operations_markdown

TABLE = operations_table()


def verdict(name, boundary, positions, table=TABLE):
    rows = table[
        table["operation"].str.startswith(name)
        & (table["boundary"] == boundary)
        & (table["positions"] == positions)
    ]
    return rows.iloc[0]


STILL = ("convolution 3×3", "activation", "batch normalisation", "global average")
STRIDED = (
    "convolution 3×3, stride 2",
    "max pooling",
    "average pooling",
    "blur pooling",
)


@pytest.mark.parametrize(("boundary", "positions"), [("circular", "all"), ("zero", "valid")])
def test_what_commutes_and_what_commutes_at_multiples_only(boundary, positions):
    for name in STILL:
        assert verdict(name, boundary, positions)["verdict"] == "exact"
        assert verdict(name, boundary, positions)["error"] < EXACT
    for name in STRIDED:
        assert verdict(name, boundary, positions)["verdict"] == "exact at multiples of 2"
        assert verdict(name, boundary, positions)["error_between"] > 0.1
    assert verdict("flatten + dense", boundary, positions)["verdict"] == "destroyed"


def test_the_border_makes_a_convolution_approximate_but_not_an_activation():
    for name in ("convolution 3×3", "batch normalisation", "global average"):
        row = verdict(name, "zero", "all")
        assert row["verdict"] == "approximate"
        assert 0.01 < row["error"] < 1
    assert verdict("activation", "zero", "all")["verdict"] == "exact"


def test_blur_pooling_loses_less_than_average_than_max_than_striding():
    errors = [verdict(name, "circular", "all")["error_between"] for name in STRIDED]
    assert errors == sorted(errors, reverse=True)


def test_a_trained_kernel_is_that_of_the_first_convolution():
    model = zoo.create("fcn", (12, 12, 3), 2, filters=(2, 2, 2))
    kernel = first_kernel(model)
    np.testing.assert_array_equal(kernel, model.get_layer("stem_convolution").kernel.numpy())
    assert kernel.dtype == np.float64


def test_a_smooth_kernel_aliases_less_when_it_strides():
    smooth = np.ones((5, 5, 1, 1))
    single = np.pad(smooth[:1, :1], ((2, 2), (2, 2), (0, 0), (0, 0)))
    errors = []
    for kernel in (single, smooth):
        row = verdict("convolution 5×5, stride 2", "circular", "all", operations_table(kernel))
        assert row["verdict"] == "exact at multiples of 2"
        errors.append(row["error_between"])
    assert errors[1] < 0.5 * errors[0]


def test_a_model_without_convolution_is_refused():
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ValueError, match="has none"):
        first_kernel(model)


def test_the_table_in_markdown_has_a_line_for_each_operation():
    lines = operations_markdown(TABLE).splitlines()
    assert len(lines) == 2 + 9
    assert lines[2] == "| convolution 3×3 | exact | exact | approximate: " + lines[2][-6:]
    assert "exact at multiples of 2, between" in lines[5]
    assert random_kernel().shape == (3, 3, 4, 8)
