"""Flags that make no sense together, or without another one."""

from __future__ import annotations

import argparse
import os

DEMO_IP = "127.0.0.1"


def contradiction(options: argparse.Namespace) -> str | None:
    """What makes no sense together, in one line."""
    far_end = options.remote_ip is not None or options.uri is not None
    rules = (
        (options.no_config and options.config, "--config names a file, --no-config reads none: choose one"),
        (options.plain and options.json, "--plain and --json are two faces: choose one"),
        (options.uri and options.remote_ip, "the URI and --remote-ip both say whom to call: give one"),
        (options.demo and (options.mode or far_end), "--demo calls itself: leave --mode, --remote-ip and the URI out"),
        (options.mode == "receiver" and options.uri, "--mode receiver waits for a call: leave the URI out"),
        (options.probe and (options.mode == "receiver" or not far_end), "--probe asks who is there: give the URI"),
        (options.mode == "caller" and not far_end, "--mode caller needs --remote-ip or a URI"),
        (options.remote_sip_port is not None and options.remote_ip is None, "--remote-sip-port needs --remote-ip"),
        (
            options.local_sip_port and options.local_sip_port == options.local_rtp_port,
            f"--local-sip-port and --local-rtp-port are both {options.local_sip_port}: give two ports",
        ),
        (options.remote_ip is not None and options.mode is None, "--remote-ip needs --mode caller or --mode receiver"),
        (
            options.demo and options.local_ip not in (None, DEMO_IP),
            f"--demo stays on {DEMO_IP}: leave --local-ip out",
        ),
        (options.demo and options.echo, "--demo has its own echo: leave --echo out"),
        (options.echo and options.audio_file, "--echo sends back what it hears: leave --audio-file out"),
        (options.echo and options.input_name, "--echo sends back what it hears: leave --input out"),
        (options.audio == "file" and not options.audio_file, "--audio file needs --audio-file"),
        (
            options.audio in ("null", "file") and (options.input_name or options.output_name or options.ring_output),
            f"--audio {options.audio} uses no sound card: leave --input, --output and --ring-output out",
        ),
        (
            options.voice and (options.audio_file or options.audio in ("null", "file")),
            "--voice works on a card's microphone; a file is sent as it is: leave one of them out",
        ),
        (
            options.voice and (options.echo or options.demo),
            "--voice works on a card's microphone, which --echo and --demo do not use: leave it out",
        ),
        (options.demo and options.input_name, "--demo has a file for a microphone: leave --input out"),
        (
            options.echo and ({options.ring_tone, options.ringback} - {None, "off"} or options.ring_output),
            "--echo does not ring: leave --ring-tone, --ringback and --ring-output out",
        ),
        (
            options.ring_tone == "off" and options.ring_output,
            "--ring-tone off needs no loudspeaker: leave --ring-output out",
        ),
        (options.audio_file and options.input_name, "--audio-file and --input both name the microphone: give one"),
        (_same_file(options.record, options.record_stereo), "--record and --record-stereo name the same file"),
        (
            options.trace and not (options.json or options.plain or options.headless or options.probe),
            "--trace is told in lines: give --plain, --json or --headless too",
        ),
    )
    return next((text for broken, text in rules if broken), None)


def _same_file(first: str | None, second: str | None) -> bool:
    return first is not None and second is not None and os.path.realpath(first) == os.path.realpath(second)
