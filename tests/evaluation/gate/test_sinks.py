"""Where verdicts go: what is written is what was judged, and names stay the text they are."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from evaluation.gate import quantities
from evaluation.gate.annotations import annotations, inert
from evaluation.gate.junit import junit, write_junit
from evaluation.gate.requirements import parse
from evaluation.gate.verdicts import judge
from evaluation.gate.words import lines, plain_data
from tests.evaluation.gate.records import share

HOSTILE = (
    "::error::pwned",
    "a\n::set-output name=x::y",
    "a\r\n##[add-mask]b",
    "<script>alert(1)</script>&amp;]]>",
    '"><testcase name="x"/>',
    "\x1b[2J\x1b]0;title\x07\x00\x0b\ufffe\u202egnp",
    "[bold red]x[/]",
    "100 %0A::warning::z",
    "long " * 60,
    "::error::" + "x" * 90,
)


def asked(right, text="accuracy >= 0.9", model="net", n=400):
    return parse(text), model, "", quantities.mean(share(n, right), (0, 1))


def verdicts(*rights):
    texts = ("accuracy >= 0.9", "accuracy under hue >= 0.9", "accuracy of class cat >= 0.9")
    return judge([asked(right, text) for right, text in zip(rights, texts, strict=False)])


def hostile(name):
    """Verdicts in which everything that can come from outside is hostile."""
    words = replace(parse("accuracy >= 0.9"), text=f"accuracy of class {name} >= 0.9")
    found = judge([(words, name, name, asked(right)[3]) for right in (390, 290, 362)])
    few = (words, name, "", quantities.mean(np.full(3, np.nan), (0, 1)))
    return [*found, *judge([few])]


def test_words_say_verdict_requirement_value_interval_and_images():
    found = lines(verdicts(390, 290, 362), "400 of digits")
    assert found == [
        "model: net",
        "met        accuracy >= 0.9  0.975 (0.949–0.990), 400 images",
        "NOT MET    accuracy under hue >= 0.9  0.725 (0.668–0.777), 400 images",
        "undecided  accuracy of class cat >= 0.9",
        "           0.905 (0.867–0.935), 400 images; some 24,000 images would decide it",
        "images: 400 of digits",
        "1 met, 1 not met, 1 undecided; risk of any wrong verdict: at most 5 % (Holm)",
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_words_stay_in_80_columns_and_are_no_commands(name):
    for line in map(inert, lines(hostile(name), name)):
        assert len(line) <= 80
        assert line.isprintable()
        assert not line.strip().startswith("::")
        assert "##[" not in line


@pytest.mark.parametrize("name", HOSTILE)
def test_an_annotation_is_one_command_whatever_the_names_are(name):
    found = annotations(hostile(name))
    assert [line.partition(" ")[0] for line in found] == ["::error", "::warning", "::warning"]
    for line in found:
        assert line.isprintable()
        command = re.fullmatch(r"::(error|warning) title=([^:,]*)::(.*)", line)
        assert command
        assert not re.search(r"%(?!25|0D|0A|3A|2C)", command[2] + command[3])
        assert "##[" not in line


def test_annotations_are_given_back_by_a_runner():
    """Unescaped as the runner does, last of all the percent sign."""
    (line,) = annotations(judge([asked(100, "accuracy >= 0.9", "a:b, 50 %0A%3A c")]))
    title, _, message = line.removeprefix("::error title=").partition("::")
    for escaped, character in (("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        title = title.replace(escaped, character)
    assert title == "a:b, 50 %0A%3A c: not met"
    assert message == "accuracy >= 0.9: 0.250 (0.208–0.295), 400 images"
    assert annotations(verdicts(390)) == []


# The JUnit schemas of Ant (JUnit.xsd of windyroad) and Jenkins (junit-10.xsd): what an element must
# have, and the order of what it may contain. The first is the stricter one.
NUMBER = r"\d+(\.\d+)?"
SCHEMA = {
    "testsuites": ({}, ["testsuite"]),
    "testsuite": (
        {
            "name": ".+",
            "package": ".*",
            "id": r"\d+",
            "tests": r"\d+",
            "failures": r"\d+",
            "errors": r"\d+",
            "skipped": r"\d+",
            "time": NUMBER,
            "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
            "hostname": ".+",
        },
        ["properties", "testcase", "system-out", "system-err"],
    ),
    "properties": ({}, ["property"]),
    "property": ({"name": ".+", "value": ".*"}, []),
    "testcase": ({"name": ".+", "classname": ".+", "time": NUMBER}, ["error", "failure"]),
    "error": ({"message": ".*", "type": ".+"}, []),
    "failure": ({"message": ".*", "type": ".+"}, []),
    "system-out": ({}, []),
    "system-err": ({}, []),
}


def check_schema(element):
    attributes, order = SCHEMA[element.tag]
    assert set(element.attrib) == set(attributes)
    for name, form in attributes.items():
        assert re.fullmatch(form, element.attrib[name], re.DOTALL), (name, element.attrib[name])
    places = [order.index(child.tag) for child in element]
    assert places == sorted(places)
    if element.tag == "testcase":
        assert len(element) <= 1
    if element.tag == "testsuite":
        assert [child.tag for child in element if child.tag != "testcase"] == [
            *("properties", "system-out", "system-err")
        ]
        cases = element.findall("testcase")
        assert int(element.get("tests")) == len(cases)
        for tag in ("failure", "error"):
            count = sum(case.find(tag) is not None for case in cases)
            assert int(element.get(f"{tag}s")) == count
    for child in element:
        check_schema(child)


def test_the_schema_refuses_what_is_wrong():
    content = junit(verdicts(390, 290, 362), "400 of digits")
    check_schema(ElementTree.fromstring(content))
    for old, new in (
        (b'errors="1"', b'errors="2"'),
        (b'hostname="localhost"', b""),
        (b"<system-err", b"<property"),
        (b'time="0"', b'time="none"'),
    ):
        assert old in content
        with pytest.raises((AssertionError, ValueError)):
            check_schema(ElementTree.fromstring(content.replace(old, new, 1)))


def test_junit_has_a_suite_for_each_model_and_a_test_for_each_requirement(tmp_path):
    found = [*verdicts(390, 290, 362), *judge([asked(390, model="other")])]
    write_junit(found, tmp_path / "junit.xml", "400 of digits")
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    check_schema(root)
    assert [suite.get("name") for suite in root] == ["net", "other"]
    cases = root[0].findall("testcase")
    assert [case.get("name") for case in cases] == [one.requirement.text for one in found[:3]]
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["error"]]
    assert cases[1][0].get("message") == "0.725 (0.668–0.777), 400 images"


@pytest.mark.parametrize("name", HOSTILE)
def test_junit_is_well_formed_and_names_are_text(name):
    root = ElementTree.fromstring(junit(hostile(name), name))
    check_schema(root)
    assert len(root) == 1
    assert len(root[0].findall("testcase")) == 4
    assert all(text.isprintable() for one in root.iter() for text in one.attrib.values())


@pytest.mark.parametrize("name", HOSTILE)
def test_json_gives_back_what_was_judged(name):
    found = hostile(name)
    again = json.loads(json.dumps([plain_data(one) for one in found], allow_nan=False))
    assert [one["verdict"] for one in again] == ["met", "not met", "undecided", "undecided"]
    assert again[0]["model"] == name
    assert again[0]["low"] == found[0].low
    assert again[3]["value"] is None
