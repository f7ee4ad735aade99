"""Programs from the published pages that describe this API, run unchanged."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import getpatter
from getpatter import Agent, OpenAIRealtime, Patter, Tool, guardrail, tool
from getpatter.observability import is_tracing_enabled
from getpatter.settings import SIMULATED_NUMBER
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory
from getpatter.testing.providers import AnsweringLLM, CountingTTS, TellableSTT
from getpatter.testing.signing import sim_secret

PAGES = Path(__file__).parents[2].parent / "shared" / "reference" / "seeds"
PATIENCE_S = 120.0

pytestmark = pytest.mark.skipif(not PAGES.is_dir(), reason=f"the published pages are not at {PAGES}")


def samples() -> list[str]:
    """The Python of all pages, in order."""
    found = []
    for page in sorted(PAGES.glob("*.txt")) if PAGES.is_dir() else []:
        text = page.read_text("utf-8")
        found += [textwrap.dedent(block) for block in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)]
        unfenced = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
        found += re.findall(r"^await phone\..*$", unfenced, re.M)
    return found


SAMPLES = samples()


@pytest.fixture
async def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("PATTER_", "OPENAI_", "TWILIO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("PATTER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATTER_DRAIN_S", "0")
    phone = Patter()
    yield phone
    await phone.stop()


async def lookup(arguments: dict[str, Any]) -> str:
    return "found"


def names(phone: Patter, agent: Agent | None = None) -> dict[str, Any]:
    """What the pages take for granted around their samples."""

    class Crm:
        async def find(self, number: str) -> str:
            return "Ann"

    return {
        **{name: getattr(getpatter, name) for name in PUBLIC},
        "phone": phone,
        "agent": agent,
        "crm": Crm(),
        "my_handler": lookup,
        "transfer_tool": tool(name="lookup", handler=lookup),
        "profanity_rail": guardrail("profanity", blocked_terms=["badword"]),
    }


PUBLIC = [name for name in getpatter.__all__ if not name.startswith("_")]


async def run(sample: str, given: dict[str, Any]) -> SimpleNamespace:
    """Run it, with `await` where it likes; gives the names that it has made."""
    code = compile(sample, "sample", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    found = eval(code, given)
    if inspect.isawaitable(found):
        await found
    return SimpleNamespace(**given)


def the_sample(words: str) -> str:
    (found,) = [sample for sample in SAMPLES if words in sample]
    return found


def test_every_sample_runs() -> None:
    checked = {sample for words in CHECKS for sample in SAMPLES if words in sample}
    assert [sample for sample in SAMPLES if sample not in checked] == []
    assert [words for words in CHECKS if not any(words in sample for sample in SAMPLES)] == []


# -- what each must come to


def an_account(found: SimpleNamespace) -> None:
    assert found.phone.carrier.account_sid == "AC..."
    assert isinstance(found.phone.tunnel, getpatter.CloudflareTunnel)


def an_agent(found: SimpleNamespace) -> None:
    assert isinstance(found.agent.engine, OpenAIRealtime)
    assert found.agent.first_message == "Hello! How can I help?"
    assert len(found.agent.tools) == len(found.agent.guardrails) == 1


def a_pipeline(found: SimpleNamespace) -> None:
    assert isinstance(found.agent.stt, getpatter.DeepgramSTT)
    assert isinstance(found.agent.tts, getpatter.ElevenLabsTTS)


def tools(found: SimpleNamespace) -> None:
    assert isinstance(found.lookup_account, Tool)
    assert found.lookup_account.description == "Look up the account for a caller."
    assert found.t.name == "transfer_call"


def a_rail(found: SimpleNamespace) -> None:
    assert found.rail.replacement == "Let me rephrase that."


def a_tunnel(found: SimpleNamespace) -> None:
    assert isinstance(found.phone.tunnel, getpatter.CloudflareTunnel)


def a_static_tunnel(found: SimpleNamespace) -> None:
    assert found.phone.tunnel.url == "https://agent.example.com"


def runs(found: SimpleNamespace) -> None:
    assert found.phone is not None


SERVES = "await phone.serve(agent=agent, port=8000, dashboard=True)"
TRIES = "await phone.test(agent)"
HEARS = "bus = EventBus()"
SWITCHES_ON = "init_tracing(service_name="
SPANS = 'with start_span("getpatter.llm"'


CHECKS: dict[str, Callable[[SimpleNamespace], None]] = {
    'account_sid="AC..."': an_account,
    "tools=[transfer_tool]": an_agent,
    "import Patter, Twilio, DeepgramSTT, ElevenLabsTTS": a_pipeline,
    "async def lookup_account": tools,
    'rail = guardrail("profanity"': a_rail,
    "tunnel=CloudflareTunnel()": a_tunnel,
    "tunnel=Static(": a_static_tunnel,
    "Patter(pricing={": runs,
    SERVES: runs,
    TRIES: runs,
    HEARS: runs,
    SWITCHES_ON: runs,
    SPANS: runs,
}
TOLD_APART = (SERVES, TRIES, HEARS, SWITCHES_ON, SPANS)
"""Samples that are seen to work by what happens around them."""


@pytest.mark.parametrize("words", [words for words in CHECKS if words not in TOLD_APART])
async def test_samples(phone: Patter, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC...")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "...")
    sample = the_sample(words).replace('"+1..."', '"+15550001234"')  # no number, and refused as such
    CHECKS[words](await run(sample, names(phone)))


async def test_the_sample_that_serves_answers_a_call(
    phone: Patter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = phone.agent(
        system_prompt="Be quick.",
        stt=TellableSTT(["Hello?"]),
        llm=AnsweringLLM("Yes."),
        tts=CountingTTS(),
        first_message="Hello.",
    )
    # The port of the sample may be taken here.
    sample = the_sample(SERVES).replace("port=8000", "port=0")
    serving = asyncio.create_task(run(sample, names(phone, agent)))
    async with asyncio.timeout(PATIENCE_S):
        url = await phone.ready
        home = tmp_path / "home"
        network = SimNetwork(Directory.load(home / "parties"), sim_secret(home))
        rang = await network.ring(f"{url}/webhooks/sim/voice", "+12025550107", SIMULATED_NUMBER)
        await network.close()
        await phone.stop()
        await serving
    assert rang.answered


async def test_the_sample_that_needs_no_telephone_is_a_conversation_in_the_terminal(
    phone: Patter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATTER_LLM_URL", "http://127.0.0.1:9/v1")  # where nobody answers, and nobody is asked
    monkeypatch.setenv("PATTER_LLM_MODEL", "m")
    (tmp_path / "typed").write_text("/hangup\n")
    with (tmp_path / "typed").open() as typed:
        monkeypatch.setattr("sys.stdin", typed)
        async with asyncio.timeout(PATIENCE_S):
            found = await run(the_sample(TRIES), names(phone))
    assert found.phone.phone_number == "+15550001234"
    assert "hung up" in capsys.readouterr().out.lower()


async def test_the_sample_that_hears_by_name_prints_what_is_emitted(
    phone: Patter, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await run(the_sample(HEARS), names(phone))
    found.bus.emit("turn_ended", {"turn_index": 1})  # after the sample has stopped listening
    assert capsys.readouterr().out == "{'turn_index': 0}\n"


@pytest.mark.usefixtures("no_tracer_provider")
async def test_the_sample_that_switches_tracing_on_does_so_where_the_setting_allows_it(
    phone: Patter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(the_sample(SWITCHES_ON), {})
    assert not is_tracing_enabled()
    monkeypatch.setenv("PATTER_OTEL_ENABLED", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")  # nothing is sent in this test
    await run(the_sample(SWITCHES_ON), {})
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    assert provider.resource.attributes["service.name"] == "my-agent"
    assert provider.resource.attributes["deployment.env"] == "prod"
    provider.shutdown()


@pytest.mark.usefixtures("no_tracer_provider")
async def test_the_sample_that_starts_a_span_has_one_where_tracing_is_on(phone: Patter) -> None:
    assert (await run(the_sample(SPANS), names(phone))).span is None
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    await run(the_sample(SPANS), names(phone))
    ((name, attributes),) = [(span.name, dict(span.attributes or {})) for span in exporter.get_finished_spans()]
    assert (name, attributes) == ("getpatter.llm", {"llm.provider": "openai"})
