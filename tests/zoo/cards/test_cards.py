"""Cards describe what the model of an architecture does, and no scores but recorded ones."""

import struct
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from zoo import architectures
from zoo.cards.blocks import blocks
from zoo.cards.facts import INPUT_SHAPE, NUM_CLASSES, facts
from zoo.cards.figure import architecture_figure
from zoo.cards.page import HEADER, NO_RECORD, card, index, row
from zoo.cards.symmetries import EXACT, exact, symmetry_errors
from zoo.weights import Record, records, write_records

RECORD = Record(
    command="python -m training --architectures plain_cnn",
    seed=7,
    placement="uniform",
    epochs=2,
    images_seen=120_000,
    wall_seconds=61.4,
    parameters=100,
    input_shape=INPUT_SHAPE,
    num_classes=NUM_CLASSES,
    options={"dropout": 0.2},
    accuracy={"value": 0.9871, "low": 0.985, "high": 0.989, "n": 10_000},
    scores={"invariance_score/rotation": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 1000}},
    versions={"keras": "3.15"},
)


def detector(input_shape, num_classes, *, filters=(3, 4)):
    """Find an object by two paths that meet, with two heads (Somebody 2001).

    A second paragraph.

    Args:
        input_shape: `(H, W, C)`.
    """
    images = keras.Input(input_shape, name="images")
    stem = layers.Conv2D(filters[0], 3, padding="same", name="stem")(images)
    x = layers.Conv2D(filters[0], 3, padding="same", name="stage1_convolution")(stem)
    x = layers.Add(name="stage1")([keras.ops.relu(x), stem])
    x = layers.Conv2D(filters[1], 3, 2, padding="same", name="stage2_convolution")(x)
    y = layers.Activation("relu", name="stage2_relu")(x)
    x = layers.Add(name="stage2")([x, y])
    skip = layers.MaxPooling2D(2, name="side_pool")(stem)
    x = layers.Concatenate(name="merge")([x, skip])
    x = layers.GlobalAveragePooling2D(name="pre_logits")(x)
    outputs = {
        "logits": layers.Dense(num_classes, name="logits")(x),
        "box": layers.Dense(4, name="box")(x),
    }
    return keras.Model(images, outputs, name="detector")


@pytest.fixture
def with_detector(monkeypatch):
    monkeypatch.setitem(architectures.ARCHITECTURES, "detector", detector)


@pytest.fixture(scope="module")
def cards():
    return {name: facts(name) for name in ("mlp", "global_avg_cnn", "polyphase_cnn", "fcn")}


def test_symmetries_are_those_of_the_mathematics(cards):
    assert exact(cards["mlp"].symmetries["defaults"]) == []
    assert list(cards["mlp"].symmetries) == ["defaults"]
    assert exact(cards["global_avg_cnn"].symmetries["defaults"]) == []
    circular = cards["global_avg_cnn"].symmetries["circular padding"]
    assert exact(circular) == ["circular shifts by multiples of 4 px"]
    assert exact(cards["polyphase_cnn"].symmetries["defaults"]) == ["circular shifts"]
    assert exact(cards["fcn"].symmetries["circular padding"]) == ["circular shifts"]


def test_other_options_bring_other_symmetries():
    found = facts("group_cnn").symmetries
    assert exact(found["defaults"]) == ["quarter turns"]
    assert exact(found["group p4m"]) == ["quarter turns", "reflections"]
    assert exact(facts("unet").symmetries["polyphase, circular"]) == ["circular shifts"]


def test_between_exact_and_broken_lies_a_wide_gap(cards):
    errors = [
        error
        for found in cards.values()
        for laws in found.symmetries.values()
        for error in laws.values()
    ]
    assert all(error < EXACT / 5 or error > 100 * EXACT for error in errors)


