from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from getpatter.carriers.base import Finding, NumberSetup
from getpatter.carriers.plivo.numbers import application_id, settings
from getpatter.errors import CarrierError

if TYPE_CHECKING:
    from tests.carriers.plivo.conftest import OpenDesk

NUMBER = "+14155550100"
HOOKS = "https://patter.example/webhooks/plivo"
OWNED = {
    "number": "14155550100",
    "application": "/v1/Account/MAXXXXXXXXXXXXXXXXXX/Application/29986316244302815/",
    "voice_enabled": True,
}
NUMBER_LINE, APPLICATION_LINE = "GET Number/14155550100/", "GET Application/29986316244302815/"
FIND_LINE = "GET Application/?app_name=patter-14155550100&limit=20"
ACCOUNT = {"account_type": "standard", "billing_mode": "prepaid", "cash_credits": "1.80900"}
THEIRS = {"app_id": "29986316244302815", "app_name": "ivr", "answer_url": "https://old.example/answer"}
RIGHT = {"app_id": "29986316244302815", **settings(HOOKS)}


class TestConfiguring:
    async def test_a_number_gets_an_application_of_its_own(self, desk: OpenDesk) -> None:
        answers: Any = {
            NUMBER_LINE: (200, OWNED),
            APPLICATION_LINE: (200, THEIRS),
            FIND_LINE: (200, {"objects": []}),
            "POST Application/": (201, {"app_id": "7", "message": "created"}),
        }
        async with desk(answers) as open_desk:
            setup = await open_desk.carrier.configure_number(NUMBER, HOOKS)
        created, pointed = open_desk.api.asked[-2:]
        assert setup == NumberSetup(NUMBER, changed=True, previous_url="https://old.example/answer")
        assert created.line == "POST Application/"
        assert created.body == {
            "app_name": "patter-14155550100",
            "answer_url": f"{HOOKS}/voice",
            "answer_method": "POST",
            "hangup_url": f"{HOOKS}/status",
            "hangup_method": "POST",
        }
        assert (pointed.line, pointed.body) == ("POST Number/14155550100/", {"app_id": "7"})

    async def test_the_application_of_an_earlier_time_is_used_again(self, desk: OpenDesk) -> None:
        found = {"objects": [{"app_name": "patter-14155550100-old", "app_id": "6"}]}
        found["objects"].append({"app_name": "patter-14155550100", "app_id": "7"})
        answers: Any = {NUMBER_LINE: (200, OWNED | {"application": None}), FIND_LINE: (200, found)}
        async with desk(answers) as open_desk:
            setup = await open_desk.carrier.configure_number(NUMBER, HOOKS)
        assert setup == NumberSetup(NUMBER, changed=True)
        assert open_desk.api.lines[-2:] == ["POST Application/7/", "POST Number/14155550100/"]
        assert open_desk.api.asked[-2].body == settings(HOOKS)

    async def test_a_number_that_points_at_ours_stays_there(self, desk: OpenDesk) -> None:
        ours = {"app_name": "patter-14155550100", "app_id": "29986316244302815"}
        answers: Any = {
            NUMBER_LINE: (200, OWNED),
            APPLICATION_LINE: (200, RIGHT | {"answer_url": "https://tunnel-1.example/webhooks/plivo/voice"}),
            FIND_LINE: (200, {"objects": [ours]}),
        }
        async with desk(answers) as open_desk:
            setup = await open_desk.carrier.configure_number(NUMBER, HOOKS)
        assert setup.previous_url == "https://tunnel-1.example/webhooks/plivo/voice"
        assert [line for line in open_desk.api.lines if line.startswith("POST")] == [
            "POST Application/29986316244302815/"
        ]

    async def test_nothing_is_changed_that_is_right(self, desk: OpenDesk) -> None:
        async with desk({NUMBER_LINE: (200, OWNED), APPLICATION_LINE: (200, RIGHT)}) as open_desk:
            setup = await open_desk.carrier.configure_number(NUMBER, HOOKS)
        assert setup == NumberSetup(NUMBER, changed=False, previous_url=f"{HOOKS}/voice")
        assert open_desk.api.lines == [NUMBER_LINE, APPLICATION_LINE]

    async def test_a_number_of_somebody_else_is_an_error_that_shows_its_end_alone(self, desk: OpenDesk) -> None:
        async with desk({NUMBER_LINE: (404, {"error": "not found"})}) as open_desk:
            with pytest.raises(CarrierError, match="no number that ends in 0100") as refused:
                await open_desk.carrier.configure_number(NUMBER, HOOKS)
        assert "415555" not in refused.value.message
        assert "PATTER_PHONE_NUMBER" in (refused.value.next_step or "")


class TestExamining:
    async def found(self, desk: OpenDesk, **changes: tuple[int, Any]) -> list[Finding]:
        answers = {"account": (200, ACCOUNT), "number": (200, OWNED), "application": (200, RIGHT), **changes}
        lines = {"account": "GET ", "number": NUMBER_LINE, "application": APPLICATION_LINE}
        async with desk({lines[name]: answer for name, answer in answers.items()}) as open_desk:
            findings = await open_desk.carrier.examine(NUMBER, HOOKS)
            assert all(line.startswith("GET") for line in open_desk.api.lines)
        return list(findings)

    async def test_all_is_well(self, desk: OpenDesk) -> None:
        findings = await self.found(desk)
        assert [(finding.about, finding.level) for finding in findings] == [
            ("account", "ok"),
            ("credit", "ok"),
            ("number", "ok"),
            ("webhook", "ok"),
        ]
        assert "1.81 USD" in findings[1].message

    async def test_wrong_credentials_are_all_there_is_to_say(self, desk: OpenDesk) -> None:
        (finding,) = await self.found(desk, account=(401, {"error": "authentication failed"}))
        assert (finding.about, finding.level) == ("account", "error")
        assert "PLIVO_AUTH_TOKEN" in finding.next_step

    @pytest.mark.parametrize(
        ("about", "level", "changes"),
        [
            ("account", "warning", {"account": (200, ACCOUNT | {"account_type": "developer"})}),
            ("credit", "error", {"account": (200, ACCOUNT | {"cash_credits": "0.00000"})}),
            ("credit", "ok", {"account": (200, ACCOUNT | {"cash_credits": "-3", "billing_mode": "postpaid"})}),
            ("number", "error", {"number": (404, {})}),
            ("number", "error", {"number": (200, OWNED | {"voice_enabled": False})}),
            ("number", "error", {"application": (500, {})}),
            ("webhook", "warning", {"number": (200, OWNED | {"application": None})}),
            ("webhook", "warning", {"application": (404, {})}),
            ("webhook", "warning", {"application": (200, THEIRS)}),
            ("webhook", "warning", {"application": (200, RIGHT | {"answer_method": "GET"})}),
        ],
    )
    async def test_what_is_wrong_is_said_with_what_to_do(
        self, desk: OpenDesk, about: str, level: str, changes: dict[str, Any]
    ) -> None:
        findings = await self.found(desk, **changes)
        finding = [finding for finding in findings if finding.about == about][-1]
        assert finding.level == level
        assert bool(finding.next_step) == (level != "ok")


@pytest.mark.parametrize("application", [None, "", 7, "/v1/Account/MA/"])
def test_a_number_may_have_no_application(application: Any) -> None:
    assert application_id({"application": application}) == ""
