"""The commands show one's own pictures: by class, without labels, and in the wrong order."""

import json
import shutil

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from evaluation import Predictions
from evaluation.tables import read_csv
from tests.evaluation.commands.command_line import evaluate_command

GREYS = {"black": 30, "dark": 100, "light": 170, "white": 240}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A model that tells four greys apart, and pictures of them that are no squares."""
    folder = tmp_path_factory.mktemp("data")
    inputs = keras.Input((8, 8, 3), name="pixels")
    mean = keras.layers.GlobalAveragePooling2D()(inputs)
    dense = keras.layers.Dense(4, name="logits")
    model = keras.Model(inputs, dense(mean), name="greys")
    values = np.array(list(GREYS.values())) / 255
    dense.set_weights([np.repeat(40 * values[None] / 3, 3, axis=0), -20 * values**2])
    model.save(folder / "greys.keras")
    random = np.random.default_rng(0)
    rows = []
    for label, (name, value) in enumerate(GREYS.items()):
        (folder / "pictures" / name).mkdir(parents=True)
        (folder / "flat").mkdir(exist_ok=True)
        for k in range(15):
            noise = random.integers(-20, 21, (12, 16, 3))
            picture = Image.fromarray((value + noise * (k > 0)).clip(0, 255).astype(np.uint8))
            picture.save(folder / "pictures" / name / f"{k}.png")
            picture.save(folder / "flat" / f"{name}{k}.png")
            rows.append({"path": f"pictures/{name}/{k}.png", "label": label})
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    coco = {
        "images": [{"id": k, "file_name": row["path"]} for k, row in enumerate(rows)],
        "categories": [{"id": 10 + k, "name": name} for k, name in enumerate(GREYS)],
        "annotations": [
            {"image_id": k, "category_id": 10 + row["label"], "bbox": [2, 3, 8, 6]}
            for k, row in enumerate(rows)
        ],
    }
    (folder / "boxes.json").write_text(json.dumps(coco))
    (folder / "classes.txt").write_text("\n".join(["white", "light", "dark", "black"]))
    return folder


def score(place, logs, *options):
    usual = ("--transformations", "rotation", "--preprocessing", "unit")
    where = ("--logs", str(logs), "--predictions", str(logs / "predictions"))
    return evaluate_command("score", str(place / "greys.keras"), *usual, *where, *options)


@pytest.mark.parametrize("data", ["pictures", "table.csv", "boxes.json"])
def test_labelled_pictures_are_scored(place, tmp_path, data, caplog):
    status, printed = score(place, tmp_path, "--data", str(place / data))
    assert status == 0
    frame = read_csv(tmp_path / "comparison" / "measurements.csv")
    clean = frame[(frame["score"] == "accuracy") & (frame["strength"] == 0)]
    assert clean["value"].item() == 1
    assert clean["n"].item() == 60
    assert "Right, and stays right" in printed
    assert "60 resized (stretch)" in " ".join(caplog.messages)


def test_objects_and_masks_are_kept_with_what_was_swept(place, tmp_path):
    several = json.loads((place / "boxes.json").read_text())
    several["annotations"] += several["annotations"][:1]
    path = place / "several.json"
    path.write_text(json.dumps(several))
    masked = tmp_path / "masked"
    shutil.copytree(place / "flat", masked / "images")
    (masked / "masks").mkdir()
    for picture in (masked / "images").iterdir():
        Image.fromarray(np.eye(12, 16, dtype=np.uint8) * 4).save(masked / "masks" / picture.name)
    for data, truth, shape in ((path, "objects", (60, 2, 5)), (masked, "masks", (60, 8, 8))):
        logs = tmp_path / truth
        assert score(place, logs, "--data", str(data), "--resize", "crop")[0] == 0
        opened = Predictions.open(logs / "predictions")
        assert opened.protocol.images.truth == (truth,)
        assert getattr(opened.truth, truth).shape == shape


def test_pictures_without_labels_are_scored(place, tmp_path):
    status, printed = score(place, tmp_path, "--data", str(place / "flat"), "--limit", "40")
    assert status == 0
    frame = read_csv(tmp_path / "comparison" / "measurements.csv")
    assert "accuracy" not in set(frame["score"])
    assert set(frame.loc[frame["score"] == "top1_agreement", "n"]) == {40}
    assert "Stays: share of images" in printed


def test_classes_in_another_order_are_suspected_aloud(place, tmp_path, caplog):
    names = ("--class-names", str(place / "classes.txt"))
    status, _ = score(place, tmp_path, "--data", str(place / "pictures"), *names)
    assert status == 0
    (said,) = [m for m in caplog.messages if "order" in m]
    assert "right for 0.000" in said
    assert "1.000" in said
    assert "black" in said
    assert "--class-names" in said


def test_the_order_is_not_suspected_without_reason(place, tmp_path, caplog):
    status, _ = score(place, tmp_path, "--data", str(place / "pictures"))
    assert status == 0
    assert not [m for m in caplog.messages if "another order" in m]


def test_pictures_of_fewer_classes_than_the_network_has_are_said(place, tmp_path, caplog):
    some = tmp_path / "some"
    for name in ("dark", "white"):
        shutil.copytree(place / "pictures" / name, some / name)
    assert score(place, tmp_path, "--data", str(some))[0] == 0
    (said,) = [m for m in caplog.messages if "has 4 classes" in m]
    assert "pictures of 2" in said
    assert "--class-names" in said
    caplog.clear()
    names = ("--class-names", *GREYS)
    assert score(place, tmp_path, "--data", str(some), *names)[0] == 0
    assert not [m for m in caplog.messages if "classes" in m]


def test_layers_and_comparison_take_pictures_too(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, data = str(place / "greys.keras"), ("--data", str(place / "pictures"))
    status, printed = evaluate_command("layers", path, *data, "--shifts", "0", "1", "--limit", "8")
    assert (status, "8 images of pictures" in printed) == (0, True)
    options = ("--transformations", "rotation", "--preprocessing", "unit")
    status, printed = evaluate_command("compare", path, path, *data, *options)
    assert (status, "60 images of pictures" in printed) == (0, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "nowhere"), "expected images at nowhere, there is nothing"),
        (("--data", ".", "--dataset", "digits"), "expected --data alone"),
        (("--class-names", "a"), "expected --class-names with --data"),
        ((), "choose --data with a folder of pictures, or --dataset"),
    ],
)
def test_what_does_not_fit_is_one_line(place, tmp_path, capsys, options, message):
    status, _ = score(place, tmp_path, *options)
    assert status == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


@pytest.mark.parametrize("claimed", ["huggingface:someone/x", "../../x", "a b", "http://x/y"])
def test_what_a_model_says_of_itself_is_no_way_into_the_network(claimed):
    from evaluation.commands.shown_images import ShownImages, wanted_by

    with pytest.raises(ValueError, match="expected the plain name of a dataset in the metadata"):
        wanted_by("net", {"dataset": claimed}, (8, 8, 3), ShownImages())
