"""What OpenAI's transcripts hold beside their words, by WebSocket and by HTTP alike."""

from __future__ import annotations

import msgspec

from getpatter.metering import Product, Used


class _InputTokens(msgspec.Struct):
    audio_tokens: int | None = None


class TranscriptionUsage(msgspec.Struct):
    """In tokens; of models that are paid by the second it holds none."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_token_details: _InputTokens | None = None

    def used(self, product: Product) -> Used:
        details = self.input_token_details or _InputTokens()
        return Used(
            product,
            input_tokens=self.input_tokens or 0,
            output_tokens=self.output_tokens or 0,
            input_audio_tokens=details.audio_tokens or 0,
        )


class DetectedLanguage(msgspec.Struct):
    code: str = ""
