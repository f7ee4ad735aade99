"""What a recogniser that takes over must be given to go on where another was lost: pure bookkeeping, no I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator


class RewindBuffer:
    """Audio and requests for a final transcript, in order, since the last final transcript.

    Holds the newest `max_bytes` of audio, and of the run that they begin in all; what is older is dropped.  A request
    is never dropped before its answer.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size = 0
        self._entries: deque[bytes | None] = deque()
        """None stands for a request.  Requests before all audio that is left are only counted."""
        self._leading = 0
        self._pending = 0

    @property
    def pending(self) -> int:
        """Requests that were not answered."""
        return self._pending

    @property
    def size_bytes(self) -> int:
        return self._size

    def add(self, audio: bytes) -> None:
        """One run of audio, fifty times a second."""
        self._entries.append(audio)
        self._size += len(audio)
        if self._size > self._max_bytes:
            self._drop_oldest()

    def request(self) -> None:
        """A final transcript was asked for, of all audio up to here."""
        self._pending += 1
        self._entries.append(None)

    def answered(self) -> None:
        """The answer to the oldest request came: nobody needs to hear the audio before it again."""
        if not self._pending:
            self.finalized()
            return
        self._pending -= 1
        if self._leading:
            self._leading -= 1
            return
        while (audio := self._entries.popleft()) is not None:
            self._size -= len(audio)

    def finalized(self, after: int = 0) -> None:
        """A final transcript came that nobody asked for; it does not reach the newest `after` bytes of audio.

        It covers the audio before the oldest request, since it came before that one's answer; without a request, all
        but these.  Where nobody knows how far it reaches, what was said in the moment before it came may be in neither
        this transcript nor, after a loss, the next one; the other choice would have words recognised twice.
        """
        if self._leading:
            return
        while self._entries and (audio := self._entries[0]) is not None and self._size - len(audio) >= after:
            self._size -= len(audio)
            self._entries.popleft()

    def replay(self) -> Iterator[bytes | None]:
        """All that was not answered: runs of audio, each as long as can be, and None for a request between them."""
        yield from (None,) * self._leading
        run: list[bytes] = []
        for entry in self._entries:
            if entry is not None:
                run.append(entry)
                continue
            if run:
                yield b"".join(run)
                run.clear()
            yield None
        if run:
            yield b"".join(run)

    def _drop_oldest(self) -> None:
        """Drop whole runs, since half a sample would make noise of what follows, and never less than what must stay."""
        while self._size > self._max_bytes:
            oldest = self._entries[0]
            if oldest is None:
                self._leading += 1
            elif self._size - len(oldest) < self._max_bytes:
                return
            else:
                self._size -= len(oldest)
            self._entries.popleft()
