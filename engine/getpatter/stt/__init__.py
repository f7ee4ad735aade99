"""Speech to text: one provider a file, all behind `stt.base.SpeechToText`."""
