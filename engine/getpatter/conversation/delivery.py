"""What the turn machine decides about the agent's words, carried out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from getpatter.clock import Clock
from getpatter.conversation import actions
from getpatter.conversation.caller_words import CallerWords
from getpatter.conversation.hearing import Hearing
from getpatter.conversation.history import History
from getpatter.conversation.log import ConversationLog
from getpatter.conversation.mind import Speech
from getpatter.conversation.outbound import Outbound
from getpatter.conversation.persona import Persona
from getpatter.conversation.replies import Replies
from getpatter.conversation.speaker import Speaker
from getpatter.events import TurnTrigger


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One call's, once the line is open."""

    replies: Replies
    speaker: Speaker
    hearing: Hearing
    persona: Persona
    history: History
    words: CallerWords
    outbound: Outbound
    log: ConversationLog
    clock: Clock
    _said: str = ""
    """What was heard of the latest utterance, once it is over."""

    @property
    def speech(self) -> Speech | None:
        """What is being said, or about to be."""
        return self.replies.speech

    @property
    def said(self) -> str:
        """What was heard of the agent's latest utterance."""
        return self.speaker.said() if self.speech is not None else self._said

    def perform(self, action: actions.Action) -> None:
        replies, hearing = self.replies, self.hearing
        match action:
            case actions.StartReply(text, trigger):
                self._answer(text, trigger)
            case actions.Say(text):
                hearing.forget_voice()
                replies.say(text)
            case actions.StartDraft(text):
                if not self.persona.revises:
                    replies.draft(text)
            case actions.DropDraft():
                replies.drop_draft()
            case actions.NoteWords(text):
                self._note(text)
            case actions.Interject(text):
                if replies.speech is not None:
                    replies.speech.interject(text)
            case actions.HoldReply():
                hearing.remember_agent()
                self.speaker.hold()
                self.log.silenced()
            case actions.ResumeReply():
                hearing.forget_voice()
                self.speaker.release()
            case actions.Dismiss(kind):
                hearing.forget_voice()  # should it go on, it is another one
                self.log.dismissed(replace(action, kind="echo") if hearing.echoed and kind == "noise" else action)
            case actions.CancelReply(barge_in):
                self._withdraw(barge_in=barge_in)

    def audible(self, now: float) -> None:
        """The first frame of an utterance went out."""
        self.replies.audible(now)
        self.log.agent_audible()

    def finished(self) -> bool:
        """The speaker has come to an end; tells whether it was that of a reply."""
        said = self.speaker.said()
        self.hearing.remember_agent()
        ended = self.replies.finished()
        if ended:
            self._said = said
        return ended

    def _answer(self, text: str, trigger: TurnTrigger | None) -> None:
        timing = self.hearing.end_turn()
        note = self.outbound.note(text)
        if note:  # what was begun without it may talk to the menu
            self.replies.drop_draft()
        if self.persona.hooked:
            self.persona.hooks.remember(self.history.messages())
        if text and self.persona.revises:
            self.replies.answer(text, timing, partial(self.words.revise, trigger, timing))
        else:
            self.words.turn(text, trigger, timing)
            self.replies.answer(text, timing)
        if note:
            self.history.annotate(note)

    def _note(self, text: str) -> None:
        """Words of a turn that is being answered, or was last."""
        if self.persona.revises:
            self.replies.note(text, self.words.write_down)
        else:
            self.replies.note(text)
            self.log.caller_turn(text)

    def _withdraw(self, *, barge_in: bool) -> None:
        since = self.clock.now() - self.log.detected_at if barge_in else None
        if barge_in:
            self.log.silenced()
        self.hearing.remember_agent()
        self._said = self.speaker.said()
        self.replies.withdraw(cut_after_s=since)
        if barge_in:
            self.log.barge_in()
