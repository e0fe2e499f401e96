"""Verdicts as a JUnit XML file, which systems for continuous integration show as tests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from evaluation.gate.verdicts import NOT_MET, UNDECIDED, Verdict
from evaluation.gate.words import measured
from zoo.support.files import write
from zoo.support.plain import plain

_KINDS = {NOT_MET: "failure", UNDECIDED: "error"}


def junit(verdicts: Sequence[Verdict], images: str = "") -> bytes:
    """Return the file: a suite for each model, a test for each requirement.

    What is not met is a failure; what is undecided is an error, since it could not be tested with
    so many images. The form is that of Ant's and Jenkins' schemas.

    Args:
        verdicts: The verdicts.
        images: What the models were shown, in words.

    Example:
        >>> import numpy as np
        >>> from evaluation.gate import quantities, requirements
        >>> from evaluation.gate.junit import junit
        >>> from evaluation.gate.verdicts import judge
        >>> asked = requirements.parse("accuracy >= 0.9")
        >>> found = junit(judge([(asked, "net", "", quantities.mean(np.ones(100), (0, 1)))]))
        >>> b'<testcase name="accuracy &gt;= 0.9"' in found
        True
    """
    root = ElementTree.Element("testsuites")
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    for number, model in enumerate(dict.fromkeys(one.model for one in verdicts)):
        own = [one for one in verdicts if one.model == model]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            {
                "name": _text(model),
                "package": "evaluation.gate",
                "id": str(number),
                "tests": str(len(own)),
                "failures": str(sum(one.verdict == NOT_MET for one in own)),
                "errors": str(sum(one.verdict == UNDECIDED for one in own)),
                "skipped": "0",
                "time": "0",
                "timestamp": time,
                "hostname": "localhost",
            },
        )
        properties = ElementTree.SubElement(suite, "properties")
        known = {"images": images, "baseline": own[0].baseline}
        for name, value in known.items():
            if value:
                attributes = {"name": name, "value": _text(value)}
                ElementTree.SubElement(properties, "property", attributes)
        for one in own:
            attributes = {
                "name": _text(one.requirement.text),
                "classname": _text(model),
                "time": "0",
            }
            case = ElementTree.SubElement(suite, "testcase", attributes)
            if one.verdict in _KINDS:
                said = {"message": measured(one), "type": one.verdict}
                found = ElementTree.SubElement(case, _KINDS[one.verdict], said)
                found.text = f"{_text(one.requirement.text)}: {one.verdict}, {measured(one)}"
        output = ElementTree.SubElement(suite, "system-out")
        output.text = "\n".join(
            f"{one.verdict}: {_text(one.requirement.text)}: {measured(one)}" for one in own
        )
        ElementTree.SubElement(suite, "system-err")
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def write_junit(verdicts: Sequence[Verdict], path: Path, images: str = "") -> None:
    """Write the file; a reader finds the complete old one or the complete new one."""
    content = junit(verdicts, images)
    write(path, lambda file: file.write(content))


def _text(value: str) -> str:
    """Return text without characters that XML does not allow."""
    return str(plain(value))
