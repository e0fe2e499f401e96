"""`python -m evaluation serve`: the page on this machine, under its own name alone."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from evaluation import evaluate
from evaluation.reporting.tab.records import RECORDS
from tests.evaluation.commands.command_line import evaluate_command
from tests.evaluation.linear_networks import AXES, DATA, linear
from tests.evaluation.reporting.page.chromium import CHROMIUM, tab, wait_for


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    evaluate([linear("a"), linear("b")], DATA, AXES).save(folder / RECORDS / "record")
    (folder / RECORDS / "broken").mkdir()
    (folder / RECORDS / "broken" / "protocol.json").write_text("{")
    return folder


@pytest.fixture(scope="module")
def server(logs):
    line = (sys.executable, "-m", "evaluation", "serve", "--logs", str(logs), "--port", "0")
    started = subprocess.Popen(
        line,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell that starts the tests in the background has Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        said = started.stdout.readline()
        address = re.fullmatch(r"Open (\S+) \(Ctrl-C ends it\)\n", said)[1]
        assert address.startswith("http://127.0.0.1:")
        yield started, address
    finally:
        started.kill()
        started.communicate()


def ask(address, path="/", **headers):
    """The status, headers and content of an answer."""
    with closing(HTTPConnection(urlsplit(address).netloc, timeout=20)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()


def test_it_serves_the_page_its_parts_and_nothing_else(server):
    _, address = server
    status, headers, page = ask(address)
    assert status == 200
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["data:,", "page.css", "page.js"]
    found = json.loads(ask(address, "/data.json")[2])
    assert sorted(found["groups"][0]["models"]) == ["a", "b"]
    assert "broken left out" in found["notes"][0]
    for path in ("/../../etc/passwd", "/%2e%2e/etc/passwd", "/page.py"):
        assert ask(address, path)[0] == 404


def test_only_this_machines_own_names_are_answered(server):
    _, address = server
    port = urlsplit(address).port
    assert ask(address, "/data.json", Host=f"localhost:{port}")[0] == 200
    for host in (f"rebound.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", ""):
        status, _, content = ask(address, "/data.json", Host=host)
        assert (status, content) == (403, "expected the address printed\n")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_browser_shows_it_with_what_was_left_out_and_without_a_complaint(server, tmp_path):
    _, address = server
    with tab(tmp_path) as browser:
        browser.open(address)
        wait_for(browser, "document.querySelectorAll('article').length")
        text = browser.value("document.body.innerText")
        assert "broken left out: expected measurements in this folder, it is damaged" in text
        assert browser.value("document.querySelectorAll('.board tbody tr').length") > 1
        assert browser.complaints == []
        assert {r for r in browser.requests if not r.startswith("data:")} == {
            address + part for part in ("", "page.js", "page.css", "data.json")
        }


def test_a_port_that_is_taken_is_one_line(logs, server, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for wanted, why in ((port, f"received {port}, which is taken"), (70000, "received 70000")):
            status, _ = evaluate_command("serve", "--logs", str(logs), "--port", str(wanted))
            error = capsys.readouterr().err
            assert (status, error.count("\n")) == (2, 1)
            assert why in error


def test_without_measurements_nothing_is_served(tmp_path, capsys):
    status, _ = evaluate_command("serve", "--logs", str(tmp_path))
    assert status == 2
    assert "expected measurements in" in capsys.readouterr().err


def test_ctrl_c_ends_it_quietly(server):
    started, _ = server
    os.kill(started.pid, signal.SIGINT)
    assert started.communicate(timeout=20)[1] == ""
    assert started.returncode == 0
