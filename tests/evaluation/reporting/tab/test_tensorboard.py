"""The tab inside a TensorBoard that runs, as a browser shows it."""

import json
import subprocess
import sys
from contextlib import contextmanager

import pytest

from evaluation import evaluate
from evaluation.reporting.tab.records import RECORDS
from tests.evaluation.linear_networks import AXES, DATA, NEIGHBOUR, linear
from tests.evaluation.reporting.page.chromium import CHROMIUM, tab, wait_for

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

# The plugin is given, not found: what is installed may be older than what is tested.
SERVER = """
import sys
from tensorboard import default, program
from evaluation.reporting.tab.plugin import InvarianceTab
board = program.TensorBoard(plugins=[*default.get_static_plugins(), InvarianceTab])
board.configure(argv=[None, "--logdir", sys.argv[1], "--host", "127.0.0.1", "--port", "0"])
print(board.launch(), flush=True)
sys.stdin.read()
"""
FRAME = "document.querySelector('iframe')?.contentDocument"
NAMES = ["a", "<b onclick=alert(1)>", "c"]


@contextmanager
def board(folder):
    """Yield the address of a TensorBoard, which ends with its input."""
    line = (sys.executable, "-W", "ignore", "-c", SERVER, str(folder))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(line, text=True, **pipes) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()
            server.wait(20)


def prefer(browser, theme):
    feature = {"name": "prefers-color-scheme", "value": theme}
    browser.call("Emulation.setEmulatedMedia", features=[feature])


def test_tensorboard_shows_the_leaderboard_in_its_own_theme(tmp_path):
    nets = [linear(NAMES[0]), linear(NAMES[1], NEIGHBOUR), linear(NAMES[2], -NEIGHBOUR)]
    measured = evaluate(nets, DATA, AXES)
    measured.save(tmp_path / "logs" / RECORDS / "record")
    with board(tmp_path / "logs") as address, tab(tmp_path / "profile") as browser:
        prefer(browser, "dark")
        browser.open(f"{address}#invariance")
        rows = f"{FRAME}?.querySelectorAll('.board tbody th').length"
        wait_for(browser, f"{rows} >= 3")
        texts = f"[...{FRAME}.querySelector('.board').querySelectorAll('tbody tr')]"
        cells = f"JSON.stringify({texts}.map((row) => [...row.cells].map((c) => c.textContent)))"
        shown = {name: share for _, name, _, share, *_ in json.loads(browser.value(cells))}
        ranking = measured.ranking[measured.ranking["family"] == ""].set_index("model")
        assert set(shown) == set(NAMES)
        for name, share in shown.items():
            assert share.startswith(f"{ranking.loc[name, 'value']:.3f} (")
        theme = f"{FRAME}.documentElement.dataset.theme"
        colour = f"getComputedStyle({FRAME}.body).backgroundColor"
        assert browser.value("document.body.matches('.dark-mode')")
        assert (browser.value(theme), browser.value(colour)) == ("dark", "rgb(20, 23, 28)")
        browser.value("document.body.classList.remove('dark-mode')")  # as its own switch does
        wait_for(browser, f"{theme} === 'light' && {colour} === 'rgb(255, 255, 255)'")
        assert "INVARIANCE" in browser.value("document.body.innerText")
        # TensorBoard's own charts are warned of where there is no graphics card.
        assert [c for c in browser.complaints if c.get("level") != "warning"] == []
        own = [r for r in browser.requests if "/invariance/" in r]
        assert {r.rpartition("/")[2] for r in own} == {"page.js", "page.css", "data.json"}
