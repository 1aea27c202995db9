"""The command line: one thin function per command, in a file for each room that they open."""

from .commands import app, main

__all__ = ["app", "main"]
