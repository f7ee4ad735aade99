"""The agent that somebody wants to try: one of their own, from a file or a module, or that of the settings."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from getpatter.agent import Agent, TurnSettings
from getpatter.calls.briefing import for_inbound
from getpatter.calls.views import ServeInbound
from getpatter.errors import ConfigurationError, PatterError
from getpatter.llm.factory import language_model
from getpatter.settings import Settings
from getpatter.trying.text_ear import TextEar
from getpatter.trying.text_voice import TextVoice

NAME = "agent"
"""What the agent is called in a file or module where nothing else is said."""
_HOW = "Name an `Agent`, or a function without arguments that gives one: path/to/file.py:name or module:name."


def default_agent(settings: Settings, task: str = "") -> Agent:
    """The agent that answers incoming calls, with this task.  Raises `ConfigurationError`."""
    base = Agent(
        system_prompt="",
        llm=language_model(settings),
        stt=TextEar(),
        tts=TextVoice(),
        language=settings.language,
        turns=TurnSettings(vad_stop_s=settings.vad_stop_s, max_duration_s=settings.max_call_s),
    )
    return for_inbound(base, ServeInbound(goal=task))


def load_agent(place: str, *, folder: Path | None = None) -> Agent:
    """The agent at `path.py:name` or `module:name`; a relative path counts from `folder`.

    Raises `ConfigurationError`.  The file runs as any script would, with its own folder on the import path.
    """
    where, colon, name = place.rpartition(":")
    if not colon or name.endswith(".py"):
        where, name = place, NAME
    module = _file((folder or Path()) / where) if where.endswith(".py") else _module(where)
    try:
        found = getattr(module, name)
    except AttributeError:
        raise ConfigurationError(f"{where} has no {name!r}.", next_step=_HOW) from None
    if not isinstance(found, Agent) and callable(found):
        try:
            found = found()
        except PatterError:
            raise
        except Exception as error:
            raise ConfigurationError(f"{place} failed: {_words(error)}") from error
    if not isinstance(found, Agent):
        raise ConfigurationError(f"{place} is no agent but {type(found).__name__}.", next_step=_HOW)
    return found


def _file(path: Path) -> ModuleType:
    path = path.resolve()
    if not path.is_file():
        raise ConfigurationError(f"There is no file {path}.", next_step=_HOW)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    name = f"_trial_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and annotations look their module up
    try:
        spec.loader.exec_module(module)
    except PatterError:
        raise
    except Exception as error:  # the user's code may raise anything
        raise ConfigurationError(f"{path} cannot be run: {_words(error)}") from error
    return module


def _module(name: str) -> ModuleType:
    if not name:
        raise ConfigurationError("No module is named.", next_step=_HOW)
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except PatterError:
        raise
    except Exception as error:  # the user's code may raise anything
        raise ConfigurationError(f"The module {name} cannot be imported: {_words(error)}", next_step=_HOW) from error


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
