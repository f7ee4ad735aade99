"""Speech-to-speech engines: the caller's audio in, the agent's audio out, one engine a file behind one protocol."""
