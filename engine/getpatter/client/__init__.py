"""`Patter`, the Python API: telephone calls from a program, by an engine inside of it."""

from getpatter.client.patter import Patter as Patter
