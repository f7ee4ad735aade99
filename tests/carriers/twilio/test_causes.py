from __future__ import annotations

import pytest

from getpatter.carriers.twilio import causes


@pytest.mark.parametrize(
    ("form", "cause"),
    [
        ({}, ""),
        ({"SipResponseCode": "200"}, ""),
        ({"SipResponseCode": "404"}, "SIP 404: the number does not exist"),
        ({"SipResponseCode": "499"}, "SIP 499"),
        ({"SipResponseCode": "no"}, ""),
        ({"ErrorCode": "0"}, ""),
        ({"ErrorCode": "13224"}, "Twilio error 13224"),
        (
            {"SipResponseCode": "503", "ErrorCode": "32011", "ErrorMessage": "cannot reach\n+1 202 555 0199"},
            "SIP 503: the other network is out of service, Twilio error 32011: cannot reach ***",
        ),
    ],
)
def test_a_cause_in_words(form: dict[str, str], cause: str) -> None:
    assert causes.of(form) == cause
