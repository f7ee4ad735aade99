"""The filters of one call, between the line and whoever listens to the caller."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from getpatter.audio import g711
from getpatter.audio.filters.base import AudioFilter, FilterStream
from getpatter.audio.format import FRAME_BYTES, LINE, SILENCE

log = logging.getLogger(__name__)

OnFailure = Callable[[str, Exception], object]
"""Told the name of a filter that was taken out, and why."""

ECHO_TAIL_S = 0.5
"""How long echo may come after the sound that made it: a carrier's jitter buffer, both ways of a mobile network, a
room.  WebRTC's canceller looks no further back either."""
REFERENCE_LIMIT_S = 10.0
"""How far the agent's sound may run ahead of the caller's; the older part of more than that is dropped."""

_ECHO_TAIL = round(ECHO_TAIL_S * LINE.rate)
_REFERENCE_LIMIT = round(REFERENCE_LIMIT_S * LINE.rate)


def open_chain(filters: Sequence[AudioFilter], on_failure: OnFailure) -> FilterChain | None:
    """A chain for one call; None where no filter is configured, so that such a call pays nothing."""
    return FilterChain(filters, on_failure) if filters else None


class _Stage(NamedTuple):
    settings: AudioFilter
    stream: FilterStream


class FilterChain:
    """Runs the caller's µ-law through filters in their order, decoding and encoding once.

    Fail-open: a filter that raises, or that gives another length than it took, is taken out and told to `on_failure`
    once; the sound goes on as it was before it.  Echo cancellers run while the agent is heard and `ECHO_TAIL_S`
    longer, by the caller's own audio as the clock.  Between such times they are passed by, and where they start or
    stop the sound jumps by their delay, some 13 ms.
    """

    def __init__(self, filters: Sequence[AudioFilter], on_failure: OnFailure) -> None:
        self._on_failure = on_failure
        self._stages: list[_Stage] = []
        self._rest = b""
        """The beginning of a frame whose end has not come yet."""
        self._reference = bytearray()
        """What the agent plays, µ-law, from the present on."""
        self._echo_left = 0
        """Samples in which echo may still come."""
        for settings in filters:
            with self._fail_open(settings):
                self._stages.append(_Stage(settings, settings.open()))

    @property
    def delay_s(self) -> float:
        """The most by which the chain delays sound at present, an incomplete frame apart."""
        return sum(stage.settings.delay_s for stage in self._stages)

    @property
    def names(self) -> list[str]:
        """The filters that are in it still, in their order."""
        return [stage.settings.name for stage in self._stages]

    def agent_audio(self, ulaw: bytes) -> None:
        """Queue what the agent plays.  It may come in bursts and ahead of time: it is used up at the caller's pace."""
        if any(stage.settings.wants_reference for stage in self._stages):
            self._reference += ulaw
            del self._reference[:-_REFERENCE_LIMIT]

    def agent_cleared(self) -> None:
        """The carrier dropped what it had not played: no echo comes of that."""
        self._reference.clear()

    def process(self, ulaw: bytes) -> bytes:
        """The caller's sound, filtered.  Whole frames of 20 ms come out; an incomplete one waits for its rest."""
        if not self._stages:
            ulaw, self._rest = self._rest + ulaw, b""
            return ulaw
        ulaw = self._rest + ulaw
        whole = len(ulaw) // FRAME_BYTES * FRAME_BYTES
        self._rest = ulaw[whole:]
        return self._filtered(ulaw[:whole]) if whole else b""

    def reset(self) -> None:
        """The caller's sound was interrupted: what comes next does not continue it."""
        self._rest = b""
        for stage in tuple(self._stages):
            with self._fail_open(stage.settings):
                stage.stream.reset()

    def close(self) -> None:
        """Free all filters.  May be called twice."""
        stages, self._stages = self._stages, []
        for stage in stages:
            with self._fail_open(stage.settings):
                stage.stream.close()
        self._reference.clear()

    def _filtered(self, ulaw: bytes) -> bytes:
        reference = self._heard_of_the_agent(len(ulaw))
        due = [stage for stage in self._stages if reference is not None or not stage.settings.wants_reference]
        if not due:
            return ulaw
        pcm = g711.decode(ulaw)
        for stage in due:
            pcm = self._run(stage, pcm, reference)
        return g711.encode(pcm)

    def _heard_of_the_agent(self, samples: int) -> bytes | None:
        """What the agent plays in the next `samples`, as pcm16; None where no echo can come."""
        played = bytes(self._reference[:samples])
        del self._reference[:samples]
        if played:
            self._echo_left = _ECHO_TAIL
        elif self._echo_left <= 0:
            return None
        else:
            self._echo_left -= samples
        return g711.decode(played.ljust(samples, bytes([SILENCE])))

    def _run(self, stage: _Stage, pcm: bytes, reference: bytes | None) -> bytes:
        with self._fail_open(stage.settings):
            if reference is not None and stage.settings.wants_reference:
                stage.stream.reference(reference)
            filtered = stage.stream.process(pcm)
            if len(filtered) != len(pcm):
                raise ValueError(f"{len(pcm)} bytes went in, {len(filtered)} came out")
            return filtered
        return pcm

    @contextmanager
    def _fail_open(self, settings: AudioFilter) -> Iterator[None]:
        """Take the filter out where it fails inside."""
        try:
            yield
        except Exception as error:  # a foreign library's failure must not cost the call
            log.debug("the filter %s failed", settings.name, exc_info=True)
            failed = [stage for stage in self._stages if stage.settings is settings]
            self._stages = [stage for stage in self._stages if stage.settings is not settings]
            for stage in failed:
                with suppress(Exception):  # the first failure is the one to tell
                    stage.stream.close()
            self._on_failure(settings.name, error)
