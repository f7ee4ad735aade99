"""Whether the model's server answers, takes the key and has the model."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Header, Response

from getpatter.doctor.speech import model, recogniser, voice
from getpatter.errors import ConfigurationError
from getpatter.settings import Settings, load
from getpatter.stt.pocketsphinx import pocketsphinx_installed
from getpatter.testing.http import served
from getpatter.tts.espeak import espeak_installed


class Server:
    """A language model's server as far as its list of models goes."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: Any = {"object": "list", "data": [{"id": "small"}, {"id": "large"}]}
        self.key = ""

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/models")
        async def models(response: Response, authorization: str = Header("")) -> Any:
            response.status_code = 401 if self.key and authorization != f"Bearer {self.key}" else 200
            return self.answer

        return app


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    async with served(server.app()) as base:
        server.url = f"{base}/v1"
        yield server


def settings(tmp_path: Path, **given: str) -> Settings:
    return load(home=tmp_path, **given)


async def test_a_model_that_is_there(tmp_path: Path, server: Server) -> None:
    (found,) = await model(settings(tmp_path, llm_url=f"{server.url}/chat/completions", llm_model="small"))
    assert found.level == "ok"


async def test_a_model_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, server: Server) -> None:
    (found,) = await model(settings(tmp_path, llm_url=server.url, llm_model="medium"))
    assert found.level == "warning"
    assert "it has small, large" in found.message


async def test_a_wrong_key_is_told_and_not_shown(tmp_path: Path, server: Server) -> None:
    server.key = "right"
    given = settings(tmp_path, llm_url=server.url, llm_model="small", llm_key="s3cret")
    (found,) = await model(given)
    assert found.level == "error"
    assert "PATTER_LLM_KEY" in found.next_step
    assert "s3cret" not in repr(found)
    (found,) = await model(settings(tmp_path, llm_url=server.url, llm_model="small", llm_key="right"))
    assert found.level == "ok"


async def test_another_kind_of_server_is_told(tmp_path: Path, server: Server) -> None:
    (found,) = await model(settings(tmp_path, llm_url=f"{server.url}/elsewhere", llm_model="small"))
    assert "HTTP 404" in found.message
    server.answer = ["hello"]
    (found,) = await model(settings(tmp_path, llm_url=server.url, llm_model="small"))
    assert "no list of models" in found.message


async def test_a_server_that_is_away_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    (found,) = await model(settings(tmp_path, llm_url=url, llm_model="small"))
    assert (found.level, "cannot be reached" in found.message) == ("error", True)


async def test_without_a_server_there_is_the_script(tmp_path: Path) -> None:
    (found,) = await model(settings(tmp_path, llm_url="", llm_model=""))
    assert found.level == "warning"
    assert "PATTER_LLM_URL" in found.next_step


async def test_half_a_setting_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PATTER_LLM_MODEL"):
        await model(settings(tmp_path, llm_url="http://127.0.0.1:1/v1", llm_model=""))


@pytest.mark.skipif(not pocketsphinx_installed(), reason="the extra local is not installed")
async def test_the_recogniser_of_this_machine(tmp_path: Path) -> None:
    assert (await recogniser(settings(tmp_path)))[0].level == "ok"


@pytest.mark.skipif(not espeak_installed(), reason="the extra local is not installed")
async def test_the_voice_of_this_machine(tmp_path: Path) -> None:
    assert (await voice(settings(tmp_path)))[0].level == "ok"


async def test_what_is_chosen_needs_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings(tmp_path, stt="deepgram", llm_url="", llm_model="")
    monkeypatch.delenv("DEEPGRAM_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="Deepgram needs a key"):
        await recogniser(chosen)
    monkeypatch.setenv("DEEPGRAM_API_KEY", "k")
    assert (await recogniser(chosen))[0].message == "nova-3 at api.deepgram.com is chosen, and its key is set."


async def test_an_engine_takes_the_place_of_all_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    chosen = settings(tmp_path, engine="openai", llm_url="", llm_model="")
    assert [finding.about for finding in await recogniser(chosen)] == ["engine"]
    assert (await voice(chosen), await model(chosen)) == ([], [])
