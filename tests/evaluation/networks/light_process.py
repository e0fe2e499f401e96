"""A child process without TensorFlow, for tests: it starts at once."""

import os
import signal

from evaluation.networks.isolation.limits import hold
from evaluation.networks.isolation.process import ChildProcess


def begin(modules, gigabytes):
    return hold(gigabytes)


def light(limits):
    return ChildProcess(limits, None, begin)


def busy():
    while True:
        pass


def fault():
    os.kill(os.getpid(), signal.SIGSEGV)


def filled(size):
    return len(bytearray(size))
