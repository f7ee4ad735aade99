"""What the agent says, one reply at a time, and what it may be about to say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from getpatter.conversation.history import History, ReplyEntry
from getpatter.conversation.log import ConversationLog
from getpatter.conversation.mind import Mind, Speech
from getpatter.conversation.revisions import Revise, Revisions
from getpatter.conversation.speaker import Speaker
from getpatter.conversation.timing import Timing
from getpatter.errors import PartialReply, PatterError, ProviderError
from getpatter.extension import contained, place
from getpatter.language.words import words
from getpatter.llm.base import Message

log = logging.getLogger(__name__)

OnFailure = Callable[[PatterError, bool], None]
"""Told what failed, and whether the agent still has a voice."""


@dataclass(slots=True)
class _Turn:
    """One reply under way."""

    speech: Speech
    task: asyncio.Task[None]
    entry: ReplyEntry | None = None
    """Its place in the history; a draft has none."""
    words: str = ""
    """What it answers, of a draft."""
    told: Sequence[Message] = ()
    """What had been said before, of a draft."""
    failed: bool = False
    silent: bool = False
    """It turned out to have nothing to say."""


@dataclass(slots=True)
class Replies:
    """The one place where replies begin and end."""

    call_id: str
    mind: Mind
    speaker: Speaker
    history: History
    log: ConversationLog
    on_failure: OnFailure
    _current: _Turn | None = None
    _draft: _Turn | None = None
    _retired: set[asyncio.Task[None]] = field(default_factory=set)
    _revisions: Revisions = field(default_factory=Revisions)
    _asked: asyncio.Task[bool] | None = None
    """Tells whether what the caller said last is to be answered."""

    @property
    def speech(self) -> Speech | None:
        """What is being said, or about to be."""
        return self._current.speech if self._current is not None else None

    # -- beginning

    def draft(self, text: str) -> None:
        """Begin to answer `text`, unheard, and without its tools being run."""
        self.drop_draft()
        self.speaker.begin(held=True)
        speech = self.mind.begin(self.speaker, Timing(), lambda: self.history.messages(text))
        task = self._start(speech, speech.answer, "draft")
        self._draft = _Turn(speech, task, words=text, told=self.history.messages())

    def answer(self, text: str, timing: Timing, revise: Revise | None = None) -> None:
        """Answer the caller, who said `text` (empty: what they said before), with the draft where it fits.

        `revise` may change what they are taken to have said, or have it not answered at all.
        """
        draft = self._draft
        fits = draft is not None and draft.told == self.history.messages()
        said = self.history.add_user(text)
        if draft is not None and fits and not draft.failed and not draft.silent and words(draft.words) == words(text):
            self._draft = None
            self.log.draft_ended(used=True)
            draft.speech.timing.heard(timing)
            self._take_up(draft)
            self.speaker.release()
            return
        self.drop_draft()
        self.speaker.begin()
        speech = self.mind.begin(self.speaker, timing, self.history.messages)
        if text:
            self._asked = self._revisions.begin(said, revise) if revise is not None else None
        self._take_up(_Turn(speech, self._start(speech, partial(self._answer, speech, self._asked), "reply")))

    async def _answer(self, speech: Speech, asked: asyncio.Task[bool] | None) -> None:
        await self._revisions.done()
        if asked is None or asked.result():
            await speech.answer()
        else:
            self.speaker.finish()

    def note(self, text: str, revise: Revise | None = None) -> None:
        """The caller said this in a turn that is being answered, or was last; `revise` may change it."""
        said = self.history.add_late(text)
        if revise is not None:
            self._revisions.begin(said, revise)

    def say(self, text: str) -> None:
        """Speak given words."""
        self.drop_draft()
        self.speaker.begin()
        speech = self.mind.begin(self.speaker, Timing(), self.history.messages)
        self._take_up(_Turn(speech, self._start(speech, partial(speech.say, text), "words")))

    def _take_up(self, turn: _Turn) -> None:
        turn.entry = self.history.begin_reply()
        self._current = turn
        turn.speech.commit(turn.entry)

    def _start(self, speech: Speech, speak: Callable[[], Awaitable[None]], what: str) -> asyncio.Task[None]:
        return asyncio.create_task(self._run(speech, speak), name=f"{self.call_id} {what}")

    async def _run(self, speech: Speech, speak: Callable[[], Awaitable[None]]) -> None:
        try:
            with contained():
                await speak()
        except PartialReply as error:
            self.log.problem(error)  # what there is of it was said, and the next one may be luckier
        except ProviderError as error:
            self._failed(speech, error, can_speak=not speech.voice_lost)
        except Exception as error:  # noqa: BLE001 -- a tool's or our own fault ends this call, not the process
            log.error("call %s: the reply failed: %s %s", self.call_id, type(error).__name__, place(error))
            self._failed(speech, PatterError(f"The reply failed: {type(error).__name__}."), can_speak=False)

    def _failed(self, speech: Speech, error: PatterError, *, can_speak: bool) -> None:
        if self._draft is not None and self._draft.speech is speech:
            self._draft.failed = True  # the reply itself may be luckier
        else:
            self.on_failure(error, can_speak)

    # -- going on

    def audible(self, now: float) -> None:
        assert self._current is not None
        self._current.speech.timing.first_frame = now

    def finished(self) -> bool:
        """The speaker has come to an end; tells whether it was that of a reply, and not of an empty draft."""
        if self._current is None:
            if self._draft is not None:
                self._draft.silent = True
            return False
        self.conclude(interrupted=False)
        return True

    # -- ending

    def drop_draft(self) -> None:
        if self._draft is not None:
            draft, self._draft = self._draft, None
            self.log.draft_ended(used=False)
            self._retire(draft)
            self.speaker.cut()

    def withdraw(self, *, cut_after_s: float | None = None) -> None:
        """Stop the reply under way and keep what was heard of it.

        `cut_after_s` is how long ago the caller was heard to interrupt it.
        """
        self.drop_draft()
        if self._current is None:
            return
        self._current.speech.timing.cut_after_s = cut_after_s
        self._retire(self._current)
        self.conclude(interrupted=True)

    def leave(self) -> None:
        """The call goes on without us: what is being said was heard, and nothing follows it."""
        if self._current is not None:
            self._current.speech.withdraw()
            self._retired.add(self._current.task)
            self._current.task.add_done_callback(self._retired.discard)
        self.conclude(interrupted=not self.speaker.heard().all)

    def conclude(self, *, interrupted: bool) -> None:
        """Write down what was heard of the current reply, if there is one."""
        turn, self._current = self._current, None
        if turn is None or turn.entry is None:
            return
        heard = self.speaker.cut() if interrupted else self.speaker.heard()
        turn.entry.heard(heard.text, interrupted=interrupted and not heard.all)
        self.log.agent_turn(heard, turn.speech.timing, interrupted=interrupted)

    def _retire(self, turn: _Turn) -> None:
        turn.speech.withdraw()
        if not turn.task.done():
            self._retired.add(turn.task)
            turn.task.add_done_callback(self._retired.discard)
            if turn.task is not asyncio.current_task():
                turn.task.cancel()

    async def close(self) -> None:
        """Stop everything and wait for it, and for what the caller said to be seen by its hook."""
        self.withdraw()
        tasks = list(self._retired)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._revisions.done()
