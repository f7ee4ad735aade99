"""Rules about words: what callers say, and what is said to them.  Text in and out; no calls, no audio, no clock."""
