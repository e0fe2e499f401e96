"""How closely numbers must agree that differ in rounding alone: one rule for all tests.

Sums of floating numbers depend on their order, and products on whether they are rounded before they
are added; both change with the processor's instructions, the number of threads, the size of a batch
and the way a graph is compiled. The rule for two computations of the same thing:

    |found − expected| ≤ ROUNDINGS · steps · epsilon · scale

- `epsilon` is the distance from 1 to the next number of the type, 2⁻²³ for float32;
- `scale` is the largest magnitude that is expected: a sum is rounded as its largest terms are,
  however small it comes out. Where all that is expected is a small rest of large terms, or lies at
  positions of an image, the scale is that of the terms, or the size of the image, and is given;
- `steps` counts the operations that follow one another and sum or scale: layers with weights,
  normalisations, resamplings, transformations; a sum of hundreds of products of both signs is two.

What was measured under `make test-processors` is at most ROUNDINGS per step, mostly below 1. What
must be the same to the last bit is compared by `np.testing.assert_array_equal`; what is an
approximation by more than rounding (statistics, interpolation) states its own slack.
"""

import os

import ml_dtypes
import numpy as np

ROUNDINGS = 4

shares: dict[str, float] = {}
"""Of each test, the largest share of what is allowed that it used."""


def rounding(steps=1, dtype=np.float32):
    """Return the difference that the rule allows, relative to the scale."""
    return ROUNDINGS * steps * float(ml_dtypes.finfo(dtype).eps)


def assert_agree(found, expected, *, steps=1, scale=None, dtype=None, what=""):
    """Assert that two arrays, of shapes that broadcast, agree up to rounding.

    Args:
        found: What was computed.
        expected: What it should be; where it is infinite or not a number, so must be what is found.
        steps: How many operations numbers went through, one after another.
        scale: The magnitude that rounding is relative to; by default the largest expected.
        dtype: The type computed in; by default the less precise of the two.
        what: What is compared, for the message.
    """
    found, expected = np.asarray(found), np.asarray(expected)
    types = [a.dtype for a in (found, expected) if a.dtype.kind in "fV"]  # V: bfloat16
    dtype = dtype or max(types, key=lambda t: ml_dtypes.finfo(t).eps, default=np.float64)
    found, expected = np.broadcast_arrays(found.astype(float), expected.astype(float))
    known = np.isfinite(expected)
    np.testing.assert_array_equal(found[~known], expected[~known], err_msg=what)
    sizes, differences = np.abs(expected[known]), np.abs(found[known] - expected[known])
    allowed = rounding(steps, dtype) * (sizes.max(initial=0) if scale is None else scale)
    difference = differences.max(initial=0)
    assert difference <= allowed, f"{what} differs by {difference:.3g}, allowed is {allowed:.3g}"
    if difference:
        test = os.environ.get("PYTEST_CURRENT_TEST", "").removesuffix(" (call)")
        shares[test] = max(shares.get(test, 0), difference / allowed)


def depth(model):
    """Return how many layers of a Keras model have weights: the steps from images to outputs."""
    return sum(bool(layer.weights) for layer in model.layers)