@pytest.mark.parametrize(
    ("change", "law"), [("turn", "quarter turns"), ("flip", "reflections"), (None, None)]
)
def test_a_symmetry_that_is_built_in_is_found_and_no_other(change, law):
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 2))
    network = keras.Sequential([layers.Flatten(), layers.Dense(5, "relu"), layers.Dense(3)])

    def turned(x, times):
        return (
            x if times == 0 else turned(keras.ops.flip(keras.ops.swapaxes(x, 1, 2), 1), times - 1)
        )

    if change == "turn":
        views = [turned(images, k) for k in range(4)]
    elif change == "flip":
        views = [keras.ops.flip(keras.ops.flip(images, a), b) for a in (1, ()) for b in (2, ())]
    else:
        views = [images]
    outputs = sum(network(view) for view in views)
    errors = symmetry_errors(keras.Model(images, outputs))
    assert exact(errors) == ([law] if law else [])


def test_an_answer_that_never_varies_is_no_symmetry():
    images = keras.Input((8, 8, 1))
    x = layers.Flatten()(images)
    almost = layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(0, 1e-4))(x)
    assert not exact(symmetry_errors(keras.Model(images, almost)))


def test_a_map_of_another_size_than_the_image_has_no_errors_to_show():
    images = keras.Input((8, 8, 1))
    model = keras.Model(images, layers.Conv2D(2, 3)(images))
    assert all(np.isnan(error) for error in symmetry_errors(model).values())


def test_facts_are_those_of_the_model(cards):
    found = cards["global_avg_cnn"]
    model = zoo.create("global_avg_cnn", INPUT_SHAPE, NUM_CLASSES)
    assert (found.task, found.parameters) == ("classification", model.count_params())
    convolutions = 9 * (1600 * 1 * 24 + 400 * 24 * 48 + 100 * 48 * 96)
    assert found.multiply_adds == convolutions + 96 * 10
    assert (found.total_stride, found.receptive_field) == ("4 px", "18 px")
    taps = {tap.name: (tap.shape, tap.stride, tap.receptive_field) for tap in found.taps}
    assert taps["stage1"] == ("20×20×48", "2", "8 px")
    assert taps["logits"] == ("10", "no positions", "whole frame")
    assert cards["polyphase_cnn"].total_stride == "follows the image"
    assert cards["mlp"].receptive_field == "whole frame"
    assert (cards["fcn"].task, cards["fcn"].total_stride) == ("segmentation", "1 px")


def test_a_dictionary_of_outputs_is_described_too(with_detector):
    found = facts("detector")
    assert found.task == "detection"
    assert found.description == (
        "Find an object by two paths that meet, with two heads (Somebody 2001).\n\n"
        "A second paragraph."
    )
    assert [tap.name for tap in found.taps] == [
        *("stem", "stage1", "stage2", "pre_logits", "logits", "box")
    ]
    assert list(found.symmetries) == ["defaults"]  # it has no padding to choose
    assert "`(3, 4)`" in card(found)


def test_blocks_are_taps_with_what_flows_between_them():
    found = blocks(detector(INPUT_SHAPE, NUM_CLASSES))
    assert {name: block.sources for name, block in found.items()} == {
        "images": set(),
        "stem": {"images"},
        "stage1": {"stem"},
        "stage2": {"stage1"},
        "side": {"stem"},
        "merge": {"stage2", "side"},
        "pre_logits": {"merge"},
        "logits": {"pre_logits"},
        "box": {"pre_logits"},
    }
    assert found["stage2"].shape == (20, 20, 4)
    assert dict(found["stage1"].layers) == {"convolution 3×3": 1, "relu": 1, "add": 1}
    assert next(iter(found["stage2"].layers)) == "convolution 3×3, step 2"
    assert [name for name, block in found.items() if block.joins] == ["stage2"]


