from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from getpatter.errors import ConfigurationError
from getpatter.tts.local import local_tts

Speaker = Callable[[str], Awaitable[bytes]]


@pytest.fixture
async def speak() -> AsyncIterator[Speaker]:
    """Text to µ-law by the best voice of this machine."""
    try:
        tts = local_tts()
    except ConfigurationError as missing:
        pytest.skip(f"{missing} {missing.next_step}")
    voice = await tts.open()

    async def speak(text: str) -> bytes:
        return b"".join([chunk.audio async for chunk in voice.synthesize(text)])

    yield speak
    await voice.close()
    await tts.close()
