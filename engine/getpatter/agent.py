"""Who speaks for us on the telephone, as configuration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from getpatter.audio.background import BackgroundAudio
from getpatter.audio.filters.base import AudioFilter
from getpatter.barge_in import BargeInSettings
from getpatter.engines.base import RealtimeEngine
from getpatter.errors import ConfigurationError
from getpatter.guardrails import Guardrail
from getpatter.hooks import PipelineHooks
from getpatter.llm.base import LanguageModel
from getpatter.llm.brains import language_model_of
from getpatter.stt.base import SpeechToText
from getpatter.tools.builtin import TransferTargets
from getpatter.tools.mcp_server import McpServer
from getpatter.tools.tool import Tool
from getpatter.tts.base import TextToSpeech
from getpatter.turn_detection.base import TurnDetector


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """When somebody's turn begins and ends, in seconds."""

    vad_stop_s: float = 0.5
    """Silence after speech that ends the caller's turn."""
    vad_start_s: float = 0.064
    """Speech that begins it (two VAD windows)."""
    endpointing: Literal["silence", "recogniser"] = "silence"
    """Who decides that the caller has finished: silence (and the turn detector where there is one), or the end-of-turn
    judgement of a streaming recogniser."""
    recogniser_turn_s: float = 2.0
    """Longest wait, after silence has begun, for a recogniser that decides; then silence does."""
    patience: bool = True
    """Wait longer where the words are unfinished: digits, spelling, "um", a clause left open."""
    max_hold_s: float = 1.2
    """Longest silence in a turn that the turn detector takes for unfinished."""
    max_speech_s: float = 60.0
    """A voice that does not end, such as music, is taken for ended after this long."""
    stt_timeout_s: float = 3.0
    """Longest wait for a final transcript after the turn ended."""
    while_speaking: BargeInSettings = field(default_factory=BargeInSettings)
    """A voice over the agent's."""
    while_thinking: BargeInSettings = field(default_factory=BargeInSettings)
    """A voice before the agent's answer is heard; `pause_resume` keeps the answer back until it is known what it is."""
    preemptive: bool = False
    """Begin to answer before it is certain that the caller has finished: quicker, and paid for when they had not.
    Tools wait for the end of the turn."""
    preemptive_stable_s: float = 0.3
    """An interim transcript that has not changed for this long is worth answering."""
    keys_s: float = 1.5
    """Pause after which keys pressed on the telephone are complete."""
    filler_after_s: float = 4.0
    """An answer that takes longer is preceded by the agent's filler message, where it has one."""
    silence_timeout_s: float = 12.0
    """Nobody speaks this long: the agent asks once whether anybody is there, then says goodbye."""
    max_duration_s: float = 600.0
    """The agent says goodbye when the call has lasted this long."""
    goodbye_timeout_s: float = 15.0
    """Longest silence while a goodbye is to be said: then the line drops without it."""


