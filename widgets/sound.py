"""The view "sound": what is in the far end's sound. A live spectrum, and what it says of the line."""

from __future__ import annotations

from engine.model import CallState, CallView, MediaView
from widgets import figures, layout, parts, text
from widgets.canvas import Canvas, Rect
from widgets.ui import Band, Pane, Scene, Tables
from widgets.view import View

LOUDEST_DBFS, SOFTEST_DBFS = -10.0, -80.0  # the top and the ground of the picture
TONE_HZ, TELEPHONE_HZ = 2500.0, 4500.0  # a voice as wide as that, or less, came by telephone; a tone is narrower
SILENCE_DBFS = -72.0  # the softest that A-law can say
WIDE_HZ = 6500.0  # from here on it is wideband
EIGHTHS = " ▁▂▃▄▅▆▇█"
MARKS_HZ = (100, 200, 500, 1000, 2000, 4000, 8000, 16000)


def draw_spectrum(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """One bar for each band, evenly in octaves; frequencies below."""
    media = scene.call.media if scene.call is not None else None
    if rect.empty:
        return
    rate = f"up to {media.far_sound.highest_hz / 1000:g} kHz" if media is not None and media.far_sound else ""
    below = parts.heading(canvas, rect, "the far end's sound", rate)
    if media is None or media.far_sound is None or below.height < 2:
        return
    bands = media.far_sound.bands_dbfs
    picture, axis = below.split_bottom(1)
    picture = Rect(picture.x + 5, picture.y, picture.width - 6, picture.height)
    if picture.empty:
        return
    over = scene.call is not None and scene.call.state is CallState.ENDED
    for column in range(picture.width):
        level = bands[column * len(bands) // picture.width]
        part = (level - SOFTEST_DBFS) / (LOUDEST_DBFS - SOFTEST_DBFS)
        steps = 0 if over else round(max(0.0, min(1.0, part)) * picture.height * 8)
        _draw_bar(canvas, picture, column, steps, scene.look.braille)
    for row, label in ((picture.y, f"{LOUDEST_DBFS:.0f}"), (picture.bottom - 1, f"{SOFTEST_DBFS:.0f}")):
        canvas.put(rect.x + 1, row, label.rjust(3), "dim")
    _draw_axis(canvas, Rect(picture.x, axis.y, picture.width, 1), media)


def _draw_bar(canvas: Canvas, picture: Rect, column: int, steps: int, fine: bool) -> None:
    for height in range(picture.height):
        filled = max(0, min(8, steps - 8 * height))
        glyph = EIGHTHS[filled] if fine else "|" if filled >= 4 else " "
        if glyph != " ":
            part = (height + 1) / picture.height
            style = "meter_high" if part > 0.9 else "meter_mid" if part > 0.7 else "meter_low"
            canvas.put(picture.x + column, picture.bottom - 1 - height, glyph, style)


def _draw_axis(canvas: Canvas, row: Rect, media: MediaView) -> None:
    sound = media.far_sound
    assert sound is not None
    octaves = figures.octaves(sound.lowest_hz, sound.highest_hz)
    free = row.x
    for hz in MARKS_HZ:
        if not sound.lowest_hz < hz <= sound.highest_hz:
            continue
        label = f"{hz}" if hz < 1000 else f"{hz // 1000}k"
        x = row.x + round(row.width * figures.octaves(sound.lowest_hz, hz) / octaves) - len(label) // 2
        x = min(x, row.right - len(label))
        if x >= free:
            free = canvas.put(x, row.y, label, "dim") + 1


def spectrum_sizes(_scene: Scene, _width: int) -> tuple[int, ...]:
    return (6, 9, 16)


def draw_words(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    call = scene.call
    if rect.empty:
        return
    below = rect if rect.height == 1 else parts.heading(canvas, rect, "what it says")
    if call is None or call.media is None or call.media.far_sound is None:
        canvas.put(below.x + 1, below.y, "Nothing has come yet.", "dim", below.width - 1)
        return
    if rect.height == 1:
        worst = max(witness(call, call.media), key=lambda field: {"bad": 2, "warn": 1}.get(field[2], 0))
        parts.facts(canvas, rect, [worst], len(worst[0]) + 1, scene.look.more)
        return
    parts.facts(canvas, below, witness(call, call.media), 11, scene.look.more)


def witness(call: CallView, media: MediaView) -> list[parts.Field]:
    """What was found, and what it means, in words."""
    sound = media.far_sound
    assert sound is not None
    carries_hz = sound.highest_hz if sound.carries_hz is None else sound.carries_hz
    wide = carries_hz > TELEPHONE_HZ
    if sound.width_hz is None:
        width = ("width", "not known before they have spoken for some seconds", "dim")
    elif wide and sound.width_hz < TONE_HZ:
        words = f"{sound.width_hz / 1000:.1f} kHz of {carries_hz / 1000:g}: tones, or a muffled voice"
        width = ("width", words, "value")
    elif wide and sound.width_hz <= TELEPHONE_HZ:
        codec = f"{text.stripped(sound.codec or media.codec)} could carry {carries_hz / 1000:g} kHz"
        width = ("width", f"{sound.width_hz / 1000:.1f} kHz: a telephone line, though {codec}", "warn")
    elif wide:
        kind = "really wideband" if sound.width_hz >= WIDE_HZ else "wider than a telephone line"
        words = f"{sound.width_hz / 1000:.1f} kHz of {carries_hz / 1000:g}: {kind}"
        width = ("width", words, "ok")
    else:
        width = ("width", f"{sound.width_hz / 1000:.1f} kHz, as wide as the codec", "ok")
    hum, clips = ("hum", "none", "value"), ("clipping", "none", "value")
    if sound.hum_hz is not None:
        hum = ("hum", f"{sound.hum_hz:.0f} Hz: mains in their microphone", "warn")
    if sound.clips:
        clips = ("clipping", "they are too loud: their sound is cut off", "bad")
    return [width, hum, clips, ("silence", *_silence(call, media))]


def _silence(call: CallView, media: MediaView) -> tuple[str, str]:
    """Silence is something else than nothing."""
    sound = media.far_sound
    assert sound is not None
    if call.state is CallState.ENDED:
        return "the call is over", "dim"
    if media.history and not media.history[-1].received:
        return "nothing comes: on hold" if call.held_here or call.held_there else "nothing comes", "warn"
    if sound.constant is not None:
        return f"one and the same value, {sound.constant}: a dead microphone", "bad"
    if media.level_in.peak_hold_dbfs <= SILENCE_DBFS:
        return "nothing at all: muted, or a dead microphone", "warn"
    if media.level_in.rms_dbfs <= -95.9:
        return "no: a pause now", "value"
    return f"no: {figures.dbfs(media.level_in.rms_dbfs)} now", "value"


def word_sizes(_scene: Scene, _width: int) -> tuple[int, ...]:
    return (1, 5)


def draw_nothing(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    words = "the spectrum of their voice, how wide it is, hum, clipping"
    parts.nothing(canvas, rect, "the far end's sound", figures.no_sound(scene.call), words)


SPECTRUM = Pane(draw_spectrum, spectrum_sizes, moves=True)
WORDS = Pane(draw_words, word_sizes)
NOTHING = Pane(draw_nothing, lambda _scene, _width: (2,))


def tables(scene: Scene) -> Tables:
    """The levels, as long as there are any."""
    if scene.call is None or scene.call.media is None:
        return ((0, (Band((layout.CALLS,), 0), Band((NOTHING,), 1, grows=True))),)
    levels = () if scene.call.state is CallState.ENDED else (Band((layout.LEVELS,), 3),)
    return ((0, (Band((layout.CALLS,), 0), *levels, Band((SPECTRUM,), 1, grows=True), Band((WORDS,), 2))),)


VIEW = View("sound", "what is in the far end's sound: a live spectrum, its width, hum, clipping", tables)
