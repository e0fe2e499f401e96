"""Networks that embed images: what stays near, without classes."""

import keras
import numpy as np
import pytest
from rich.console import Console

from evaluation import Measurements, compare, evaluate, leaderboard, load_model
from evaluation.scores.functions.embeddings import embedding_similarity, nearest_neighbour

IMAGES = np.random.default_rng(0).random((60, 8, 8, 1), np.float32)
HOW = {"preprocessing": "unit", "task": "embedding"}


def embedding(kind, name=None):
    """An oracle that no flip changes, one that all do, one that knows nothing."""
    inputs = keras.Input((8, 8, 1))
    folded = keras.ops.concatenate([inputs, keras.ops.flip(inputs, axis=2)], axis=-1)
    x = {
        "symmetric": lambda: keras.ops.sum(folded, axis=-1),
        "pixels": lambda: inputs,
        "constant": lambda: 0 * inputs + 1,
    }[kind]()
    model = keras.Model(inputs, keras.layers.Flatten()(x))
    return load_model(model, name=name or kind, **HOW)


def test_an_oracle_scores_perfect_and_one_that_sees_every_flip_does_not():
    found = evaluate([embedding("symmetric"), embedding("pixels")], IMAGES, "horizontal_flip")
    frame = found.frame[found.frame["strength"] == 1].set_index(["model", "score"])["value"]
    assert frame["symmetric", "embedding_similarity"] == pytest.approx(1)
    assert frame["symmetric", "nearest_neighbour"] == 1
    assert frame["pixels", "embedding_similarity"] < 0.9
    assert frame["pixels", "nearest_neighbour"] < 0.2
    summed = found.frame.set_index(["model", "score"])["value"]
    assert summed["symmetric", "retrieval_score"] == 1
    assert not {"accuracy", "top1_agreement", "invariance_score"} & set(found.frame["score"])
    rows = found.ranking[found.ranking["family"] == ""].set_index("model")
    assert rows["place"].to_dict() == {"symmetric": 1, "pixels": 2}


def test_the_values_are_those_of_the_vectors_themselves():
    found = evaluate(embedding("pixels"), IMAGES, "rotation", scores=["nearest_neighbour"]).frame
    from zoo.transformations import TRANSFORMATIONS

    def unit(vectors):
        flat = np.asarray(vectors, np.float64).reshape(60, -1)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    for strength in (-30, 15):
        moved = unit(TRANSFORMATIONS["rotation"].images(IMAGES, strength))
        right = (moved @ unit(IMAGES).T).argmax(axis=1) == np.arange(60)
        row = found[(found["score"] == "nearest_neighbour") & (found["strength"] == strength)]
        assert row["value"].item() == pytest.approx(right.mean())


def test_a_constant_embedding_has_no_place():
    found = evaluate([embedding("constant"), embedding("pixels")], IMAGES, "horizontal_flip")
    rows = found.ranking[found.ranking["family"] == ""].set_index("model")
    assert rows.loc["constant", "apart"] == "gives the same vector to all images"
    values = found.frame.set_index(["model", "score"])["value"]
    assert values["constant", "retrieval_score"] == 0


def test_labels_are_no_hindrance_and_the_leaderboard_says_what_it_is(tmp_path):
    labels = np.arange(60) % 3
    found = evaluate(embedding("pixels"), (IMAGES, labels), "horizontal_flip")
    console = Console(width=100, record=True)
    console.print(leaderboard(found))
    printed = console.export_text()
    assert "stay nearest to themselves" in printed
    found.save(tmp_path / "record")
    again = Measurements.open(tmp_path / "record")
    assert again.protocol.networks[0].task == "embedding"
    table = compare([embedding("pixels"), embedding("symmetric")], IMAGES, "horizontal_flip")
    assert set(table["score"]) == {
        "embedding_similarity",
        "nearest_neighbour",
        "neighbour_agreement",
    }
    assert set(table["better"].dropna()) == {"symmetric"}


def test_a_zero_vector_does_not_count_and_equal_images_are_level():
    zero, one = np.zeros((1, 2)), np.array([[1.0, 0.0]])
    assert np.isnan(embedding_similarity(zero, one)).all()
    assert np.isnan(nearest_neighbour(zero, one, one)).all()
    assert nearest_neighbour(one, one, one).all()
    assert not nearest_neighbour(one, one, np.repeat(one, 5, axis=0)).any()  # level with others
    near = 1e3 + np.random.default_rng(0).random((50, 3))
    assert nearest_neighbour(near, near, near).all()
    assert nearest_neighbour(near, near[::-1], near).mean() < 0.1


def test_what_is_no_vector_is_no_embedding():
    maps = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3, padding="same")], name="maps"
    )
    with pytest.raises(ValueError, match="expected an output for embedding of maps, as is given"):
        load_model(maps, **HOW)


def test_an_output_of_several_is_chosen_by_its_name():
    inputs = keras.Input((8, 8, 1))
    flat = keras.layers.Flatten()(inputs)
    outputs = {"vector": flat, "scores": keras.layers.Dense(3)(flat)}
    model = keras.Model(inputs, outputs, name="both")
    with pytest.raises(ValueError, match=r"choose one by output= \(--output\)"):
        load_model(model, preprocessing="unit")
    assert load_model(model, output="vector", **HOW).info.num_classes == 64
    scores = load_model(model, output="scores", preprocessing="unit")
    assert (scores.info.task, scores.info.num_classes) == ("classification", 3)
    prints = {load_model(model, output=o, **h).info.fingerprint for o in outputs for h in (HOW, {})}
    assert len(prints) == 4
    with pytest.raises(ValueError, match="expected an output among"):
        load_model(model, output="third")