@dataclass(frozen=True, slots=True)
class Providers:
    """A mind, an ear and a voice."""

    llm: LanguageModel
    stt: SpeechToText
    tts: TextToSpeech


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A voice, a mind and an ear, and what they are to do.  Serves any number of calls at once.

    Voice, mind and ear are `llm`, `stt` and `tts`, or one `engine` that is all three.  A function, a LangGraph graph or
    an address that is given as `llm` becomes a language model (`llm.brains`).  Raises `ConfigurationError` for anything
    else, for names of tools or of other agents that clash, and for numbers that cannot be transferred to.
    """

    system_prompt: str
    llm: LanguageModel | None = None
    stt: SpeechToText | None = None
    tts: TextToSpeech | None = None
    engine: RealtimeEngine | None = None
    name: str = "assistant"
    first_message: str = ""
    """Said as soon as the line is open; when empty the agent waits to be spoken to."""
    prewarm_first_message: bool = False
    """Speak it while the call rings, so that it is heard at once; wasted where nobody answers, and told so."""
    voicemail_message: str = ""
    """Left after an answering machine's greeting; when empty the agent hangs up on machines."""
    language: str = "en-US"
    phrases: tuple[str, ...] = ()
    """Sentences the far end is likely to say; helps recognisers that can use them."""
    filler_message: str = ""
    """Said when an answer takes long, e.g. "One moment, please."; when empty nothing is."""
    still_there_message: str = "Are you still there?"
    silence_message: str = "I cannot hear anybody, so I will hang up now. Goodbye."
    transfer_wait_message: str = "I am still trying to reach somebody for you. One moment, please."
    """Said now and then to a caller who waits while a colleague is called; when empty nothing is."""
    transfer_failed_message: str = "I am sorry, I could not reach anybody. How else can I help you?"
    """Said when that comes to nothing after the caller has spoken; to one who waited in silence the model tells it."""
    time_limit_message: str = "I am sorry, our time is up. Goodbye."
    error_message: str = "I am sorry, I have a technical problem and must end this call. Goodbye."
    shutdown_message: str = "I am sorry, I have to end this call now. Goodbye."
    turns: TurnSettings = field(default_factory=TurnSettings)
    tools: tuple[Tool, ...] = ()
    """What the agent can do besides talking and hanging up."""
    mcp_servers: tuple[McpServer, ...] = ()
    """Their tools are the agent's, too; connected while the call rings."""
    transfer_to: tuple[str, ...] = ()
    """Numbers, and prefixes such as `+1202*`, to which the agent may transfer the call; none, and it cannot."""
    warm_transfers: bool = False
    """Whoever a call is transferred to is called first and told what it is about, where the carrier can."""
    use_keys: bool = True
    """The agent may press keys and ask the caller for some."""
    navigates_menus: bool = True
    """On calls that we place, telephone menus are heard out and the model is told what can be pressed."""
    detects_machines: bool = True
    """On calls that we place, answering machines are told by what they say and by their beep."""
    background: BackgroundAudio | None = None
    """The sound of a place under the agent's voice and in its pauses."""
    handoffs: tuple[Agent, ...] = ()
    """Agents that this one may hand the conversation over to, by their names.  Of those the prompt, the tools and the
    rules about words take effect; ear, voice and mind stay."""
    purpose: str = ""
    """What the agent is for, told to those that may hand over to it."""
    guardrails: tuple[Guardrail, ...] = ()
    """What must not be said."""
    hooks: PipelineHooks = field(default_factory=PipelineHooks)
    text_transforms: tuple[Callable[[str], str], ...] = ()
    """Change each sentence, in order, before it is spoken."""
    eager_first_flush: bool = False
    """Speak a long first clause before its sentence is complete."""
    turn_detector: TurnDetector | None = None
    """Judges at each pause whether the caller has finished."""
    audio_filters: tuple[AudioFilter, ...] = ()
    """The caller's sound passes them in order."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Fill `{name}` in the prompt and the first message, and are told to tools."""

    def __post_init__(self) -> None:
        if self.llm is not None:
            object.__setattr__(self, "llm", language_model_of(self.llm))  # this class is frozen, for its users
        given = {"llm": self.llm, "stt": self.stt, "tts": self.tts}
        if self.engine is not None:
            if surplus := [name for name, provider in given.items() if provider is not None]:
                raise ConfigurationError(
                    f"Agent {self.name!r} has an engine, which leaves nothing to do for {' and '.join(surplus)}.",
                    next_step="Pass either an engine, or llm, stt and tts.",
                )
        elif missing := [name for name, provider in given.items() if provider is None]:
            raise ConfigurationError(
                f"Agent {self.name!r} has no {' and no '.join(missing)}.",
                next_step="Pass llm, stt and tts, or an engine that does all of it.",
            )
        TransferTargets(self.transfer_to)
        self._refuse_twins("tools", [*self._built_in, *(tool.name for tool in self.tools)])
        self._refuse_twins("handoffs", [other.name for other in self.handoffs])

    @property
    def _built_in(self) -> list[str]:
        """Names of the tools that it has by itself."""
        names = ["end_call"]
        if self.use_keys:
            names += ["send_dtmf", "collect_digits"]
        if self.transfer_to:
            names.append("transfer_call")
        if self.handoffs:
            names.append("handoff_to")
        return names

    def _refuse_twins(self, kind: str, names: list[str]) -> None:
        if twins := [name for name, count in Counter(names).items() if count > 1]:
            raise ConfigurationError(
                f"Agent {self.name!r} has two {kind} named {' and two named '.join(map(repr, twins))}.",
                next_step="Rename one of them; built-in tools keep their names.",
            )

    @property
    def providers(self) -> Providers:
        """Raises `ConfigurationError` where an engine does it all."""
        if self.llm is None or self.stt is None or self.tts is None:
            raise ConfigurationError(f"Agent {self.name!r} has an engine, which this cannot work with.")
        return Providers(self.llm, self.stt, self.tts)
