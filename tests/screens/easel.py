"""A little program on the real ``Screen``, for the tests of the terminal: it paints what it knows about itself.

``python easel.py REPORT [console|ascii]``: REPORT is a file that gets one JSON object now and then and at the end; with
``console`` the screen is the one for Windows. Keys: ``q`` ends,
``x`` raises, ``b`` paints a busy screen from now on, ``f`` one full of wide and strange characters, ``c`` shows the
cursor.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from widgets.canvas import Canvas, Rect
from widgets.screen import ConsoleScreen, Screen, ScreenUnusable, open_screen

STRANGE = "\x1b[31m日本語 \u202e é́́́́\u0301\u0301 👍🏽 ─│█▇⣿ Å ｱ \x07\x9b ﷽ end"


class Easel:
    def __init__(self, report: str) -> None:
        self.report_path = report
        self.turns = self.frames = self.sequence = 0
        self.longest_s = 0.0
        self.keys: list[str] = []
        self.all_keys: list[str] = []
        self.mode = ""
        self.caught: list[int] = []
        self.ended = "q"

    def report(self, **more: object) -> None:
        values = {"turns": self.turns, "frames": self.frames, "keys": self.all_keys, "longest_s": self.longest_s}
        temporary = self.report_path + ".new"
        Path(temporary).write_text(json.dumps({**values, **more}))
        os.replace(temporary, self.report_path)

    def draw(self, size: tuple[int, int], glyphs: str, now: float) -> Canvas:
        canvas = Canvas(*size, glyphs=glyphs)
        width, height = size
        if self.mode == "b":
            chance = random.Random(now)
            for y in range(height):
                for x in range(0, width, 4):
                    canvas.put(
                        x, y, f"{chance.randrange(10_000):04}", chance.choice(["ok", "warn", "bad", "dim", "key"])
                    )
            return canvas
        canvas.box(canvas.rect, f"{width}x{height}", "border", "title")
        canvas.put(2, 1, "keys " + " ".join(self.keys), "ok", width - 4)
        canvas.put(2, 2, f"mode {self.mode}", "warn", width - 4)
        canvas.put(2, 3, STRANGE if self.mode == "f" else "", "", width - 4)
        canvas.restyle(Rect(width - 1, height - 1, 1, 1), "bad")
        if self.mode == "c":
            canvas.cursor = (5, 2)
        return canvas

    def press(self, key: str) -> bool:
        self.keys = [*self.keys, key][-8:]
        self.all_keys.append(key)
        if key == "x":
            raise RuntimeError("as asked")
        if key in ("b", "f", "c"):
            self.mode = key
        return key != "q"

    def obey_signals(self, screen: Screen) -> None:
        caught, self.caught = self.caught, []
        for number in caught:
            if number == signal.SIGTSTP:
                screen.suspend()
                self.report(suspended=True)
                os.kill(os.getpid(), signal.SIGSTOP)
            else:
                screen.resume()

    def run(self, screen: Screen) -> None:
        glyphs = "unicode" if screen.unicode else "ascii"
        going = True
        while going and not screen.gone:
            self.turns += 1
            readers = [descriptor for descriptor, _ in screen.readers()]
            writers = [descriptor for descriptor, _ in screen.writers()]
            try:
                readable, writable, _ = select.select(readers, writers, [], 0.02)
            except InterruptedError:
                continue
            start = time.monotonic()
            for descriptor, callback in screen.readers() + screen.writers():
                if descriptor in readable or descriptor in writable:
                    callback(start)
            self.obey_signals(screen)
            keys = screen.keys(start)
            for key in keys:
                going = self.press(key) and going
            if screen.can_paint(start):
                screen.paint(self.draw(screen.size, glyphs, start), start)
                self.frames += 1
            self.longest_s = max(self.longest_s, time.monotonic() - start)
            if keys or self.frames == 1 or self.turns % 20 == 0:
                self.report()
        self.ended = "gone" if screen.gone else "q"


def main() -> int:
    easel = Easel(sys.argv[1])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
    signal.signal(signal.SIGWINCH, lambda number, frame: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        screen = ConsoleScreen() if "console" in sys.argv else open_screen(ascii="ascii" in sys.argv)
    except ScreenUnusable as error:
        print(error, file=sys.stderr)
        return 2

    for number in (signal.SIGTSTP, signal.SIGCONT):
        signal.signal(number, lambda number, frame: easel.caught.append(number))
    with screen:
        easel.run(screen)
    easel.report(
        ended=easel.ended,
        written=screen.bytes_written,
        round_trip_ms=screen.round_trip_ms,
        unicode=screen.unicode,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
