"""The talk: who may speak when, what was said, and what was heard of it.  Knows nothing of carriers or the store."""
