"""Want of memory and what TensorFlow raises: one line, and nothing half-written."""

import keras
import pytest
import tensorflow as tf

import training.learning
import training.runs.checkpoint
import zoo
from tests.training.interruption import contents
from training import failures, train
from training.failures import within_memory
from zoo.architectures import ARCHITECTURES

OUT_OF_MEMORY = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\n[[node x]]")
FAILURES = [OUT_OF_MEMORY, MemoryError(), tf.errors.InternalError(None, None, "CUDA is gone")]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_failure_in_the_first_epoch_is_one_line_and_leaves_nothing(
    tiny, data, place, tmp_path, monkeypatch, error
):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(training.learning, "training_batches", fail)
    with pytest.raises(OSError, match=r"^mine: expected [^\n]* after epoch 0 [^\n]*$") as raised:
        train(tiny(name="mine"), data=data, **place)
    assert type(error).__name__ in str(raised.value)
    assert ("batch_size" in str(raised.value)) == ("Internal" not in str(raised.value))
    assert not contents(tmp_path)
    assert not list(place["saved_models"].iterdir())


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_failure_in_a_later_epoch_is_one_line_and_can_be_resumed(
    tiny, data, place, weights_of, uninterrupted, error
):
    def fail(epoch, record):
        raise error

    config = tiny(name="mine")
    with pytest.raises(OSError, match=r"^mine: expected [^\n]* after epoch 1 [^\n]*--resume cont"):
        train(config, data=data, on_epoch=fail, **place)
    run = train(config, data=data, resume=True, **place)
    assert weights_of(run) == uninterrupted(config)


def test_a_checkpoint_that_does_not_fit_into_memory_counts_as_not_saved(
    tiny, data, place, tmp_path, monkeypatch
):
    def fail(path, content):
        raise MemoryError

    monkeypatch.setattr(training.runs.checkpoint, "write", fail)
    with pytest.raises(OSError, match="MemoryError after epoch 0"):
        train(tiny(name="mine"), data=data, **place)
    assert not list(place["saved_models"].iterdir())


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("mlp", {"filters": (1_000_000_000,)}),
        ("plain_cnn", {"filters": (1_000_000_000,)}),
        ("plain_cnn", {"units": 1_000_000_000}),
        ("group_cnn", {"filters": (1_000_000_000,)}),
        ("capsule_net", {"filters": (1_000_000_000,)}),
        ("vision_transformer", {"dimensions": 1_000_000_000}),
        ("detector", {"filters": (16, 1_000_000_000)}),
    ],
)
def test_a_network_larger_than_the_memory_is_refused_before_any_is_taken(
    tiny, data, place, tmp_path, architecture, options
):
    config = tiny(architecture=architecture, options=options)
    with pytest.raises(ValueError, match=rf"^expected [^\n]* memory, {architecture} needs [^\n]*$"):
        train(config, data=data, **place)
    assert not contents(tmp_path)


def test_weights_gradients_and_momenta_are_counted(monkeypatch):
    weights = sum(w.nbytes for w in zoo.create("mlp", (32, 32, 3), 10).get_weights())
    monkeypatch.setattr(failures, "total_memory", lambda: 3 * weights)
    with within_memory("mlp"):
        zoo.create("mlp", (32, 32, 3), 10)
    monkeypatch.setattr(failures, "total_memory", lambda: 3 * weights - 1)
    with pytest.raises(ValueError, match="mlp needs"), within_memory("mlp"):
        zoo.create("mlp", (32, 32, 3), 10)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_to_foresee_the_size_of_a_network_does_not_change_its_weights(name):
    def weights():
        keras.utils.set_random_seed(0)
        return zoo.create(name, (32, 32, 3), 10).get_weights()

    with within_memory(name):
        watched = weights()
    assert all((a == b).all() for a, b in zip(watched, weights(), strict=True))


@pytest.mark.parametrize("error", FAILURES[:2], ids=lambda error: type(error).__name__)
def test_memory_that_is_not_granted_is_said_as_well(error):
    line = r"^expected [^\n]*, big cannot \([^\n]*smaller options$"
    with pytest.raises(ValueError, match=line), within_memory("big"):
        raise error
