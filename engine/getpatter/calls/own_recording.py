"""Our own recording of one call."""

from __future__ import annotations

from collections.abc import Callable

from getpatter.calls.recording import Recorder, Recording
from getpatter.calls.session import MediaStream
from getpatter.clock import Clock
from getpatter.errors import PatterError, StoreError
from getpatter.events import Event, Recorded, RecordingStarted


class OwnRecording:
    """Begins with the stream and ends with the call; without a `recorder` there is none."""

    def __init__(
        self,
        call_id: str,
        recorder: Recorder | None,
        clock: Clock,
        *,
        publish: Callable[[Event], None],
        problem: Callable[[PatterError], None],
    ) -> None:
        self._call_id = call_id
        self._recorder = recorder
        self._clock = clock
        self._publish = publish
        self._problem = problem
        self._recording: Recording | None = None

    def begin(self, stream: MediaStream) -> None:
        if self._recorder is not None:
            self._recording = self._recorder.open(self._call_id)
            stream.record(self._recording)
            path = str(self._recording.path)
            self._publish(RecordingStarted(call_id=self._call_id, at=self._clock.wall(), path=path))

    async def close(self) -> None:
        """Write the rest and tell what there is."""
        if self._recording is None:
            return
        try:
            kept = await self._recording.close()
        except OSError as error:
            self._problem(StoreError(f"The recording could not be written: {error.strerror}."))
            return
        self._publish(
            Recorded(
                call_id=self._call_id,
                at=self._clock.wall(),
                path=str(kept.path),
                duration_s=kept.duration_s,
                bytes=kept.bytes,
            )
        )
