"""Other people's codecs: FFmpeg's, through PyAV, which the set-up installs where it can."""

from __future__ import annotations

import os

import numpy as np
import pytest

try:
    import av
except ImportError:
    av = None  # type: ignore[assignment]


def needed() -> None:
    """Skip, or in CI fail, where PyAV is not there."""
    if av is None and os.environ.get("CI"):
        pytest.fail("PyAV is missing: pip install av")
    if av is None:
        pytest.skip("PyAV is missing: pip install av")


def decode(name: str, payloads: list[bytes], rate_hz: int, layout: str = "mono") -> np.ndarray:
    """What FFmpeg's decoder of that name makes of these packets: samples of int16 size, as floats where it has them."""
    needed()
    context = av.CodecContext.create(name, "r")
    context.sample_rate = rate_hz
    context.layout = layout
    pieces = []
    for payload in payloads:
        for frame in context.decode(av.Packet(payload)):
            samples = frame.to_ndarray().reshape(-1)
            pieces.append(samples if samples.dtype == np.int16 else samples * 32768.0)
    return np.concatenate(pieces)


def encode(name: str, pcm: np.ndarray, rate_hz: int, layout: str = "mono", **options: str) -> list[bytes]:
    """The packets that FFmpeg's encoder of that name makes; stereo ``pcm`` is interleaved."""
    needed()
    context = av.CodecContext.create(name, "w")
    context.sample_rate, context.layout, context.format = rate_hz, layout, "s16"
    context.options = options
    context.open()
    channels = 2 if layout == "stereo" else 1
    size = context.frame_size * channels or rate_hz // 50
    payloads: list[bytes] = []
    for begin in range(0, len(pcm) - size + 1, size):
        frame = av.AudioFrame.from_ndarray(pcm[begin : begin + size].reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate, frame.pts = rate_hz, begin // channels
        payloads += [bytes(packet) for packet in context.encode(frame)]
    return payloads
