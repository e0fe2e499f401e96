"""Laws of a sweep's floors, what resampling and rounding alone make of answers, and of crops."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from evaluation import sweep
from tests.agreement import assert_agree
from tests.evaluation.made import network
from zoo.datasets import from_arrays
from zoo.transformations import TRANSFORMATIONS, compose

COUNT, SHAPE, CLASSES = 11, (8, 8, 3), 3
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((COUNT, *SHAPE), np.float32)
LABELS = np.arange(COUNT) % CLASSES
DATA = from_arrays(IMAGES, LABELS, name="noise")
LARGE = from_arrays(RANDOM.random((COUNT, 14, 16, 3), np.float32), LABELS, name="frames")
WEIGHTS = RANDOM.normal(size=(2, 512, CLASSES)).astype(np.float32)


class Sizes:
    """A linear network that writes down the sizes of its batches, and may break at one."""

    def __init__(self, seed=0, broken_at=None):
        self.seen, self.seed, self.broken_at = [], seed, broken_at

    def __call__(self, images):
        self.seen.append(len(images))
        if len(self.seen) == self.broken_at:
            raise RuntimeError("out of memory")
        flat = tf.reshape(images, (len(images), -1))
        return {"logits": flat @ tf.constant(WEIGHTS[self.seed, : flat.shape[1]])}


def handle(name="linear", shape=SHAPE, **how):
    return network(name, "classification", shape, CLASSES, Sizes(**how), name * 9)


def family(name, *strengths, **changes):
    return replace(TRANSFORMATIONS[name], strengths=strengths, **changes)


EXACT = [
    family("translation_x", -3, 5, boundary="circular"),
    family("subpixel_translation", -100, 300, boundary="circular"),
    family("rotation", -90, 180),
    family("horizontal_flip", 1),
    family("translation_y", -2, 1),  # what leaves the frame is no matter of interpolation
    family("translation_x", 3, -1, boundary="reflect"),
]


@pytest.mark.parametrize("axis", EXACT, ids=lambda t: t.name)
def test_the_floor_of_an_exact_action_is_the_reference_and_costs_no_forward_pass(axis, tmp_path):
    models = [handle("a"), handle("b", seed=1)]
    predictions = sweep(models, DATA, [axis], tmp_path, batch_size=6)
    cells = 1 + len(axis.strengths)
    for model in models:
        assert model.predict.seen == [6, 5] * cells + [4, 4, 3]
        reference = predictions.cell(model, axis, 0)["logits"]
        for v in axis.strengths:
            floor = predictions.floor(model, axis, v)["logits"]
            assert floor.shape == (COUNT, CLASSES)
            np.testing.assert_array_equal(floor, reference)
            assert not np.allclose(predictions.cell(model, axis, v)["logits"], reference)


@pytest.mark.parametrize(
    "axis",
    [
        family("rotation", -30, 45),
        family("scale", 80, 150),
        family("shear", 30, 20, boundary="reflect"),
        family("subpixel_translation", -40, 50),
    ],
    ids=lambda t: t.name,
)
def test_the_floor_of_an_interpolated_action_is_what_there_and_back_makes(axis, tmp_path):
    model = handle()
    predictions = sweep([model], DATA, [axis], tmp_path, batch_size=6)
    assert model.predict.seen == [6, 5] * 3 + [4, 4, 3] + [6, 5] * 2
    reference = predictions.cell(model, axis, axis.identity)["logits"]
    for v in axis.strengths:
        back = axis.images(axis.images(IMAGES, v), axis.inverse(v))
        empty = replace(axis, boundary="zero")  # shows what left the frame
        ones = empty.images(empty.images(np.ones_like(IMAGES), v), axis.inverse(v))
        stayed = np.asarray(ones) > 1 - 1e-4
        assert 0 < stayed.mean() < 1
        expected = Sizes()(tf.constant(np.where(stayed, back, IMAGES)))["logits"]
        floor = predictions.floor(model, axis, v)["logits"]
        assert_agree(floor, expected, steps=2)
        assert np.abs(floor - reference).max() > 0.01


def test_a_floor_does_not_contain_what_left_the_frame(tmp_path):
    """A network that sees the rim alone, most of which is lost on the way there."""

    def rim(images):
        return {"logits": tf.reduce_sum(images[:, 0], axis=1)}

    model = network("rim", "classification", SHAPE, CLASSES, rim, "rim")
    axis = family("scale", 200, boundary="zero")
    predictions = sweep([model], DATA, [axis], tmp_path, batch_size=6)
    reference = predictions.cell(model, axis, 100)["logits"]
    np.testing.assert_array_equal(predictions.floor(model, axis, 200)["logits"], reference)
    assert np.abs(predictions.cell(model, axis, 200)["logits"] - reference).max() > 0.1


def test_only_the_batches_that_changed_are_shown_again(tmp_path):
    images = IMAGES.copy()
    images[:6] = 0  # of which interpolation changes nothing
    model = handle()
    axis = family("rotation", 30)
    sweep([model], from_arrays(images, LABELS), [axis], tmp_path, batch_size=6)
    assert model.predict.seen == [6, 5] * 2 + [4, 4, 3] + [5]


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(256, [6, 5]), (3, [2] * 5 + [1]), (2, [1] * 11), (1, [2] * 5 + [1])]
)
def test_rebatching_shows_the_same_images_in_other_batches(batch_size, sizes, tmp_path):
    model = handle()
    axis = family("brightness", 10)
    predictions = sweep([model], DATA, [axis], tmp_path, batch_size=batch_size)
    assert model.predict.seen[-len(sizes) :] == sizes
    again = predictions.rebatched(model)["logits"]
    assert_agree(again, predictions.cell(model, axis, 0)["logits"], steps=2)


def test_light_compositions_and_the_identity_have_no_floor(tmp_path):
    axes = [family("brightness", 10), compose("shear", "rotation", strengths=[(10, 5)])]
    model = handle()
    predictions = sweep([model], DATA, axes, tmp_path, batch_size=6)
    assert len(model.predict.seen) == 2 * 3 + 3
    for axis, v in ((axes[0], 10), (axes[0], 0), (axes[1], (10, 5))):
        with pytest.raises(FileNotFoundError, match="there are none: sweep first"):
            predictions.floor(model, axis, v)


def test_floors_can_be_left_out(tmp_path):
    model, axis, told = handle(), family("rotation", 30), []
    predictions = sweep(
        *([model], DATA, [axis], tmp_path),
        batch_size=6,
        floors=False,
        progress=lambda *done: told.append(done),
    )
    assert model.predict.seen == [6, 5] * 2
    assert told == [(0, 2), (1, 2), (2, 2)]
    for absent in (
        lambda: predictions.floor(model, axis, 30),
        lambda: predictions.rebatched(model),
    ):
        with pytest.raises(FileNotFoundError, match="there are none: sweep first"):
            absent()
    nothing = replace(predictions.protocol, transformations=())
    with pytest.raises(FileNotFoundError, match="there is none"):
        replace(predictions, protocol=nothing).rebatched(model)


def test_floors_go_on_where_a_sweep_was_killed(tmp_path):
    axis = family("rotation", 30, 60)
    broken = handle(broken_at=2 * 3 + 3 + 4)  # in the second batch of the second floor
    with pytest.raises(RuntimeError, match="out of memory"):
        sweep([broken], DATA, [axis], tmp_path / "cells", batch_size=6)
    assert len(list((tmp_path / "cells").rglob("*.npy"))) == 3 + 1 + 1
    whole, fresh = handle(), handle()
    resumed = sweep([whole], DATA, [axis], tmp_path / "cells", batch_size=6)
    assert whole.predict.seen == [6, 5]
    expected = sweep([fresh], DATA, [axis], tmp_path / "fresh", batch_size=6)
    for v in (30, 60):
        np.testing.assert_array_equal(
            resumed.floor(whole, axis, v)["logits"], expected.floor(fresh, axis, v)["logits"]
        )


def test_a_crop_shows_windows_of_the_size_of_the_models(tmp_path):
    models = [handle("fixed"), handle("any", shape=(None, None, 3), seed=1)]
    axis = family("translation_x", -4, 3, boundary="crop")
    predictions = sweep(models, LARGE, [axis], tmp_path, batch_size=6)
    (cropped,) = predictions.transformations
    assert cropped.window == (8, 8)
    for seed, model in enumerate(models):
        for v in (-4, 0, 3):
            window = LARGE.image_batch(slice(None))[:, 3:11, 4 - v : 12 - v]
            expected = Sizes(seed)(tf.constant(window))["logits"]
            observed = predictions.cell(model, cropped, v)["logits"]
            assert_agree(observed, expected, steps=2)
        # 4 px of margin keep what leaves the window: the floor is exact, and free.
        assert model.predict.seen == [6, 5] * 3 + [4, 4, 3]
        reference = predictions.cell(model, cropped, 0)["logits"]
        np.testing.assert_array_equal(predictions.floor(model, cropped, -4)["logits"], reference)
        assert_agree(predictions.rebatched(model)["logits"], reference, steps=2)


def test_every_window_and_the_whole_frame_have_an_identity_of_their_own(tmp_path):
    model = network(
        *("pool", "classification", (None, None, 3), CLASSES),
        lambda images: {"logits": tf.reduce_mean(images, (1, 2))},
        "pool",
    )
    axes = [
        family("translation_x", 1, boundary="crop", window=(8, 8)),
        family("shear", 10, boundary="crop", window=(8, 8)),
        family("shear", 10, boundary="crop", window=(6, 10)),
        family("rotation", 180),
    ]
    predictions = sweep([model], LARGE, axes, tmp_path)
    one, same, other, whole = (predictions.cell(model, t, t.identity)["logits"] for t in axes)
    np.testing.assert_array_equal(one, same)
    images = LARGE.image_batch(slice(None))
    for found, expected in (
        (one, images[:, 3:-3, 4:-4]),
        (other, images[:, 4:-4, 3:-3]),
        (whole, images),
    ):
        assert_agree(found, expected.mean(axis=(1, 2)))
    assert len(list(tmp_path.glob("*/*/identity*"))) == 3 + 1
    assert len(list(tmp_path.glob("*/*/*/10"))) == 2
    assert {path.parent.name[:-13] for path in tmp_path.glob("*/*/*/10")} == {
        "shear.crop-8x8",
        "shear.crop-6x10",
    }


@pytest.mark.parametrize(
    ("shapes", "window", "message"),
    [
        (
            [(None, None, 3)],
            None,
            r"one input size for shear to crop to, received any: give window=\(",
        ),
        ([SHAPE, (6, 8, 3)], None, r"shear to crop to, received 6×8, 8×8: give window=\(h, w\)"),
        ([SHAPE], (6, 6), r"images \(8, 8, 3\) for 0, those of frames are \(6, 6, 3\)"),
        ([(16, 16, 3)], None, r"whole pixels in a frame of 14×16, received 16×16"),
        ([(9, 9, 3)], None, r"whole pixels in a frame of 14×16, received 9×9"),
        ([(8, 8, 1)], None, r"images \(8, 8, 1\) for 0, those of frames are \(8, 8, 3\)"),
    ],
)
def test_a_window_that_does_not_fit_is_refused_before_anything_is_shown(
    shapes, window, message, tmp_path
):
    models = [handle(str(k), shape=shape) for k, shape in enumerate(shapes)]
    axis = family("shear", 10, boundary="crop", window=window)
    with pytest.raises(ValueError, match=message) as error:
        sweep(models, LARGE, [axis], tmp_path)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
    assert not any(model.predict.seen for model in models)
