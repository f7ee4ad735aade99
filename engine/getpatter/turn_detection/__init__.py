"""Telling whether a caller's turn is complete: one detector a file behind the protocol in `base`."""
