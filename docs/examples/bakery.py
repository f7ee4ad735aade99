"""An agent for `getpatter test` and `getpatter eval`: a bakery's telephone, with a script for a language model."""

from __future__ import annotations

from pathlib import Path

from getpatter.agent import Agent
from getpatter.guardrails import guardrail
from getpatter.llm.scripted import ScriptedLLM
from getpatter.trying import TextEar, TextVoice

agent = Agent(
    name="bakery",
    system_prompt="You answer the telephone of a bakery. You tell opening hours and take orders.",
    first_message="Corner bakery, good morning.",
    llm=ScriptedLLM.from_file(Path(__file__).with_name("bakery_script.yaml")),
    stt=TextEar(),
    tts=TextVoice(),
    guardrails=(guardrail("recipes", ["sourdough starter"], replacement="That is our secret."),),
)
