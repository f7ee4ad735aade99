from __future__ import annotations

from pathlib import Path

import pytest

from getpatter.errors import ConfigurationError
from getpatter.settings import Settings
from getpatter.trying import default_agent, load_agent
from getpatter.trying.outside import model_of

FILE = """\
from getpatter.agent import Agent
from getpatter.llm.scripted import ScriptedLLM
from getpatter.trying import TextEar, TextVoice

agent = Agent(system_prompt="a", llm=ScriptedLLM(), stt=TextEar(), tts=TextVoice(), name="first")

def make():
    return Agent(system_prompt="b", llm=ScriptedLLM(), stt=TextEar(), tts=TextVoice(), name="made")

def breaks():
    raise RuntimeError("no luck")

number = 3
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "some_agents.py"
    path.write_text(FILE)
    return path


def test_an_agent_is_found_by_file_and_name(file: Path) -> None:
    assert load_agent(str(file)).name == "first"
    assert load_agent(f"{file}:make").name == "made"
    assert load_agent("some_agents.py:agent", folder=file.parent).name == "first"


def test_an_agent_is_found_in_a_module(file: Path) -> None:
    assert load_agent("some_agents").name == "first"
    assert load_agent("some_agents:make").name == "made"


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("some_agents.py:nobody", "has no 'nobody'"),
        ("some_agents.py:number", "is no agent but int"),
        ("some_agents.py:breaks", "failed: RuntimeError: no luck"),
        ("nowhere.py", "There is no file"),
        ("no.such.module:agent", "cannot be imported"),
        (":agent", "No module is named"),
    ],
)
def test_what_cannot_be_loaded_is_told(file: Path, place: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_agent(place, folder=file.parent)


def test_a_file_that_does_not_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "broken_agent.py").write_text("1 / 0")
    with pytest.raises(ConfigurationError, match="ZeroDivisionError"):
        load_agent("broken_agent.py", folder=tmp_path)


def test_the_agent_of_the_settings_has_a_task(tmp_path: Path) -> None:
    agent = default_agent(Settings(home=tmp_path, llm_url="", llm_model=""), "Sell bread.")
    assert agent.system_prompt.endswith("Sell bread.")
    assert model_of(agent).scripted
