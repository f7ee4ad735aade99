"""The user's own code between the stages of a conversation.

caller's audio → before_send_to_stt → recogniser → after_transcribe → before_llm → model → after_llm
→ before_synthesize → voice → after_synthesize → the line
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from getpatter.clock import Clock, deadline
from getpatter.extension import contained
from getpatter.llm.base import Message

T = TypeVar("T")

HOOK_S = 0.5
"""Longest that a hook may keep the call waiting."""


@dataclass(frozen=True, slots=True)
class HookContext:
    """The call that a hook is run for: E.164 numbers, and what was said up to this turn."""

    call_id: str
    caller: str = ""
    callee: str = ""
    history: tuple[Message, ...] = ()


AudioHook = Callable[[bytes, HookContext], bytes | Awaitable[bytes | None] | None]
"""Linear PCM, 16-bit little-endian mono, at the rate of the provider beside it."""
TextHook = Callable[[str, HookContext], str | Awaitable[str | None] | None]
MessagesHook = Callable[
    [Sequence[Message], HookContext], Sequence[Message] | Awaitable[Sequence[Message] | None] | None
]
ChunkHook = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class AfterLlm:
    """What is done with the model's words.

    on_chunk
        Changes each piece of text as it streams; called as `on_chunk(text)`, never awaited.
    on_sentence
        Changes each sentence before it is spoken; None drops it.
    on_response
        Changes the whole response.  Nothing of it is spoken before it is complete, which costs the caller the time
        that the model writes.  None keeps it as it is.
    """

    on_chunk: ChunkHook | None = None
    on_sentence: TextHook | None = None
    on_response: TextHook | None = None


@dataclass(frozen=True, slots=True)
class PipelineHooks:
    """Callables, plain or asynchronous, each called with its value and a `HookContext`.

    before_send_to_stt
        The caller's audio, 20 ms or more; None keeps it from the recogniser.
    after_transcribe
        What the caller said in a turn; None drops the turn: it is not answered.
    before_llm
        The messages for the model, each time that it is asked: at the start of an answer, and again with the results of
        tools.  None keeps them as they are.
    after_llm
        See `AfterLlm`.
    before_synthesize
        A sentence for the voice; None leaves it unsaid.
    after_synthesize
        The voice's audio, a piece at a time; None leaves it out.

    Audio that is not whole samples is no audio.  They run on the event loop, so a plain function that waits holds up
    every call of the process.
    """

    before_send_to_stt: AudioHook | None = None
    after_transcribe: TextHook | None = None
    before_llm: MessagesHook | None = None
    after_llm: AfterLlm | None = None
    before_synthesize: TextHook | None = None
    after_synthesize: AudioHook | None = None


class HookRunner:
    """The hooks of one call, one method a stage.

    A stage without a hook gives its value back.  Where even that is too much, as in the audio path, look at `hooks`
    and `after_llm` first.  A hook that fails or takes longer than `limit_s` lets its value pass unchanged: hooks
    refine a call and must not end it.  (What must never be said is for `getpatter.guardrails`, which fail closed.)
    Hooks on audio are not asked again after they took too long: the sound would fall behind with every piece.
    """

    def __init__(
        self,
        hooks: PipelineHooks,
        context: HookContext,
        clock: Clock,
        on_failure: Callable[[str, Exception], None],
        *,
        limit_s: float = HOOK_S,
    ) -> None:
        """`on_failure(stage, error)` is told once a stage, however often its hook fails."""
        self.hooks = hooks
        self.after_llm = hooks.after_llm or AfterLlm()
        self._context = context
        self._clock = clock
        self._on_failure = on_failure
        self._limit_s = limit_s
        self._failed: set[str] = set()
        self._given_up: set[str] = set()

    @property
    def history(self) -> tuple[Message, ...]:
        """What hooks are told was said before."""
        return self._context.history

    def remember(self, history: Sequence[Message]) -> None:
        """From now on hooks are told this history; to be called once a turn."""
        self._context = replace(self._context, history=tuple(history))

    async def before_send_to_stt(self, pcm: bytes) -> bytes | None:
        """The audio for the recogniser; None for none."""
        return await self._run("before_send_to_stt", self.hooks.before_send_to_stt, pcm, bytes)

    def give_up_before_send_to_stt(self) -> None:
        """It is slower than the audio comes: it is asked no more."""
        self._given_up.add("before_send_to_stt")
        self._report("before_send_to_stt", TimeoutError("slower than the audio"))

    async def after_transcribe(self, text: str) -> str | None:
        """What the caller is taken to have said; None when the turn is dropped."""
        return await self._run("after_transcribe", self.hooks.after_transcribe, text, str)

    async def before_llm(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The messages for the model."""
        changed = await self._run("before_llm", self.hooks.before_llm, messages, (list, tuple))
        return messages if changed is None else changed

    def on_chunk(self, text: str) -> str:
        """The piece of the model's text that goes on to be cut into sentences."""
        hook = self.after_llm.on_chunk
        if hook is None:
            return text
        try:
            with contained():
                return _checked(hook(text), str)
        except Exception as error:  # noqa: BLE001 -- the user's code: whatever it raises, the call goes on
            self._report("after_llm.on_chunk", error)
            return text

    async def on_sentence(self, text: str) -> str | None:
        """The sentence that goes on to the voice; None for none."""
        return await self._run("after_llm.on_sentence", self.after_llm.on_sentence, text, str)

    async def on_response(self, text: str) -> str:
        """The whole response as it is to be spoken."""
        changed = await self._run("after_llm.on_response", self.after_llm.on_response, text, str)
        return text if changed is None else changed

    async def before_synthesize(self, text: str) -> str | None:
        """The sentence that is spoken; None for none."""
        return await self._run("before_synthesize", self.hooks.before_synthesize, text, str)

    async def after_synthesize(self, pcm: bytes) -> bytes | None:
        """The audio for the line; None for none."""
        return await self._run("after_synthesize", self.hooks.after_synthesize, pcm, bytes)

    async def _run(
        self,
        stage: str,
        hook: Callable[[T, HookContext], T | Awaitable[T | None] | None] | None,
        value: T,
        kind: type | tuple[type, ...],
    ) -> T | None:
        if hook is None or stage in self._given_up:
            return value
        try:
            with contained():
                changed = hook(value, self._context)
                if isinstance(changed, Awaitable):
                    changed = await self._await(changed)
            return None if changed is None else cast("T", _checked(changed, kind))
        except Exception as error:  # noqa: BLE001 -- the user's code: whatever it raises, the call goes on
            if kind is bytes and isinstance(error, TimeoutError):
                self._given_up.add(stage)
            self._report(stage, error)
        return value

    async def _await(self, pending: Awaitable[T]) -> T:
        try:
            async with deadline(self._clock, self._clock.now() + self._limit_s):
                return await pending
        except TimeoutError as error:
            raise TimeoutError(f"took longer than {self._limit_s:g} s") from error

    def _report(self, stage: str, error: Exception) -> None:
        if stage not in self._failed:
            self._failed.add(stage)
            self._on_failure(stage, error)


def _checked(value: T, kind: type | tuple[type, ...]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"returned {type(value).__name__}")
    if isinstance(value, bytes) and len(value) % 2:
        raise ValueError("returned half a sample")
    return value
