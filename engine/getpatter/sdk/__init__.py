"""The parts of the Python API: what programs give to `Patter`, and what they are told."""
