"""The real command and libraries, against a hub on this machine that speaks the Hugging Face Hub's protocol."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from typer.testing import CliRunner

from getpatter.cli.main import app
from getpatter.stt import faster_whisper_files, moonshine_files
from getpatter.testing.http import served
from getpatter.tts import kokoro_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TIMEOUT_S = 120.0


class Hub:
    """The part of the hub that a download asks (huggingface-hub 2.4)."""

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, dict[str, bytes]] = {}

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/api/models/{owner}/{name}/revision/{revision}")
        async def revision(owner: str, name: str) -> Any:
            if (files := self.files.get(f"{owner}/{name}")) is None:
                return Response(status_code=404, headers={"X-Error-Code": "RepoNotFound"})
            return {"id": f"{owner}/{name}", "sha": COMMIT, "siblings": [{"rfilename": path} for path in files]}

        @app.get("/api/models/{owner}/{name}/tree/{revision}")
        async def tree(owner: str, name: str) -> Any:
            files = self.files[f"{owner}/{name}"]
            return [
                {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for path, content in files.items()
            ]

        @app.api_route("/{owner}/{name}/resolve/{revision}/{path}", methods=["GET", "HEAD"])
        async def file(request: Request, owner: str, name: str, path: str) -> Response:
            content = self.files[f"{owner}/{name}"][path]
            headers = {
                "ETag": f'"{hashlib.sha1(content).hexdigest()}"',
                "X-Repo-Commit": COMMIT,
                "Content-Length": str(len(content)),
            }
            return Response(b"" if request.method == "HEAD" else content, headers=headers)

        return app


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    async with served(hub.app()) as base:
        hub.url = base
        yield hub


async def fetch(hub: Hub, home: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Run the command; nothing but the hub can be reached."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "0",
        "HOME": str(home),
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "getpatter.cli.main", "fetch", *names]
    return await asyncio.to_thread(
        subprocess.run, command, env=environment, cwd=home, capture_output=True, text=True, timeout=TIMEOUT_S
    )


async def test_a_model_is_downloaded_with_progress(model_libraries: Path, hub: Hub, tmp_path: Path) -> None:
    hub.files["Systran/faster-whisper-tiny"] = {"model.bin": b"m" * 100_000, "config.json": b"{}", "README.md": b"#"}
    done = await fetch(hub, tmp_path, "whisper-tiny")
    assert done.returncode == 0, done.stderr
    assert "whisper-tiny is there." in done.stdout
    assert "100%" in done.stderr
    (folder,) = (tmp_path / "hub").rglob(COMMIT)
    assert {path.name for path in folder.iterdir()} == {"model.bin", "config.json"}


async def test_voices_are_downloaded(model_libraries: Path, hub: Hub, tmp_path: Path) -> None:
    hub.files[kokoro_files.REPOSITORY] = {kokoro_files.MODEL: b"model", kokoro_files.VOICES: b"voices"}
    done = await fetch(hub, tmp_path, "kokoro")
    assert done.returncode == 0, done.stderr
    assert len([*(tmp_path / "hub").rglob(kokoro_files.MODEL)]) == 1


@pytest.mark.parametrize("name", ["whisper-tiny", "moonshine-tiny", "kokoro"])
async def test_what_cannot_be_downloaded_is_told(model_libraries: Path, hub: Hub, tmp_path: Path, name: str) -> None:
    done = await fetch(hub, tmp_path, name)
    assert done.returncode == 1
    assert f"The model {name} could not be downloaded" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_names_all_are_listed() -> None:
    result = CliRunner().invoke(app, ["fetch"])
    assert result.exit_code == 0
    for model in (*faster_whisper_files.REPOSITORIES, *moonshine_files.MODELS, kokoro_files.NAME):
        assert model in result.stdout


@pytest.mark.parametrize("name", ["nothing", "whisper-huge", "moonshine-huge"])
def test_an_unknown_name_is_refused(name: str) -> None:
    result = CliRunner().invoke(app, ["fetch", name])
    assert result.exit_code == 1
    assert "There is no" in result.stderr


@pytest.mark.parametrize(
    ("module", "name", "extra"),
    [
        ("stt.faster_whisper_files.faster_whisper", "whisper-tiny", "whisper"),
        ("stt.moonshine_files.moonshine", "moonshine-tiny", "moonshine"),
        ("tts.kokoro_files.kokoro", "kokoro", "kokoro"),
    ],
)
def test_without_the_library_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, module: str, name: str, extra: str
) -> None:
    monkeypatch.setattr(f"getpatter.{module}_installed", lambda: False)
    result = CliRunner().invoke(app, ["fetch", name])
    assert result.exit_code == 1
    assert f"patter-mcp[{extra}]" in result.stderr
