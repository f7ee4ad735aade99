"""What replies use of a language model, and what of it is told."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence

import pytest

from getpatter.conversation.reply_use import ReplyMeter
from getpatter.errors import ProviderError
from getpatter.events import ProviderUsed, UsedFor
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolCall, ToolSpec
from getpatter.metering import LOCAL, UNKNOWN, Product, Used
from getpatter.testing.providers import AnsweringLLM, CountingTTS, CountingVoice, TellableSTT, ToldRecognition
from getpatter.testing.stage import Stage

CallOf = Callable[..., Stage]
ASKED = [Message("system", "x" * 30), Message("user", "y" * 11)]
MODEL = Product("openai", "gpt-4o-mini")
USED = Used(MODEL, input_tokens=1000, output_tokens=100)


class RealLLM(AnsweringLLM):
    """One whose words are its own."""

    scripted = False


@pytest.fixture
def told() -> list[Used]:
    return []


def test_what_the_model_tells_is_told_at_the_end(told: list[Used]) -> None:
    use = ReplyMeter(RealLLM(), told.append).begin(ASKED, ())
    for part in (TextDelta("Hello."), USED):
        use.take(part)
    assert told == []
    use.end()
    assert told == [USED]


def test_a_reply_that_is_broken_off_is_estimated_with_the_latest_product(told: list[Used]) -> None:
    meter = ReplyMeter(RealLLM(), told.append)
    for parts in ((USED,), (TextDelta("abcde"), ToolCall("1", "end", "{}"))):
        use = meter.begin(ASKED, ())
        for part in parts:
            use.take(part)
        use.end()
    assert told[1] == Used(MODEL, input_tokens=11, output_tokens=3, estimated=True)


def test_of_a_model_that_never_told_nobody_knows_what_it_costs(told: list[Used]) -> None:
    ReplyMeter(RealLLM(), told.append).begin(ASKED, ()).end()
    assert told == [Used(UNKNOWN, input_tokens=11, estimated=True)]


def test_a_script_costs_nothing(told: list[Used]) -> None:
    ReplyMeter(AnsweringLLM(), told.append).begin(ASKED, ()).end()
    assert told == [Used(LOCAL)]


@pytest.mark.parametrize(("parts", "paid"), [((), 0), ((TextDelta("Hel"),), 1)])
def test_a_request_that_fails_is_paid_only_for_what_came(
    told: list[Used], parts: tuple[ReplyPart, ...], paid: int
) -> None:
    use = ReplyMeter(RealLLM(), told.append).begin(ASKED, ())
    for part in parts:
        use.take(part)
    use.failed()
    use.end()
    assert len(told) == paid


# -- in a call


class MeteredLLM(RealLLM):
    """Tells what each reply used."""

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        async for part in super().reply(messages, tools):
            yield part
        yield USED


class PaidVoice(CountingVoice):
    used = (Used(Product("elevenlabs", "eleven_flash_v2_5"), characters=200),)


class PaidTTS(CountingTTS):
    async def open(self, language: str = "en-US") -> CountingVoice:
        return PaidVoice(self)


class PaidRecognition(ToldRecognition):
    used = (Used(Product("deepgram", "nova-3"), seconds=60.0), Used(Product("acme", "x"), seconds=1.0))


class PaidSTT(TellableSTT):
    async def open(self, hints: object) -> ToldRecognition:
        return PaidRecognition(deque(["hello", "thanks"]))


def uses(stage: Stage, kind: UsedFor) -> list[tuple[str, int | None]]:
    events = [event for event in stage.events if isinstance(event, ProviderUsed) and event.kind == kind]
    return [(str(event.used.product), event.cost_micros) for event in events]


async def test_each_reply_is_told_at_once_and_speech_at_the_end(call_of: CallOf) -> None:
    stage = call_of(llm=MeteredLLM("At seven.", "Bye."), stt=PaidSTT(), tts=PaidTTS())
    await stage.start()
    for _ in range(2):
        await stage.says()
        await stage.passes(3)
    assert uses(stage, "llm") == [("openai/gpt-4o-mini", 210)] * 2
    assert uses(stage, "stt") == uses(stage, "tts") == []
    await stage.talk.close()
    assert uses(stage, "stt") == [("deepgram/nova-3", 4800), ("acme/x", None)]
    assert uses(stage, "tts") == [("elevenlabs/eleven_flash_v2_5", 10_000)]


async def test_speech_of_this_machine_is_known_to_cost_nothing(call_of: CallOf) -> None:
    stage = call_of(llm=MeteredLLM("At seven."), stt=TellableSTT(["hello"]))
    await stage.start()
    await stage.talk.close()
    assert uses(stage, "stt") == uses(stage, "tts") == [("local", 0)]
    assert uses(stage, "llm") == []


async def test_an_answer_that_the_caller_breaks_off_while_it_is_written_is_counted(call_of: CallOf) -> None:
    stage = call_of(llm=RealLLM(["At ", ProviderError("It broke off.")]), stt=TellableSTT(["hello"]))
    await stage.start()
    await stage.says()
    await stage.passes(3)
    assert uses(stage, "llm") == [("", None)]
