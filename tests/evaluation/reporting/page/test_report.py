"""The report is one file that asks for nothing, and shows names as the text they are."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from evaluation import Measurements, evaluate
from evaluation.examples import Examples
from evaluation.reporting.page.report import MODULE, html_of, report
from evaluation.values import Values
from tests.evaluation.linear_networks import AXES, CLASSES, IMAGES, LABELS, NEIGHBOUR, linear
from tests.evaluation.reporting.page.chromium import CHROMIUM, tab
from zoo.datasets import from_arrays
from zoo.transformations import DEFAULT

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "**bold** [link](javascript:alert(3)) | `code`",
    "\x1b[31mred\x1b[0m \u202egnirts [red]markup[/red]",
    '=HYPERLINK("file:///etc/passwd")',
    "<!-- <script> $x_1$ &amp; '\"",
)


@pytest.fixture(scope="module")
def hostile():
    names = [f"{name} class" for name in HOSTILE[:CLASSES]]
    data = from_arrays(IMAGES, LABELS, class_names=names, name=HOSTILE[1])
    nets = [linear(name, NEIGHBOUR + 0.01 * k) for k, name in enumerate(HOSTILE)]
    return evaluate(nets, data, [AXES[0], replace(AXES[1], name=HOSTILE[0])])


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.contents, self.attributes = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.contents.setdefault(self.found[-1] if self.found else "", []).append(data)


def test_names_stay_text_and_no_element_comes_from_them(hostile, tmp_path):
    text = report(hostile, tmp_path / "report.html").read_text(encoding="utf-8")
    elements = Elements(text)
    assert elements.found.count("script") == 2
    assert "img" not in elements.found
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert "<" not in data
    (group,) = json.loads(data)["groups"]
    for name in HOSTILE[:3]:
        assert name in group["models"]
    assert all(name.isprintable() for name in group["models"])
    assert group["worst"][0]["true"].endswith(" class")


def test_the_file_has_no_address_outside_it_and_a_policy_that_forbids_them(hostile, tmp_path):
    file = report(Measurements(hostile.frame, hostile.protocol), tmp_path / "report.html")
    text = file.read_text(encoding="utf-8")
    addresses = set(re.findall(r"[a-z]+://[^\s\"'<>)]*", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "file:///etc/passwd\\"}  # a name of SVG's
    for name, value in Elements(text).attributes:
        assert name not in ("src", "href") or value.startswith("data:")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    for element in ("style", "script"):
        (content,) = re.findall(
            rf"<{element}(?: id=\"style\"| type=\"module\")>(.*?)</{element}>", text, re.S
        )
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy


def test_the_module_is_at_most_500_lines_and_never_parses_html():
    text = MODULE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "import ",
    ):
        assert forbidden not in text


NOISE = np.random.default_rng(0).normal(size=(96, 96, 3))
SMOOTH = np.cumsum(np.cumsum(NOISE, axis=0), axis=1)
SHADES = 200 * (SMOOTH - SMOOTH.min()) / np.ptp(SMOOTH) + 6 * NOISE
PHOTOGRAPH = np.clip(SHADES, 0, 255).astype(np.uint8)


def photograph(number):
    """A picture that compresses as photographs do: smooth shades, and the noise of a sensor."""
    return np.roll(PHOTOGRAPH, divmod(number, 96), axis=(0, 1))


def test_ten_models_under_ten_transformations_take_at_most_five_megabytes(tmp_path):
    # A shift down does not fit into so small a frame.
    one = evaluate(linear("0"), (IMAGES[:12], LABELS[:12]), [*DEFAULT, "gamma"])
    frames, values, answers = [], {}, []
    for k in range(10):
        name = f"net-{k}"
        frames.append(one.frame.assign(model=name))
        values |= {(name, *key[1:]): found for key, found in one.values.items()}
        own = one.examples.answers
        for place in range(2):  # as many as are kept of ten models, no two of one image
            image = np.where(own["kind"] == "worst", 2 * k + place, 99)
            answers.append(own.assign(model=name, image=image))
    answers = pd.concat(answers).drop_duplicates(["model", "transformation", "image", "strength"])
    identity = {info.key: info.identity for info in one.protocol.transformations}
    shown = {
        (row["transformation"], row["boundary"], strength, row["image"])
        for row in answers.to_dict("records")
        for strength in (row["strength"], identity[row["transformation"], row["boundary"]])
    }
    pictures = {key: photograph(seed) for seed, key in enumerate(shown)}
    networks = tuple(replace(one.protocol.networks[0], name=f"net-{k}") for k in range(10))
    strips = {
        info.key: np.stack([photograph(5000 + 100 * k + v) for v in range(len(info.strengths))])
        for k, info in enumerate(one.protocol.transformations)
    }
    measured = Measurements(
        pd.concat(frames, ignore_index=True),
        replace(one.protocol, networks=networks),
        strips=strips,
        values=Values(values, one.values.labels, one.values.class_names),
        examples=Examples(answers, pictures),
    )
    assert len(measured.protocol.transformations) == 10
    assert len(pictures) > 300
    assert report(measured, tmp_path / "report.html").stat().st_size <= 5e6


def test_a_folder_that_is_missing_is_named_and_a_file_is_replaced_as_a_whole(hostile, tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a folder to write report"):
        report(hostile, tmp_path / "none" / "report.html")
    file = tmp_path / "report.html"
    file.write_text("old")
    report(hostile, file, images=False)
    assert file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with tab(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@needs_browser
@pytest.mark.parametrize("width", [400, 1400])
def test_a_browser_shows_it_without_a_complaint_or_a_request(browser, hostile, tmp_path, width):
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        **{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    file = report(hostile, tmp_path / "report.html")
    browser.requests.clear()
    browser.open(file.as_uri())
    assert browser.complaints == []
    assert [r for r in browser.requests if not r.startswith("data:")] == [file.as_uri()]
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("document.querySelectorAll('svg.plot').length") == 2
    assert (
        browser.value("document.querySelectorAll('#report script, #report [onerror]').length") == 0
    )
    shown = browser.value("document.querySelector('.board').textContent")
    assert HOSTILE[0] in shown
    assert HOSTILE[1] in shown


@needs_browser
def test_keys_and_the_pointer_read_the_values_and_choices_redraw(browser, hostile, tmp_path):
    browser.open(report(hostile, tmp_path / "report.html").as_uri())
    key = "plot.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight'}))"
    browser.value(f"plot = document.querySelector('svg.plot'); {key}")
    read = browser.value("document.querySelector('.tip').innerText").splitlines()
    rows = hostile.frame[hostile.frame["transformation"] == "translation_x"]
    rows = rows[(rows["score"] == "accuracy") & (rows["strength"] == 1)]
    wanted = rows.set_index("model")["value"][HOSTILE[0]]
    assert read[0] == "1 px"
    assert any(line.startswith(f"{HOSTILE[0]}: {wanted:.3f} (") for line in read)
    choose = "list.value = 'top1_agreement'; list.dispatchEvent(new Event('change'))"
    browser.value(f"list = document.querySelector('section select'); {choose}")
    assert browser.value("document.querySelectorAll('svg.plot .dashed').length") > 0  # floors
    browser.value("document.querySelector('header button').click()")
    theme = browser.value("document.documentElement.dataset.theme")
    assert theme in ("light", "dark")
    browser.value("dispatchEvent(new Event('beforeprint'))")
    assert browser.value("document.querySelectorAll('details:not([open])').length") == 0
    assert browser.complaints == []


def test_a_page_without_measurements_can_be_made():
    assert "<title>Invariance: </title>" in html_of({"groups": []})
