"""Headless Chromium, driven over a pipe by its own protocol: no package is needed for that."""

import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe")


class Tab:
    """A tab of the browser, with what its console said and what it asked for."""

    def __init__(self, to_browser, from_browser):
        self._to, self._from = to_browser, from_browser
        self._count, self._session, self._events = 0, None, []
        self.complaints, self.requests = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self):
        text = bytearray()
        while (byte := self._from.read(1)) != b"\0":
            assert byte, "the browser has ended"
            text += byte
        message = json.loads(text)
        method, found = message.get("method"), message.get("params", {})
        self._events.append(method)
        if method == "Runtime.exceptionThrown":
            self.complaints.append(found["exceptionDetails"])
        elif method == "Log.entryAdded":
            self.complaints.append(found["entry"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(found["request"]["url"])
        return message

    def open(self, address):
        self._events.clear()
        self.call("Page.navigate", url=address)
        while "Page.loadEventFired" not in self._events:
            self._read()

    def value(self, expression):
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")


def wait_for(opened, expression, seconds=20):
    """Wait until an expression of plain values is true in a tab, and return its value."""
    end = time.monotonic() + seconds
    while not (found := opened.value(expression)):
        assert time.monotonic() < end, f"never true: {expression}"
        time.sleep(0.05)
    return found


@contextmanager
def tab(profile):
    """Yield a tab of a browser of its own, whose profile is in an empty folder."""
    read_here, write_browser = os.pipe()
    read_browser, write_here = os.pipe()

    def pipes():  # the browser reads its third file and writes its fourth
        os.dup2(os.dup(read_browser), 3)
        os.dup2(os.dup(write_browser), 4)

    line = (CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank")
    quiet = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    browser = subprocess.Popen(line, preexec_fn=pipes, pass_fds=(3, 4), **quiet)
    os.close(read_browser)
    os.close(write_browser)
    with open(write_here, "wb") as to_browser, open(read_here, "rb") as from_browser:
        try:
            yield Tab(to_browser, from_browser)
        finally:
            browser.terminate()
            browser.wait(20)
