"""What a speech-to-speech engine speaks, on its way to the line: one utterance, made of the engine's items."""

from __future__ import annotations

from dataclasses import dataclass, field

from getpatter.audio import g711
from getpatter.audio.format import LINE, AudioFormat
from getpatter.audio.transcode import Transcoder
from getpatter.conversation.held_audio import HeldAudio
from getpatter.conversation.persona import Persona
from getpatter.conversation.speaker import Speaker
from getpatter.engines.base import AudioDelta


@dataclass(slots=True)
class _Item:
    """One item of the engine; positions are bytes of line audio in the utterance."""

    start: int
    written: int
    """Pieces of text there were before it."""
    item_id: str = ""
    end: int = 0
    whole: bool = False
    """All of it was given to the speaker."""
    held: HeldAudio | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """Of an item no more was heard than this."""

    item_id: str
    heard_ms: int


@dataclass(slots=True)
class EngineVoice:
    """`write` and `add` what comes of a response, `end_item` when it is over; `cut` tells what was heard.

    An item is one sentence to the speaker.  Engines tell no times of words, so while one comes the place of its words
    is estimated from the ordinary rate of speech, and from the share of its text once it is complete.  Where something
    may object to words, audio waits until those that it may hold were reviewed.
    """

    speaker: Speaker
    persona: Persona
    format: AudioFormat
    """Of the engine's audio."""
    written: list[str] = field(default_factory=list)
    """All text that may be heard, in pieces."""
    received: int = 0
    """Bytes that came of the engine, heard or not."""
    _given: int = 0
    _items: list[_Item] = field(default_factory=list)
    _open: _Item | None = None
    _transcoder: Transcoder | None = None

    @property
    def spoke(self) -> bool:
        """Some of it was given to the speaker."""
        return self._given > 0

    async def write(self, text: str, *, review: bool) -> str | None:
        """Text of the item under way; something else than None is to be said in place of what comes of it."""
        item = self._item(review=review)
        if item.held is None:
            self._write(text)
            return None
        return await self._review(item, item.held, item.held.write(text))

    async def add(self, delta: AudioDelta, *, review: bool) -> None:
        self.received += len(delta.audio)
        item = self._item(delta.item_id, review=review)
        audio = self._transcoder.feed(delta.audio) if self._transcoder else delta.audio
        if item.held is None:
            await self._give(item, audio)
        else:
            item.held.add(audio)
            await self._give(item, item.held.take())

    async def end_item(self) -> str | None:
        """The response is complete; something else than None is to be said in place of the rest."""
        item = self._open
        if item is None:
            return None
        rest = self._transcoder.flush() if self._transcoder else b""
        if item.held is None:
            await self._give(item, rest)
        else:
            item.held.add(rest)
            if (instead := await self._review(item, item.held, item.held.finish())) is not None:
                return instead
        item.whole = True
        self.abandon_item()
        return None

    def break_off_item(self) -> None:
        """The engine has given up the item under way, of which text may have come ahead of its audio."""
        item, self._open = self._open, None
        if item is not None:
            del self.written[item.written :]
            self.written.append(self.speaker.break_off())

    def abandon_item(self) -> None:
        """Nothing more of the item under way is given to the speaker."""
        if self._open is not None:
            self._open = None
            self.speaker.close()

    def sound(self, audio: bytes) -> None:
        """Line audio of our own."""
        self.abandon_item()
        self.speaker.open("")
        self.speaker.add(audio)
        self.speaker.close()
        self._given += len(audio)

    def cut(self) -> list[Cut]:
        """The items of which not everything was heard, or will be: to be asked before the speaker is cut."""
        heard = int(self.speaker.heard_s * LINE.bytes_per_second)
        return self._cuts(heard)

    def cut_unspoken(self) -> list[Cut]:
        """The items of which something is kept back, as if all that was given were heard."""
        return self._cuts(self._given)

    def _cuts(self, heard: int) -> list[Cut]:
        cuts: list[Cut] = []
        for item in self._items:
            if item.item_id and not (item.whole and heard >= item.end):
                played = max(0, min(heard, item.end) - item.start)
                cuts.append(Cut(item.item_id, played * 1000 // LINE.bytes_per_second))
        return cuts

    def _item(self, item_id: str = "", *, review: bool) -> _Item:
        """The item under way; another id begins another one."""
        item = self._open
        if item is not None and item_id and item.item_id not in ("", item_id):
            self.abandon_item()
            item = None
        if item is None:
            item = self._open = _Item(self._given, len(self.written), end=self._given)
            if review and self.persona.wording.objects:
                item.held = HeldAudio()
            self._items.append(item)
            self._transcoder = None if self.format == LINE else Transcoder(self.format, LINE)
            self.speaker.open("")
        item.item_id = item.item_id or item_id
        return item

    async def _review(self, item: _Item, held: HeldAudio, sentences: list[str]) -> str | None:
        for sentence in sentences:
            allowed = await self.persona.wording.review(sentence)
            if allowed != sentence:
                return allowed or ""
            self._write(held.allow(sentence))
            await self._give(item, held.take())
        await self._give(item, held.take())
        return None

    def _write(self, text: str) -> None:
        self.written.append(text)
        self.speaker.write(text)

    async def _give(self, item: _Item, audio: bytes) -> None:
        hooks = self.persona.hooks
        if audio and hooks.hooks.after_synthesize is not None:
            pcm = await hooks.after_synthesize(g711.decode(audio))
            audio = g711.encode(pcm) if pcm is not None else b""
        if audio:
            self.speaker.add(audio)
            self._given += len(audio)
            item.end = self._given
