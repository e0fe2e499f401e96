"""Weights are loaded as they were saved, into their own network and into no other."""

from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests.agreement import assert_agree, depth
from zoo.architectures import ANY_SIZE, ARCHITECTURES
from zoo.weights import (
    Record,
    in_words,
    interval_in_words,
    load_weights,
    read_records,
    records,
    save_weights,
    weights_file,
    write_records,
)

SHAPE = (8, 8, 1)
OPTIONS = {"filters": (3, 4, 5), "normalization": False}
RECORD = Record(
    command="python -m training",
    seed=7,
    placement="uniform",
    epochs=2,
    images_seen=120,
    wall_seconds=1.5,
    parameters=100,
    input_shape=SHAPE,
    num_classes=3,
    options=OPTIONS,
    accuracy={"value": 0.9, "low": 0.8, "high": 0.95, "n": 50},
    scores={"invariance_score/translation_x": {"value": 0.5, "low": 0.4, "high": 0.6}},
    versions={"keras": "3"},
)


def create(name, seed=1, **choices):
    keras.utils.set_random_seed(seed)
    return zoo.create(name, SHAPE, 3, **{**OPTIONS, **choices})


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Replace the zoo's folder of weights by one with weights of two architectures."""
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    (tmp_path / "mnist").mkdir()
    models = {name: create(name) for name in ("plain_cnn", "fcn")}
    for name, model in models.items():
        save_weights(model, weights_file(name))
    write_records(dict.fromkeys(models, RECORD))
    return models


def test_what_is_shipped_is_recorded_and_loads():
    for name in read_records():
        assert zoo.create(name, weights="mnist").name == name
    files = (records.FOLDER / "mnist").glob("*.npz")
    assert {file.stem for file in files} == set(read_records())


def test_the_pages_beside_the_weights_say_what_the_records_say():
    page = (records.FOLDER / "mnist.md").read_text(encoding="utf-8")
    assert page.endswith(f"{in_words(read_records())}\n")


def test_the_readme_shows_what_the_records_say():
    readme = (Path(zoo.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    for name, record in read_records().items():
        cells = [f"`{name}`", f"{record.parameters:,}", interval_in_words(record.accuracy)]
        for transformation in ("translation_x", "rotation", "scale", "brightness"):
            value = record.scores[f"invariance_score/{transformation}"]
            cells.append("{value:.2f} [{low:.2f}, {high:.2f}]".format_map(value))
        assert f"| {' | '.join(cells)} |" in readme


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_weights_survive_the_file_to_half_precision(name, tmp_path):
    keras.utils.set_random_seed(1)
    first, second = (zoo.create(name, (40, 40, 1), 3) for _ in range(2))
    save_weights(first, tmp_path / "w.npz")
    load_weights(second, tmp_path / "w.npz")
    for before, after in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(after, before, rtol=2**-11, atol=2**-25)
    with np.load(tmp_path / "w.npz", allow_pickle=False) as file:
        assert file.files == [variable.path for variable in first.weights]
        assert {file[name].dtype for name in file.files} == {np.dtype(np.float16)}


def test_the_same_weights_give_the_same_file(tmp_path):
    model = create("fcn")
    for name in ("a.npz", "b.npz"):
        save_weights(model, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_weights_that_half_precision_cannot_hold_are_refused(tmp_path):
    model = create("mlp")
    model.layers[-1].bias.assign([0, 1e6, 0])
    with pytest.raises(ValueError, match=r"at most 65504 .*undefined ones in logits/bias of mlp"):
        save_weights(model, tmp_path / "w.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"filters": (3, 4, 6)}, r"stage2_convolution/kernel \(3, 3, 4, 6\) for plain_cnn.*, 5\)"),
        ({"normalization": True}, r"expected stem_normalization/gamma \(3,\) .* stem_conv.*bias"),
        ({"filters": (3, 4)}, r"expected pre_logits_dense/kernel .* stage2_convolution/kernel"),
    ],
)
def test_weights_of_another_network_are_refused_and_change_nothing(tmp_path, choices, message):
    save_weights(create("plain_cnn"), tmp_path / "w.npz")
    model = create("plain_cnn", seed=2, **choices)
    before = model.get_weights()
    with pytest.raises(ValueError, match=message) as error:
        load_weights(model, tmp_path / "w.npz")
    assert "\n" not in str(error.value)
    for was, stayed in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, stayed)


