"""What can go wrong when a socket is opened: one clear line for the user each."""

from __future__ import annotations


class NetworkError(OSError):
    """A socket that cannot be opened or watched; its text is one line for the user."""


class PortTaken(NetworkError):
    """Another program (or another call) has this port."""
