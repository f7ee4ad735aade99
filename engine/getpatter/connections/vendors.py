"""The companies whose speech and language services there are adapters for, and where their keys are looked for."""

from __future__ import annotations

from typing import Final

from getpatter.connections.vendor import Vendor

ASSEMBLYAI: Final = Vendor("AssemblyAI", "ASSEMBLYAI_API_KEY", "www.assemblyai.com/dashboard/api-keys")
CARTESIA: Final = Vendor("Cartesia", "CARTESIA_API_KEY", "play.cartesia.ai/keys")
DEEPGRAM: Final = Vendor("Deepgram", "DEEPGRAM_API_KEY", "console.deepgram.com")
ELEVENLABS: Final = Vendor("ElevenLabs", "ELEVENLABS_API_KEY", "elevenlabs.io")
INWORLD: Final = Vendor("Inworld", "INWORLD_API_KEY", "platform.inworld.ai")
LMNT: Final = Vendor("LMNT", "LMNT_API_KEY", "app.lmnt.com/account")
OPENAI: Final = Vendor("OpenAI", "OPENAI_API_KEY", "platform.openai.com/api-keys")
RIME: Final = Vendor("Rime", "RIME_API_KEY", "app.rime.ai/tokens")
SONIOX: Final = Vendor("Soniox", "SONIOX_API_KEY", "console.soniox.com")
SPEECHMATICS: Final = Vendor("Speechmatics", "SPEECHMATICS_API_KEY", "portal.speechmatics.com")
TELNYX: Final = Vendor("Telnyx", "TELNYX_API_KEY", "portal.telnyx.com")
