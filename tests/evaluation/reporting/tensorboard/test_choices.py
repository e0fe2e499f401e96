import pytest

from evaluation import NetworkInfo
from evaluation.reporting.tensorboard.choices import choices, outcomes
from evaluation.tables import table
from tests.evaluation.made import measurements

TRAINED = {
    "architecture": "fcn",
    "options": {},
    "augmentation": ["rotation", "scale"],
    "ranges": {"rotation": [-9, 9]},
    "learning_rate": 0.006,
    "images_per_class": None,
    "network_fingerprint": "0" * 64,
}


def network(name, metadata, **more):
    return NetworkInfo(name, "classification", (8, 8, 1), 2, "0" * 64, metadata, **more)


def test_each_field_of_the_configuration_is_a_column_of_every_network():
    other = {**TRAINED, "options": {"units": [16, 8]}, "augmentation": [], "ranges": {}}
    found = choices(
        [
            network("first", {"training": TRAINED, "parameters": 14347}, total_stride=(4, 2)),
            network("second", {"training": other, "parameters": 99}),
            network("foreign", {}),
        ]
    )
    fields = set(TRAINED) - {"options", "ranges", "network_fingerprint"}
    more = {"task", "parameters", "total_stride", "units", "rotation_range"}
    assert all(set(row) == fields | more for row in found.values())
    assert [row["augmentation"] for row in found.values()] == ["rotation scale", "none", "unknown"]
    assert [row["rotation_range"] for row in found.values()] == ["-9 9", "default", "unknown"]
    assert [row["units"] for row in found.values()] == ["default", "16 8", "unknown"]
    assert [row["total_stride"] for row in found.values()] == ["4×2", "unknown", "unknown"]
    # A column of numbers and texts is one of texts.
    assert [row["learning_rate"] for row in found.values()] == ["0.006", "0.006", "unknown"]
    numbers = choices([network("first", {"training": TRAINED, "parameters": 14347})])
    assert numbers["first"]["parameters"] == 14347


@pytest.mark.parametrize(
    "metadata",
    [
        {"training": "no configuration"},
        {
            "training": {
                "a\x1b[31m": "b\x1b]0;x\x07\nc",
                "d": float("nan"),
                "h": 10**400,
                "e": {"f": [1]},
            }
        },
        {"training": {"options": [1], "ranges": "none"}, "parameters": 10**400},
    ],
)
def test_metadata_from_outside_becomes_plain_cells(metadata):
    (row,) = choices([network("net", metadata)]).values()
    assert all(isinstance(value, str | int | float | bool) for value in row.values())
    assert all(str(text).isprintable() for item in row.items() for text in item)


def rows_of(model, values):
    rows = [
        (score, transformation, strength, value)
        for (score, transformation, strength), value in values.items()
    ]
    return [
        {
            "model": model,
            "dataset": "digits",
            "task": "classification",
            "property": "invariance",
            "score": score,
            "transformation": transformation,
            "strength": strength,
            "boundary": "zero",
            "value": value,
            "low": 0.0,
            "high": 1.0,
            "n": 9,
        }
        for score, transformation, strength, value in rows
    ]


def test_the_outcomes_are_means_over_families_clean_scores_and_worst_cases():
    values = {
        ("accuracy", "shift", 0): 0.9,
        ("accuracy", "shift", 1): 0.1,
        ("invariance_score", "shift", None): 0.25,
        ("invariance_score", "turn", None): 0.75,
        ("worst_case_accuracy", "shift", None): 0.125,
        ("worst_case_accuracy", "turn", None): 0.5,
    }
    segmenter = {("equivariance_score", "shift", None): 0.5, ("mask_iou", "shift", 0): 0.625}
    frame = table([*rows_of("a", values), *rows_of("b", values | segmenter)])
    found, shown = outcomes(measurements(frame, {"shift": ("px", 0), "turn": ("degrees", 0)}))
    assert found["a"] == {
        "summary/invariance_score": 0.5,
        "summary/accuracy": 0.9,
        "summary/invariance_score/shift": 0.25,
        "summary/invariance_score/turn": 0.75,
        "summary/worst_case_accuracy": 0.125,
        "summary/worst_case_accuracy/shift": 0.125,
        "summary/worst_case_accuracy/turn": 0.5,
    }
    assert set(shown) == set(found["b"])
    # What some networks lack is not among the first metrics: there it would hide these networks.
    assert list(shown)[: len(found["a"])] == [tag for tag in shown if tag in found["a"]]
    assert next(iter(shown.values())) == "invariance, mean"
    assert shown["summary/invariance_score/turn"] == "invariance: turn"
