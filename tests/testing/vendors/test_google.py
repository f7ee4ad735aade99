"""The stand-in is held honest by the official client, which reads what it sends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from getpatter.llm.base import ToolCall
from getpatter.metering import UNKNOWN, Used
from getpatter.testing.vendors.google import SCHEMA_FIELDS, GoogleServer
from getpatter.testing.vendors.model_server import Answer

genai = pytest.importorskip("google.genai", reason="the official client is not installed")

CALL = ToolCall("call_1", "look_up", '{"day": "Monday", "people": 2}', "c2lnbmF0dXJl")


@asynccontextmanager
async def client_of(server: GoogleServer) -> AsyncIterator[Any]:
    async with server.running():
        root = server.url.removesuffix("/v1")
        async with httpx.AsyncClient() as http:  # else it takes aiohttp, by a class of its own that aiohttp warns of
            options = genai.types.HttpOptions(base_url=root, httpx_async_client=http)
            with genai.Client(api_key="k", vertexai=False, http_options=options) as client:
                yield client.aio


async def read(client: Any) -> list[Any]:
    stream = await client.models.generate_content_stream(model="m", contents="When?")
    return [chunk async for chunk in stream]


async def test_the_official_client_reads_text_tool_calls_and_usage() -> None:
    usage = Used(UNKNOWN, input_tokens=30, output_tokens=9, cached_tokens=20)
    answer = Answer(text="Let me see. One moment.", thoughts="Hm.", tool_calls=(CALL,), usage=usage, served_as="m-001")
    async with client_of(GoogleServer(answer, key="k", model="m")) as client:
        chunks = await read(client)
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
    assert "".join(part.text for part in parts if part.text and not part.thought) == answer.text
    (called,) = [part for part in parts if part.function_call]
    call = called.function_call
    assert (call.id, call.name, call.args) == (CALL.id, CALL.name, json.loads(CALL.arguments))
    assert called.thought_signature == b"signature"
    last = chunks[-1]
    assert last.candidates[0].finish_reason == "STOP"
    assert last.model_version == "m-001"
    told = last.usage_metadata
    assert (told.prompt_token_count, told.candidates_token_count, told.cached_content_token_count) == (30, 9, 20)


@pytest.mark.parametrize(
    ("server", "code", "status"),
    [
        (GoogleServer(key="another"), 400, "INVALID_ARGUMENT"),
        (GoogleServer(model="another"), 404, "NOT_FOUND"),
        (GoogleServer(Answer(status=429, error={"message": "slow down"})), 429, "RESOURCE_EXHAUSTED"),
        (GoogleServer(Answer(status=503, error={"message": "busy"})), 503, "UNAVAILABLE"),
        (GoogleServer(Answer(text="Yes.", error_after=1)), 503, "UNAVAILABLE"),
    ],
    ids=["key", "model", "rate", "busy", "stream"],
)
async def test_the_official_client_knows_the_errors(server: GoogleServer, code: int, status: str) -> None:
    async with client_of(server) as client:
        with pytest.raises(genai.errors.APIError) as failed:
            await read(client)
    assert (failed.value.code, failed.value.status) == (code, status)


def test_the_fields_of_a_schema_are_those_of_the_official_client() -> None:
    known = {field.alias or name for name, field in genai.types.Schema.model_fields.items()}
    assert known - SCHEMA_FIELDS <= {"additionalProperties", "defs", "ref"}, "which Vertex AI alone knows"
    assert known >= SCHEMA_FIELDS
