"""Results as JUnit XML, which CI systems show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from getpatter.trying.suite_run import CaseResult

_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""


def junit(name: str, results: Sequence[CaseResult]) -> str:
    """One `testsuite` of this name."""
    suite = ElementTree.Element("testsuite", name=_text(name), tests=str(len(results)))
    for attribute, status in (("failures", "failed"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(result.status == status for result in results)))
    suite.set("time", f"{sum(result.took_s for result in results):.3f}")
    for result in results:
        suite.append(_case(name, result))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, "unicode", xml_declaration=True) + "\n"


def _case(suite: str, result: CaseResult) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=_text(suite), name=_text(result.name), time=f"{result.took_s:.3f}")
    if result.status != "passed":
        kind = {"failed": "failure", "error": "error", "skipped": "skipped"}[result.status]
        ElementTree.SubElement(case, kind, message=_text(result.reason)).text = _text(result.conversation)
    elif result.conversation:
        ElementTree.SubElement(case, "system-out").text = _text(result.conversation)
    return case


def _text(text: str) -> str:
    return _UNWRITABLE.sub("�", text)
