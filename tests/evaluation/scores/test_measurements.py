"""Floors, noise, phases, grids and classes: on networks of which one knows what must come out."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from evaluation import evaluate
from evaluation.networks.network import load_model
from evaluation.scores.by_class import per_class
from evaluation.scores.scoring import score
from evaluation.sweeping.sweep import sweep
from tests.agreement import rounding
from zoo.datasets import from_arrays
from zoo.layers import CircularPadding2D
from zoo.transformations import TRANSFORMATIONS, compose

RANDOM = np.random.default_rng(0)
COUNT, CLASSES, SIZE = 80, 4, 12
IMAGES = RANDOM.random((COUNT, SIZE, SIZE, 1), np.float32)
LABELS = np.arange(COUNT) % CLASSES
SHIFTS = replace(
    TRANSFORMATIONS["translation_x"], strengths=tuple(range(-3, 4)), boundary="circular"
)
TURNS = replace(TRANSFORMATIONS["rotation"], strengths=(0, 45, 90))


def classifier(*chain):
    """A network whose answers are spread over the classes, and its accuracy above chance."""
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.Input((SIZE, SIZE, 1)), *chain, layers.Dense(CLASSES, name="end")]
    )
    logits = model.predict(IMAGES, verbose=0)
    spread = logits.std(axis=0)
    end = model.get_layer("end")
    end.set_weights([end.kernel / spread, -logits.mean(axis=0) / spread])
    return model


def strided(strides):
    return classifier(
        CircularPadding2D(1),
        layers.Conv2D(8, 3, strides=strides),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
    )


def dense():
    return classifier(layers.Flatten())


@pytest.fixture(scope="module")
def frames():
    """Measurements of an invariant network, one of stride 2, and one that knows positions."""
    models = {"invariant": strided(1), "strided": strided(2), "positional": dense()}
    handles = [load_model(model, name=name, preprocessing="unit") for name, model in models.items()]
    found = evaluate(handles, (IMAGES, LABELS), [SHIFTS, TURNS, "brightness"]).to_frame()
    return dict(iter(found.groupby("model")))


def values(frame, name, transformation):
    rows = frame[(frame["score"] == name) & (frame["transformation"] == transformation)]
    return rows.set_index("strength")["value"]


def summary(frame, name, transformation="translation_x"):
    (value,) = values(frame, name, transformation)
    return value


def test_a_floor_stands_beside_every_geometric_strength_but_the_identity(frames):
    for name in ("top1_agreement", "mean_absolute_change", "jensen_shannon_distance"):
        floor = values(frames["positional"], f"{name}_floor", "rotation")
        assert sorted(floor.index) == [45, 90]
        assert sorted(values(frames["positional"], f"{name}_floor", "translation_x").index) == [
            *(-3, -2, -1, 1, 2, 3)
        ]
        assert values(frames["positional"], f"{name}_floor", "brightness").empty
    assert values(frames["positional"], "accuracy_floor", "rotation").empty


def test_exact_actions_cost_nothing_and_interpolation_something(frames):
    floor = values(frames["positional"], "mean_absolute_change_floor", "rotation")
    assert floor[90] == 0
    assert floor[45] > 0.01
    assert (values(frames["positional"], "top1_agreement_floor", "translation_x") == 1).all()
    # What the network loses by a quarter turn is its own.
    assert values(frames["positional"], "mean_absolute_change", "rotation")[90] > 0.1


def test_float_noise_is_small_and_explains_no_flip_of_a_network_that_knows_positions(frames):
    for frame in frames.values():
        noise = frame.loc[frame["score"] == "float_noise", "value"]
        assert ((noise >= 0) & (noise <= rounding(3))).all()
    agreement = values(frames["positional"], "top1_agreement", "translation_x").drop(0)
    assert (agreement < 0.8).all()
    assert (values(frames["positional"], "flips_below_noise", "translation_x") < 0.02).all()


def test_a_stride_shows_in_the_phases(frames):
    assert summary(frames["strided"], "agreement_phase_0") == 1
    assert summary(frames["strided"], "agreement_phase_1") < 1
    assert "agreement_phase_0" not in set(frames["invariant"]["score"])  # it has one phase


def test_phases_are_those_of_the_stride_along_the_axis_of_the_shift():
    """A network whose vertical stride is 2 and whose horizontal one is 1, shifted along both."""
    axes = [SHIFTS, replace(TRANSFORMATIONS["translation_y"], strengths=SHIFTS.strengths,
            boundary="circular")]  # fmt: skip
    found = evaluate(strided((2, 1)), (IMAGES, LABELS), axes, preprocessing="unit").to_frame()
    phases = found[found["score"].str.startswith("agreement_phase")]
    assert set(phases["transformation"]) == {"translation_y"}
    assert summary(found, "agreement_phase_0", "translation_y") == 1
    assert summary(found, "agreement_phase_1", "translation_y") < 1


def test_tolerance_and_normalized_variance_tell_the_invariant_network_from_the_others(frames):
    assert summary(frames["positional"], "tolerance") == 0
    assert summary(frames["invariant"], "normalized_variance") < 1e-9
    assert summary(frames["strided"], "normalized_variance") > 1e-4
    assert summary(frames["positional"], "normalized_variance") > 0.5


def test_kappa_is_below_agreement_unless_both_are_perfect(frames):
    kappa = values(frames["positional"], "cohen_kappa", "translation_x")
    agreement = values(frames["positional"], "top1_agreement", "translation_x")
    assert (kappa.drop(0) < agreement.drop(0)).all()
    assert kappa[0] == agreement[0] == 1
    assert (values(frames["invariant"], "cohen_kappa", "translation_x") == 1).all()


def test_tolerance_of_the_invariant_network_is_the_whole_grid():
    many = np.repeat(IMAGES, 2, axis=0)  # for intervals that can begin above 0.95
    found = evaluate(
        strided(1),
        (many, np.repeat(LABELS, 2)),
        [SHIFTS],
        scores="top1_agreement",
        preprocessing="unit",
    )
    assert summary(found.to_frame(), "tolerance") == 3


def test_values_lie_in_their_intervals(frames):
    for frame in frames.values():
        bounded = frame.dropna(subset=["low", "high"])
        inside = (bounded["low"] <= bounded["value"] + rounding()) & (
            bounded["value"] <= bounded["high"] + rounding()
        )
        # The least of noisy values lies below that of resampled ones only on average.
        assert inside[~bounded["score"].str.contains("worst_class")].all()
        assert frame["value"].notna().all()


def test_a_grid_of_two_has_a_map_and_a_worst_case_below_that_of_its_lines():
    shifts = [
        replace(TRANSFORMATIONS[f"translation_{axis}"], strengths=(-2, 0, 2), boundary="circular")
        for axis in "xy"
    ]
    both = compose(*shifts, name="translation")
    model = dense()
    labels = model.predict(IMAGES, verbose=0).argmax(-1)
    found = evaluate(model, (IMAGES, labels), [*shifts, both], preprocessing="unit")
    frame = found.to_frame()
    assert len(found.position_maps) == 9
    at = found.position_maps.set_index(["first", "second"])["value"]
    assert at[(0, 0)] == 1
    for first, second, name in ((2, 0, "translation_x"), (0, 2, "translation_y")):
        assert at[(first, second)] == values(frame, "accuracy", name)[2]
    names = frame["transformation"].unique()
    worst = {name: summary(frame, "worst_case_accuracy", name) for name in names}
    assert worst["translation"] <= min(worst["translation_x"], worst["translation_y"]) < 1
    assert frame.loc[frame["transformation"] == "translation", "strength"].isna().all()


def test_classes_apart_are_the_score_of_their_images(tmp_path):
    dataset = from_arrays(IMAGES, LABELS)
    handle = load_model(dense())
    predictions = sweep([handle], dataset, [SHIFTS], tmp_path)
    table = per_class(predictions, "accuracy").set_index(["class", "strength"])
    for label, name in enumerate(dataset.class_names):
        observed = predictions.cell(handle, predictions.transformations[0], 2)["logits"]
        right = (observed.argmax(-1) == LABELS)[label == LABELS]
        assert table.loc[(name, 2), "value"] == pytest.approx(right.mean())
        assert table.loc[(name, 2), "n"] == COUNT // CLASSES
    frame = score(predictions).to_frame()
    assert values(frame, "accuracy_macro", "translation_x")[2] == pytest.approx(
        table.xs(2, level="strength")["value"].mean()
    )


def test_scores_that_need_the_map_keep_it():
    segmenter = keras.Sequential(
        [keras.Input((SIZE, SIZE, 1)), CircularPadding2D(1), layers.Conv2D(CLASSES + 1, 3)]
    )
    found = evaluate(
        segmenter, (IMAGES, LABELS), [SHIFTS], scores="equivariance_error", preprocessing="unit"
    )
    assert values(found.to_frame(), "equivariance_error", "translation_x").max() <= rounding(2)
    padded = keras.Sequential(
        [keras.Input((SIZE, SIZE, 1)), layers.Conv2D(CLASSES + 1, 3, strides=1, padding="same")]
    )
    found = evaluate(
        padded, (IMAGES, LABELS), [SHIFTS], scores="equivariance_error", preprocessing="unit"
    )
    assert values(found.to_frame(), "equivariance_error", "translation_x").drop(0).min() > 0.05


def test_too_few_images_have_values_but_no_bootstrap(caplog):
    frame = evaluate(dense(), (IMAGES[:5], LABELS[:5]), [SHIFTS], preprocessing="unit").to_frame()
    change = frame[(frame["score"] == "mean_absolute_change") & (frame["strength"] == 1)]
    assert change["value"].notna().all()
    assert change[["low", "high"]].isna().all(axis=None)
    assert "too few for intervals" in caplog.text


def test_a_score_of_the_whole_curve_is_asked_for_by_name(caplog):
    found = evaluate(
        dense(), (IMAGES, LABELS), [SHIFTS], scores="normalized_variance", preprocessing="unit"
    )
    assert set(found.to_frame()["score"]) == {"normalized_variance"}
    flat = np.full_like(IMAGES, 0.5)
    found = evaluate(
        dense(), (flat, LABELS), [SHIFTS], scores="normalized_variance", preprocessing="unit"
    )
    assert found.to_frame().empty
    assert "under translation_x left out: every unit is dead" in caplog.text
