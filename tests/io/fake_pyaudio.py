"""A PortAudio of paper: two devices, whose sound is what was played, captured again. Copied to ``pyaudio.py``.

The environment says how it behaves: FAKE_CARD is a list of words.
"""

import os
import sys
import time

paInt16 = 8
WORDS = os.environ.get("FAKE_CARD", "").split()


def device(index, name, inputs, outputs):
    channels = {"maxInputChannels": inputs, "maxOutputChannels": outputs}
    return {"index": index, "name": name, "defaultSampleRate": 44100.0, **channels}


DEVICES = [device(0, "Paper Speaker", 0, 2), device(1, "Paper Microphone", 1, 0)]
if "unloadable" in WORDS:
    raise ImportError("Could not import the PyAudio C module")
played = bytearray()


class Stream:
    def __init__(self, rate, channels, frames_per_buffer, capturing):
        self.rate, self.channels, self.capturing = rate, channels, capturing
        self.capacity = 3 * frames_per_buffer
        self.start = time.monotonic()
        self.moved = 0

    def clock(self):
        if "hang" in WORDS and time.monotonic() - self.start > 0.3:
            time.sleep(60)
        if "break" in WORDS and time.monotonic() - self.start > 0.3:
            raise OSError(-9999, "Unanticipated host error")
        return int((time.monotonic() - self.start) * self.rate)

    def get_write_available(self):
        waiting = max(0, self.moved - self.clock())
        self.moved = max(self.moved, self.clock())
        return self.capacity - waiting

    def write(self, data, exception_on_underflow):
        assert exception_on_underflow is False
        assert len(data) // 2 // self.channels <= self.get_write_available()
        self.moved += len(data) // 2 // self.channels
        played.extend(data)

    def get_read_available(self):
        return self.clock() - self.moved

    def read(self, count, exception_on_overflow):
        assert exception_on_overflow is False
        self.moved += count
        data = bytes(played[: 2 * count])
        del played[: 2 * count]
        return data + bytes(2 * count - len(data))

    def close(self):
        pass


class PyAudio:
    def __init__(self):
        print("ALSA lib of paper: noise", file=sys.stderr, flush=True)
        if "slow" in WORDS:
            time.sleep(1)

    def get_device_count(self):
        return 0 if "none" in WORDS else len(DEVICES)

    def get_device_info_by_index(self, index):
        return DEVICES[index]

    def get_default_output_device_info(self):
        if "none" in WORDS:
            raise OSError("No Default Output Device Available")
        return DEVICES[0]

    def get_default_input_device_info(self):
        if "none" in WORDS or "deaf" in WORDS:
            raise OSError("No Default Input Device Available")
        return DEVICES[1]

    def open(self, format, channels, rate, frames_per_buffer, input=False, output=False, **devices):
        if "busy" in WORDS:
            raise OSError(-9985, "Device unavailable")
        if rate not in (44100, 8000 if "any-rate" in WORDS else 44100):
            raise OSError(-9997, "Invalid sample rate")
        return Stream(rate, channels, frames_per_buffer, input)

    def terminate(self):
        pass
