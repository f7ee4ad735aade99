"""Looks whether everything is there that a call needs, and says what to do where it is not."""
