"""Whole calls with each vendor's recogniser, language model and voice, over their real wire."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

import pytest

from getpatter.events import ProviderUsed
from getpatter.llm.base import LanguageModel, ToolCall
from getpatter.stt.base import SpeechToText
from getpatter.testing.vendors.model_server import Answer
from getpatter.testing.vendors.roll import KEY, MODELS, RECOGNISERS, VOICES, Stand
from getpatter.testing.vendors.socket_server import SocketServer
from getpatter.tts.base import TextToSpeech

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeAgent, Numbers, OpenHouse

END_CALL = ToolCall("call_1", "end_call", '{"reason": "done"}')
TABLE = Answer(text="Of course, Ada. It is yours. Goodbye.", tool_calls=(END_CALL,))

Trio = tuple[Stand[SpeechToText], Stand[LanguageModel], Stand[TextToSpeech]]


TRIOS: list[Trio] = [
    (ear, MODELS[(row + column) % len(MODELS)], voice)
    for row, ear in enumerate(RECOGNISERS)
    for column, voice in enumerate(VOICES)
]


def names(trio: Trio) -> str:
    return "+".join(stand.name for stand in trio)


def test_any_two_adapters_of_different_kinds_meet_in_a_call() -> None:
    kinds = [[ear.name for ear in RECOGNISERS], [mind.name for mind in MODELS], [voice.name for voice in VOICES]]
    calls = [names(trio).split("+") for trio in TRIOS]
    for one, other in combinations(range(3), 2):
        assert {(call[one], call[other]) for call in calls} == set(product(kinds[one], kinds[other]))


@pytest.mark.parametrize("trio", TRIOS, ids=names)
async def test_a_whole_call_is_held_by_a_pipeline(
    trio: Trio,
    open_house: OpenHouse,
    agent: MakeAgent,
    numbers: Numbers,
) -> None:
    ear, mind, voice = trio
    async with (
        ear.server("A table for Ada, please.", key=KEY).running() as hears,
        mind.server(TABLE, key=KEY).running() as thinks,
        voice.server(key=KEY).running() as speaks,
    ):
        stt, llm, tts = ear.provider(hears.url), mind.provider(thinks.url), voice.provider(speaks.url)
        async with open_house(agent(stt=stt, llm=llm, tts=tts)) as house:
            call_id = await house.place(numbers.patient)
            call = await house.ended(call_id)
            said = await house.transcript(call_id)
            for provider in (stt, llm, tts):
                await provider.close()
            if isinstance(hears, SocketServer):
                await hears.quiet()
            await speaks.quiet()
    assert call.how == ("answered", "agent", "")
    assert said == [("caller", "A table for Ada, please."), ("agent", "Of course, Ada. It is yours. Goodbye.")]
    assert " ".join(text.strip() for text in speaks.orders.spoken) == "Of course, Ada. It is yours. Goodbye."
    used = {event.kind: event.used for event in call.events if isinstance(event, ProviderUsed)}
    assert set(used) == {"stt", "llm", "tts"}
    assert used["stt"].seconds > 0
    assert used["tts"].characters == sum(len(text) for text in speaks.orders.spoken)
    assert used["llm"].output_tokens > 0
