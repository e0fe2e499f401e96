import pytest

from evaluation.reporting.names import short_names


@pytest.mark.parametrize(
    ("models", "short"),
    [
        ([], []),
        (["digits-mlp-plain-seed0"], ["digits-mlp-plain-seed0"]),
        (["digits-mlp-plain-seed0", "digits-cnn-plain-seed0"], ["mlp", "cnn"]),
        (["digits-mlp-plain-seed0", "digits-mlp-plain-seed1"], ["seed0", "seed1"]),
        (["digits-mlp-plain-0", "digits-cnn-augmented-0"], ["mlp-plain", "cnn-augmented"]),
        (["digits-mlp", "mine"], ["digits-mlp", "mine"]),
    ],
)
def test_parts_that_all_share_at_either_end_are_dropped(models, short):
    assert list(short_names(models).values()) == short


@pytest.mark.parametrize(
    "models", [["a", "a-b"], ["a-a", "a-a-a"], ["a-x-a", "a-a"], ["a-b-c", "a-c", "a-b-b-c"]]
)
def test_different_models_keep_different_names_and_none_becomes_empty(models):
    short = short_names(models)
    assert set(short) == set(models)
    assert len(set(short.values())) == len(models)
    assert all(short.values())


def test_a_model_named_in_every_row_of_a_table_is_one_model():
    assert short_names(["digits-mlp"] * 3) == {"digits-mlp": "digits-mlp"}
