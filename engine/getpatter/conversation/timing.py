"""When the steps of one answer happened."""

from __future__ import annotations

from dataclasses import dataclass

from getpatter.events import TurnLatency


@dataclass(slots=True)
class Timing:
    """Monotonic times of one answer; what did not happen stays None."""

    speech_began: float | None = None
    last_speech: float | None = None
    vad_stopped: float | None = None
    final: float | None = None
    committed: float | None = None
    """The turn was taken for complete."""
    hooked: float | None = None
    """The hook after the transcript was done."""
    asked: float | None = None
    first_token: float | None = None
    last_token: float | None = None
    first_sentence: float | None = None
    first_audio: float | None = None
    last_audio: float | None = None
    first_frame: float | None = None
    cut_after_s: float | None = None
    """From the caller's voice over the answer to the end of its sound."""

    def heard(self, caller: Timing) -> None:
        """Take over what was observed of the caller; an answer begun in advance counts from the end of their turn."""
        self.speech_began, self.last_speech = caller.speech_began, caller.last_speech
        self.vad_stopped, self.final, self.committed = caller.vad_stopped, caller.final, caller.committed
        if self.asked is not None:
            self.asked = caller.committed

    def latency(self) -> TurnLatency:
        """The parts of the response time."""
        endpoint, ttft = milliseconds(self.vad_stopped, self.asked), milliseconds(self.asked, self.first_token)
        tts = milliseconds(self.first_sentence, self.first_audio)
        return TurnLatency(
            user_speech_duration_ms=milliseconds(self.speech_began, self.last_speech),
            silence_ms=milliseconds(self.last_speech, self.vad_stopped),
            endpoint_ms=endpoint,
            stt_ms=milliseconds(self.vad_stopped, self.final),
            llm_ttft_ms=ttft,
            llm_total_ms=milliseconds(self.asked, self.last_token),
            tts_ms=tts,
            tts_total_ms=milliseconds(self.first_sentence, self.last_audio),
            engine_ms=_sum(milliseconds(self.committed, self.asked), milliseconds(self.first_audio, self.first_frame)),
            bargein_ms=None if self.cut_after_s is None else round(self.cut_after_s * 1000, 2),
            agent_response_ms=_sum(endpoint, ttft, tts),
            response_ms=milliseconds(self.last_speech, self.first_frame),
        )


def milliseconds(start: float | None, end: float | None) -> float | None:
    """From one moment to another, never below zero; None where one of them was not observed."""
    return None if start is None or end is None else round(max(0.0, end - start) * 1000, 2)


def _sum(*parts: float | None) -> float | None:
    known = [part for part in parts if part is not None]
    return round(sum(known), 2) if len(known) == len(parts) else None
