"""Recogniser, voice and language model of the configured agent."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import msgspec

from getpatter.carriers.base import Finding
from getpatter.connections.tls import tls_context
from getpatter.llm.factory import language_model
from getpatter.providers.chosen import chosen_engine, chosen_stt, chosen_tts
from getpatter.settings import Settings

TIMEOUT_S = 10.0
_MODEL = "language model"
_READY = {True: "is chosen, and its key is set", False: "is installed"}


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    """What `GET /models` answers (OpenAI's API reference, "List models")."""

    data: list[_Model]


async def recogniser(settings: Settings) -> Sequence[Finding]:
    """Raises `ConfigurationError` where it is not installed, or its key is missing."""
    if settings.engine:
        return await engine(settings)
    stt = chosen_stt(settings)
    await stt.close()
    return [Finding("recogniser", "ok", f"{stt.name} {_READY[bool(settings.stt)]}.")]


async def engine(settings: Settings) -> Sequence[Finding]:
    """The engine that does it all.  Raises `ConfigurationError` where its key is missing."""
    engine = chosen_engine(settings)
    assert engine is not None
    await engine.close()
    return [Finding("engine", "ok", f"{engine.name} is chosen, and its key is set.")]


async def voice(settings: Settings) -> Sequence[Finding]:
    """Raises `ConfigurationError` where none is installed for the language, or its key is missing."""
    if settings.engine:
        return []
    tts = chosen_tts(settings)
    await tts.close()
    return [Finding("voice", "ok", f"{tts.name} {_READY[bool(settings.tts)]}.")]


async def model(settings: Settings) -> Sequence[Finding]:
    """Whether the server answers and has the model.  Raises `ConfigurationError` for settings that cannot be used."""
    if settings.engine:
        return []
    llm = language_model(settings)
    await llm.close()
    if settings.llm:
        return [Finding(_MODEL, "ok", f"{llm.name} is chosen, and its key is set where it needs one.")]
    if llm.scripted:
        advice = "Set PATTER_LLM, or PATTER_LLM_URL and PATTER_LLM_MODEL, to have one: see `getpatter providers`."
        return [Finding(_MODEL, "warning", "There is none: the agent follows a script that books tables.", advice)]
    base = settings.llm_url.strip().rstrip("/").removesuffix("/chat/completions")
    key = settings.llm_key.get_secret_value().strip()
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        async with httpx.AsyncClient(verify=await tls_context(), trust_env=False, timeout=TIMEOUT_S) as http:
            answer = await http.get(f"{base}/models", headers=headers)
    except (httpx.TransportError, OSError) as lost:
        words = str(lost) or type(lost).__name__
        return [Finding(_MODEL, "error", f"{base} cannot be reached: {words}.", "Check PATTER_LLM_URL.")]
    return [_judged(answer, base, settings.llm_model)]


def _judged(answer: httpx.Response, base: str, wanted: str) -> Finding:
    if answer.status_code in (401, 403):
        return Finding(_MODEL, "error", f"{base} refuses the key (HTTP {answer.status_code}).", "Check PATTER_LLM_KEY.")
    if not answer.is_success:
        advice = "Check that PATTER_LLM_URL is the API's base URL; some servers have no list of models."
        return Finding(_MODEL, "warning", f"{base}/models answers HTTP {answer.status_code}.", advice)
    try:
        names = [model.id for model in msgspec.json.decode(answer.content, type=_Models).data]
    except msgspec.DecodeError:
        return Finding(_MODEL, "warning", f"{base}/models answers what is no list of models.", "Check PATTER_LLM_URL.")
    if wanted not in names:
        some = ", ".join(names[:5]) or "nothing"
        return Finding(_MODEL, "warning", f"{base} does not list {wanted}; it has {some}.", "Check PATTER_LLM_MODEL.")
    return Finding(_MODEL, "ok", f"{base} answers and has {wanted}.")