def test_weights_that_are_too_few_or_too_many_are_refused(tmp_path):
    model = create("mlp")
    arrays = {v.path: np.zeros(v.shape, np.float16) for v in model.weights}
    np.savez(tmp_path / "more.npz", **arrays, extra=np.zeros(2))
    with pytest.raises(ValueError, match=r"expected nothing more for mlp, received extra \(2,\)"):
        load_weights(model, tmp_path / "more.npz")
    del arrays["logits/bias"]
    np.savez(tmp_path / "fewer.npz", **arrays)
    with pytest.raises(ValueError, match=r"expected logits/bias \(3,\) .* received nothing more"):
        load_weights(model, tmp_path / "fewer.npz")


def test_a_damaged_file_is_refused_wherever_it_is_cut(tmp_path):
    model = create("mlp")
    save_weights(model, tmp_path / "w.npz")
    whole = (tmp_path / "w.npz").read_bytes()
    flipped = whole[:200] + bytes(255 - b for b in whole[200:300]) + whole[300:]
    np.save(tmp_path / "array.npy", np.zeros(3))
    pickled = np.array([{}], dtype=object)
    np.savez(tmp_path / "pickle.npz", pickled=pickled)
    contents = [whole[:k] for k in (0, 3, 100, len(whole) // 2, len(whole) - 1)]
    contents += [flipped, b"not weights", (tmp_path / "array.npy").read_bytes()]
    contents += [(tmp_path / "pickle.npz").read_bytes()]
    for content in contents:
        (tmp_path / "w.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"expected an .npz file of weights at .*w.npz") as e:
            load_weights(model, tmp_path / "w.npz")
        assert "\n" not in str(e.value)


def test_trained_weights_bring_their_shape_classes_and_options(shipped):
    images = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    for name, model in shipped.items():
        for arguments in ((), (SHAPE, 3)):
            loaded = zoo.create(name, *arguments, weights="mnist")
            assert_agree(loaded(images), model(images), steps=depth(model), dtype=np.float16)
            assert loaded.get_config().keys() == model.get_config().keys()
    assert zoo.create("plain_cnn", weights="mnist", filters=[3, 4, 5], padding="zero")


def test_weights_of_any_size_take_any_size(shipped):
    assert "fcn" in ANY_SIZE
    for shape in ((None, None, 1), (20, 12, 1)):
        assert zoo.create("fcn", shape, weights="mnist").input_shape == (None, *shape)


def test_a_record_reads_as_it_was_written(shipped):
    assert read_records()["fcn"] == RECORD
    assert "mlp" not in read_records()
    assert read_records()["fcn"].options["filters"] == (3, 4, 5)


@pytest.mark.parametrize(
    ("name", "arguments", "choices", "message"),
    [
        ("plain_cnn", (), {"weights": "imagenet"}, "weights among mnist, received 'imagenet'"),
        ("mlp", (), {}, r"with mnist weights \(fcn, plain_cnn\), received mlp"),
        ("perceptron", (), {}, "expected an architecture among mlp, .*'perceptron'"),
        ("plain_cnn", ((9, 9, 1),), {}, r"mnist weights of plain_cnn .*\(8, 8, 1\).*\(9, 9, 1\)"),
        ("plain_cnn", ((8, 8),), {}, r"expect images \(8, 8, 1\), received \(8, 8\)"),
        ("fcn", ((9, 9, 3),), {}, r"of fcn expect images \(H, W, 1\), received \(9, 9, 3\)"),
        ("fcn", (None, 4), {}, "mnist weights of fcn expect 3 classes, received 4"),
        ("fcn", (), {"padding": "circular"}, "of fcn expect padding='zero', received 'circular'"),
        ("fcn", (), {"filters": (3, 4)}, r"expect filters=\(3, 4, 5\), received \(3, 4\)"),
        ("fcn", (), {"strength": 1}, "fcn expects options among .*, received strength"),
        ("fcn", (), {"weights": None}, "fcn expects an input shape and a number of classes"),
        ("fcn", (SHAPE,), {"weights": None}, r"received \(8, 8, 1\) and None: give both"),
    ],
)
def test_what_the_weights_are_not_for_is_refused_in_one_line(
    shipped, name, arguments, choices, message
):
    with pytest.raises(ValueError, match=message) as error:
        zoo.create(name, *arguments, **{"weights": "mnist", **choices})
    assert "\n" not in str(error.value)
