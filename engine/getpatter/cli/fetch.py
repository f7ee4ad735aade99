"""`getpatter fetch`: models of this machine, before the first call needs them."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from getpatter.cli.console import out, run
from getpatter.downloads import Download
from getpatter.errors import ConfigurationError
from getpatter.stt import faster_whisper_files, moonshine_files
from getpatter.tts import kokoro_files


def fetch(
    models: Annotated[list[str] | None, typer.Argument(help="Their names; none lists those that there are.")] = None,
) -> None:
    """Download models of speech for `local.stt` and `local.tts`, or list them."""
    if models:
        run(_fetch(models))
    else:
        _show()


async def _fetch(names: list[str]) -> None:
    wanted = [_download(name) for name in names]
    for model in wanted:
        await asyncio.to_thread(model.fetch)
        out.print(f"{model.name} is there.")


def _show() -> None:
    table = Table("model", "what it is", "MB", box=None, header_style="dim", pad_edge=False)
    table.columns[2].justify = "right"
    for model in (*faster_whisper_files.downloads(), *moonshine_files.downloads(), kokoro_files.download()):
        table.add_row(model.name, model.about, str(model.megabytes))
    out.print(table)


def _download(name: str) -> Download:
    """Raises `ConfigurationError` for an unknown name."""
    if name == kokoro_files.NAME:
        return kokoro_files.download()
    if name.startswith(faster_whisper_files.PREFIX):
        return faster_whisper_files.download(name.removeprefix(faster_whisper_files.PREFIX))
    if name.startswith(moonshine_files.PREFIX):
        return moonshine_files.download(name.removeprefix(moonshine_files.PREFIX))
    raise ConfigurationError(f"There is no model {name!r} to fetch.", next_step="List them: getpatter fetch")
