"""Text to speech: one provider a file, all behind `tts.base.TextToSpeech`."""
