"""The one error of this package."""

from __future__ import annotations


class MediaError(Exception):
    """Bytes from the network that are not what they should be; the text is one clear sentence.

    Every parser here raises this and nothing else for bad input. It is caught, and counted, at one door: the
    stream. Anything else that escapes is a mistake of ours.
    """
