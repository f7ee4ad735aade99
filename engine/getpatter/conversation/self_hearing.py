"""Whether what the recogniser understood is the agent itself, come back from a speaker-phone."""

from __future__ import annotations

from getpatter.clock import Clock
from getpatter.conversation.speaker import Speaker
from getpatter.language.echo import LATE_S, EchoGuard
from getpatter.stt.base import Transcript


class SelfHearing:
    """One call's.  The agent's words are looked up when something was understood, so speaking costs nothing."""

    def __init__(self, speaker: Speaker, clock: Clock) -> None:
        self._speaker = speaker
        self._clock = clock
        self._guard = EchoGuard()
        self._said_until = 0.0
        """Up to when the guard was told what the agent says."""

    def is_own(self, transcript: Transcript, heard_from: float) -> bool:
        """Whether all of a transcript, of a voice that was heard since then, is the agent's own."""
        now = self._clock.now()
        self.remember()
        if now > self._said_until + LATE_S:
            return False
        judge = self._guard.is_echo if transcript.final else self._guard.may_become_echo
        return judge(transcript.text, heard_from, now)

    def remember(self) -> None:
        """Note what the agent says now; to be called before its utterance is over, too."""
        sounded = self._speaker.sounded()
        if not sounded:
            return
        now = self._clock.now()
        self._guard.agent_stopped(sounded[0][1])  # told before, and perhaps not as it turned out
        for text, from_s, to_s in sounded:
            self._guard.agent_said(text, from_s, to_s)
        self._guard.agent_stopped(now)
        self._said_until = min(now, sounded[-1][2])
