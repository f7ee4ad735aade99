"""Sound: codecs, rates, voice activity, recordings.  Knows nothing of calls, carriers or asyncio."""
