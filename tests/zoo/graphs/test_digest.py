"""The digest of a graph is the same in every process, and another for another network."""

import subprocess
import sys

import keras

import zoo
from evaluation import load_model

BRANCHED = ("detector", "polyphase_cnn", "unet")
SCRIPT = """
import keras, sys, zoo
from evaluation import load_model
for name in sys.argv[1:]:
    keras.utils.set_random_seed(0)
    print(name, load_model(zoo.create(name, (16, 16, 1), 3, filters=(2, 3, 4))).info.fingerprint)
"""


def test_networks_with_branches_have_the_same_fingerprint_in_every_process():
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *BRANCHED],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PATH": "", "PYTHONHASHSEED": "1"},
    ) as other:
        ours = {}
        for name in BRANCHED:
            keras.utils.set_random_seed(0)
            ours[name] = load_model(
                zoo.create(name, (16, 16, 1), 3, filters=(2, 3, 4))
            ).info.fingerprint
        theirs = dict(line.split() for line in other.stdout.read().splitlines())
    assert theirs == ours
    assert len(set(ours.values())) == len(ours)


def test_other_weights_and_another_structure_have_another_digest():
    def digest(seed, **options):
        keras.utils.set_random_seed(seed)
        model = zoo.create("plain_cnn", (8, 8, 1), 3, filters=(2, 3, 4), **options)
        return load_model(model).info.fingerprint

    assert digest(0) == digest(0)
    assert len({digest(0), digest(1), digest(0, activation="tanh")}) == 3
