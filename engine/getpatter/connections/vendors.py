"""The companies whose speech and language services there are adapters for, and where their keys are looked for."""

from __future__ import annotations

from typing import Final

from getpatter.connections.vendor import Vendor

DEEPGRAM: Final = Vendor("Deepgram", "DEEPGRAM_API_KEY", "console.deepgram.com")
ELEVENLABS: Final = Vendor("ElevenLabs", "ELEVENLABS_API_KEY", "elevenlabs.io")
OPENAI: Final = Vendor("OpenAI", "OPENAI_API_KEY", "platform.openai.com/api-keys")
SONIOX: Final = Vendor("Soniox", "SONIOX_API_KEY", "console.soniox.com")
TELNYX: Final = Vendor("Telnyx", "TELNYX_API_KEY", "portal.telnyx.com")
