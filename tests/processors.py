"""`make test-processors`: the tests that compare numbers, as other processors would run them.

oneDNN, which computes TensorFlow's convolutions and products of matrices, takes the best of the
processor's instructions. A variable of the environment keeps it from some, another from all of
oneDNN, and others set the number of threads. They are read at the start of a process, so that each
setting has its own. Names of settings may be given, and after `--` arguments of pytest.
"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from zoo.support.processor import processor

THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
SETTINGS = {
    "default": {},
    "sse4.1": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "avx512": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
    "no-onednn": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    **{f"{n}-threads": dict.fromkeys(THREADS, str(n)) for n in (1, 2, 4)},
}
NEEDS = {"sse4.1": "sse4_1", "avx2": "avx2", "avx512": "avx512bw"}  # of the processor
AT_A_TIME = 2  # settings; most of a test runs on one core


def run(name, arguments):
    """Run the tests under a setting; return whether they passed, and a line that says how."""
    if name in NEEDS and NEEDS[name] not in processor().instructions:
        return True, f"{name:<10} left out: this processor has no {NEEDS[name]}"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "numbers", f"--junitxml={report}"]
        if "ONEDNN_MAX_CPU_ISA" in SETTINGS[name]:
            # TensorFlow asks the processor, not oneDNN, for half precision, and then crashes.
            command += ["-k", "not mixed_precision"]
        environment = {**os.environ, **SETTINGS[name]}
        command += ["-p", "no:cacheprovider", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if not report.exists():
            print(done.stdout, done.stderr, sep="\n")
            return False, f"{name:<10} ended with status {done.returncode}"
        suite = next(ElementTree.parse(report).iter("testsuite"))
    if done.returncode:
        print(done.stdout)
    count = {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")}
    failed = count["failures"] + count["errors"]
    passed = count["tests"] - failed - count["skipped"]
    nearest = next((found.get("value") for found in suite.iter("property")), "")
    seconds = float(suite.get("time"))
    line = f"{name:<10} {passed:>5} passed {failed:>3} failed {seconds:>4.0f} s  {nearest}"
    return not done.returncode, line


def main(names, arguments):
    """Run the settings named, by default all, and print a line for each; 1 if a test failed."""
    if unknown := set(names) - set(SETTINGS):
        sys.exit(f"error: expected {', '.join(SETTINGS)}, received {', '.join(sorted(unknown))}")
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        found = list(pool.map(lambda name: run(name, arguments), names or SETTINGS))
    print(processor(), *(line for _, line in found), sep="\n")
    return int(not all(passed for passed, _ in found))


if __name__ == "__main__":
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    sys.exit(main(sys.argv[1:end], sys.argv[end + 1 :]))
