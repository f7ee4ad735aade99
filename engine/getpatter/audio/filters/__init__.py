"""What may be done to the caller's sound on its way in: one filter a file behind one protocol."""
