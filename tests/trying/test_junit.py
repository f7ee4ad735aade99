from __future__ import annotations

from xml.etree import ElementTree

from getpatter.trying.junit import junit
from getpatter.trying.suite_run import CaseResult


def test_each_case_is_there_with_its_reason_and_its_conversation() -> None:
    results = [
        CaseResult("one", "passed", conversation="agent  Hello.", took_s=0.5),
        CaseResult("two", "failed", "The agent did not say 'x'.", conversation="agent  <b>\x00", took_s=0.25),
        CaseResult("three", "error", "broken"),
        CaseResult("four", "skipped", "no model"),
    ]
    suite = ElementTree.fromstring(junit("hours & more", results))
    assert suite.attrib == {
        "name": "hours & more",
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
        "time": "0.750",
    }
    one, two, three, four = suite
    assert (one.get("name"), one.findtext("system-out")) == ("one", "agent  Hello.")
    failure = two.find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("The agent did not say 'x'.", "agent  <b>�")
    assert three.find("error") is not None
    assert four.find("skipped") is not None