def test_blocks_that_go_round_in_a_circle_are_split():
    images = keras.Input((8, 8, 1), name="images")
    x = layers.Conv2D(2, 1, name="stage1_in")(images)
    x = layers.Conv2D(2, 1, name="stage2")(x)
    x = layers.Conv2D(2, 1, name="stage1_out")(x)
    found = blocks(keras.Model(images, x))
    assert {name: block.sources for name, block in found.items()} == {
        "images": set(),
        "stage1": {"images"},
        "stage2": {"stage1"},
        "stage1 (2)": {"stage2"},
    }


def test_every_architecture_has_blocks_from_images_to_logits():
    for name in architectures.ARCHITECTURES:
        found = blocks(zoo.create(name, INPUT_SHAPE, NUM_CLASSES))
        assert next(iter(found)) == "images"
        assert {"stem", "stage1", "pre_logits", "logits"} <= set(found)


@pytest.mark.parametrize("build", [detector, architectures.ARCHITECTURES["plain_cnn"]])
def test_a_figure_is_1200_pixels_wide_and_small(build):
    content = architecture_figure(build(INPUT_SHAPE, NUM_CLASSES))
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert width == 1200
    assert 100 < height < 1200
    assert len(content) < 60_000


def test_without_a_record_a_card_says_so(cards):
    untrained = replace(cards["mlp"], record=None)
    text = card(untrained)
    assert text.startswith("# mlp\n\nClassify flattened pixels")
    assert "(Rumelhart, Hinton & Williams 1986)" in text
    assert "input_shape" not in text
    assert "(mlp.png)" in text
    assert text.endswith(f"{NO_RECORD}\n")
    assert row(untrained)[-1] == "–"


def test_a_record_is_told_with_its_intervals_its_command_and_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    write_records({"mlp": RECORD})
    found = facts("mlp")
    text = card(found)
    for expected in (
        *(
            "0.987 [0.985, 0.989] | 10,000",
            "invariance_score/rotation | 0.500 [0.400, 0.600] | 1,000",
        ),
        *("```\npython -m training --architectures plain_cnn\n```", "Seed 7, placement uniform"),
        *("120,000 images seen in 61 s", "dropout=0.2", "keras 3.15"),
    ):
        assert expected in text
    assert NO_RECORD not in text
    assert row(found)[-1] == "0.987 [0.985, 0.989]"


def test_after_which_layer_a_field_is_unknown_the_card_says_and_the_table_does_not(monkeypatch):
    def resized(input_shape, num_classes):
        images = keras.Input(input_shape, name="images")
        x = layers.UpSampling2D(2, interpolation="bilinear", name="stem")(images)
        x = layers.GlobalAveragePooling2D(name="pre_logits")(layers.Conv2D(2, 3)(x))
        return keras.Model(images, layers.Dense(num_classes, name="logits")(x))

    monkeypatch.setitem(architectures.ARCHITECTURES, "resized", resized)
    found = facts("resized")
    assert "| total stride | unknown after stem |" in card(found)
    assert row(found)[HEADER.index("total stride")] == "unknown"


def test_the_index_links_every_card(cards):
    text = index(list(cards.values()))
    for name, found in cards.items():
        assert f"[{name}]({name}.md)" in text
        assert f"{found.parameters:,}" in text
    assert all(column in text for column in HEADER)


def test_help_waits_for_neither_keras_nor_tensorflow():
    code = """
import runpy, sys
sys.argv = ["zoo", "--help"]
try:
    runpy.run_module("zoo", run_name="__main__")
except SystemExit:
    print(sorted({"tensorflow", "keras", "matplotlib", "pandas"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith("[]\n")
    assert "--output" in done.stdout


def test_the_index_shows_the_scores_of_what_was_trained(cards):
    untrained = replace(cards["fcn"], record=None)
    assert "Trained on MNIST" not in index([untrained])
    trained = replace(cards["mlp"], record=RECORD)
    text = index([trained, untrained])
    (line,) = [line for line in text.splitlines() if line.startswith("| mlp")]
    assert "| 0.987 [0.985, 0.989] | – | – | 0.500 [0.400, 0.600] | – | – | – | 7 |" in line
    assert "| fcn" not in text
