"""What crosses the border between the engine and its faces: commands in, events and views out.

Everything here is a frozen value. A face never holds a live engine object, so looking at a call can
never change it, and a view taken at one moment stays what it was.

Directions are always seen from this phone: ``tx``, ``out`` and ``sent`` leave it, ``rx``, ``in`` and
``received`` come to it. "The far end" is the other party; what it reports about our stream (RTCP report
blocks) is kept apart from what we measure of its stream. ``None`` means "not known (yet)", never zero.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

from engine.commands import *  # noqa: F403
from engine.model_people import NOBODY, PeopleView, Saved

# ------------------------------------------------------------------ views


class CallState(str, enum.Enum):
    """Where a call stands. The values are the words the screen and the JSON lines use."""

    DIALLING = "dialling"  # INVITE sent, nothing but 100 heard
    PROGRESS = "progress"  # 180 or 183 heard: it rings there
    RINGING = "ringing"  # it rings here
    TALKING = "talking"
    HELD = "held"  # by us, by them, or both: see CallView.held_here, held_there
    ENDING = "ending"  # BYE or CANCEL sent, not answered yet
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class TxView:
    """What we sent on one audio stream."""

    packets: int = 0
    bytes: int = 0  # RTP payload octets, as the SR counts them
    packets_per_second: float | None = None
    worst_late_ms: float | None = None  # the latest any packet left after its deadline, last ten seconds
    redundancy: int = 0  # how many earlier packets each one repeats now


@dataclass(frozen=True, slots=True)
class RxView:
    """What we received on one audio stream (RFC 3550 A.1, A.3, A.8) and what became of it."""

    packets: int = 0
    bytes: int = 0
    packets_per_second: float | None = None
    lost: int = 0  # cumulative, A.3; may be negative when duplicates outnumber losses
    loss_percent: float | None = None  # of all expected so far
    late: int = 0  # came after their moment to be played
    duplicate: int = 0
    reordered: int = 0
    discarded: int = 0  # thrown away by us: buffer full, malformed, unknown payload type
    foreign: int = 0  # from an address or SSRC that is not the negotiated one: not played
    jitter_ms: float | None = None
    buffer_ms: float | None = None  # held now
    target_ms: float | None = None  # what the buffer aims at
    concealed_ms: float = 0.0  # sound invented so far, because a packet was not there
    accelerated_ms: float = 0.0  # sound left out so far, to hear the rest sooner
    expanded_ms: float = 0.0  # sound played twice so far, to hear the rest safely
    drift_ppm: float | None = None  # how much faster their clock runs than ours
    recovered: int = 0  # packets that did not come in time, heard all the same because later ones repeated them


@dataclass(frozen=True, slots=True)
class LevelView:
    """A level in dBFS (0 = a full-scale square wave; silence is -96)."""

    rms_dbfs: float = -96.0
    peak_hold_dbfs: float = -96.0  # highest RMS of the last 1.5 s


@dataclass(frozen=True, slots=True)
class MicrophoneView:
    """What one call sends of its microphone."""

    noise_floor_dbfs: float | None = None  # the quietest tenth of a second of the last ten seconds
    clipped: int = 0  # samples at full scale so far
    trouble: str = ""  # what is wrong with it now: "digital silence", "constant", "clipping" or "noisy"


@dataclass(frozen=True, slots=True)
class RemoteReport:
    """The latest report block of the far end about the stream we send it (RFC 3550 6.4.1)."""

    lost: int
    loss_percent: float  # fraction lost of its last interval
    jitter_ms: float
    age_s: float
    total_loss_percent: float | None = None  # of all packets until then
    of_now: bool = True  # False: it is old, or they report and have long said nothing of our stream


@dataclass(frozen=True, slots=True)
class MetricsView:
    """How the far end itself says it hears us: its VoIP metrics (RFC 3611 section 4.7), of the call so far."""

    mos: float | None
    r: float | None
    loss_percent: float
    discard_percent: float  # came, and was thrown away as too late
    burst_density: float  # 0 to 1
    burst_ms: float  # mean length
    buffer_ms: float
    age_s: float


@dataclass(frozen=True, slots=True)
class RtcpView:
    """RTCP counters of one call."""

    sr_sent: int = 0
    rr_sent: int = 0
    bye_sent: int = 0
    sr_received: int = 0
    rr_received: int = 0
    sdes_received: int = 0
    bye_received: int = 0
    unknown_received: int = 0
    malformed: int = 0
    cname: str | None = None  # of the far end, control characters removed
    rtt_ms: float | None = None
    remote: RemoteReport | None = None
    xr_sent: int = 0
    xr_received: int = 0
    metrics: MetricsView | None = None  # None: they send none


@dataclass(frozen=True, slots=True)
class FarSoundView:
    """What is in the far end's sound."""

    lowest_hz: float
    highest_hz: float  # half the sampling rate of what we play
    bands_dbfs: tuple[float, ...]  # the spectrum of the last moment, in equal parts of an octave
    width_hz: float | None = None  # the highest frequency that carries sound; None: not known yet
    hum_hz: float | None = None  # 50 or 60
    clips: bool = False
    constant: int | None = None  # the one value that comes, if it is not as soft as silence
    codec: str = ""  # encoding name of what they speak; "": nothing yet
    carries_hz: float | None = None  # the highest frequency that it, and what we play, can carry


@dataclass(frozen=True, slots=True)
class QualityView:
    """How one direction sounds to its listener: an estimate by the E-model (ITU-T G.107, G.107.1)."""

    mos: float  # 1 to 4.5
    r: float | None  # None: they told the MOS alone
    wideband: bool  # rated on the scale of wideband codecs
    cause: str  # what takes most away, e.g. "loss 3.1 %"; "" when nothing does


@dataclass(frozen=True, slots=True)
class BurstsView:
    """How lost packets lay together: runs of losses, and the bursts and gaps of RFC 3611 section 4.7.2."""

    runs: tuple[int, ...]  # how many of 1, 2, 3, 4, 5 to 8, and more packets in a row
    mean_run: float  # packets; 0: none was lost
    burst_density: float  # part lost in bursts, 0 to 1
    gap_density: float
    burst_packets: float  # mean length
    gap_packets: float


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """One second of a call. Counts are of this second alone."""

    loss_percent: float | None  # None: nothing was expected in this second
    jitter_ms: float | None
    buffer_ms: float | None
    in_dbfs: float
    out_dbfs: float
    sent: int = 0
    received: int = 0
    lost: int = 0
    late: int = 0
    duplicate: int = 0
    reordered: int = 0
    discarded: int = 0
    recovered: int = 0
    foreign: int = 0
    concealed_ms: float = 0.0
    target_ms: float | None = None
    drift_ppm: float | None = None
    rtt_ms: float | None = None
    far_loss_percent: float | None = None  # the far end's latest report, as long as it is of now
    far_jitter_ms: float | None = None
    send_late_ms: float = 0.0  # the latest any packet of ours left after its deadline
    mos_here: float | None = None
    mos_there: float | None = None
    clumps: int = 0  # so often packets were held back, and then came all at once
    held_ms: float = 0.0  # for so long at the most
    elsewhere: int = 0  # of the foreign ones those that came from another address than agreed

    @property
    def expected(self) -> int:
        """Packets that should have come."""
        return self.received - self.duplicate + max(self.lost, 0)

    @property
    def missed(self) -> int:
        """Packets the ear had to do without: lost or too late, and not brought by a later one."""
        return max(0, self.lost + self.late + self.discarded - self.recovered)


class History(Sequence[HistoryPoint]):
    """The seconds of a call, oldest first: whole minutes that all views share, and the one that goes on."""

    __slots__ = ("_first_s", "_latest", "_minutes")

    def __init__(
        self,
        minutes: tuple[tuple[HistoryPoint, ...], ...] = (),
        latest: tuple[HistoryPoint, ...] = (),
        first_s: int = 0,
    ) -> None:
        self._minutes = minutes
        self._latest = latest
        self._first_s = first_s

    @property
    def first_s(self) -> int:
        """Which second of the call is the first one here: the oldest minutes of a very long call are gone."""
        return self._first_s

    @property
    def parts(self) -> tuple[tuple[HistoryPoint, ...], ...]:
        """The same by minutes; those that are over are the same objects in all views."""
        return (*self._minutes, self._latest)

    def __len__(self) -> int:
        return 60 * len(self._minutes) + len(self._latest)

    @overload
    def __getitem__(self, index: int) -> HistoryPoint: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[HistoryPoint, ...]: ...

    def __getitem__(self, index: int | slice) -> HistoryPoint | tuple[HistoryPoint, ...]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(len(self))))
        place = index if index >= 0 else len(self) + index
        if not 0 <= place < len(self):
            raise IndexError(index)
        minute, second = divmod(place, 60)
        return self._minutes[minute][second] if minute < len(self._minutes) else self._latest[second]


@dataclass(frozen=True, slots=True)
class MediaView:
    """One call's audio."""

    codec: str  # encoding name, e.g. "PCMU"
    clock_rate_hz: int  # of the RTP timestamps
    sample_rate_hz: int  # of the sound
    channels: int
    ptime_ms: float
    local: tuple[str, int]  # our RTP address
    local_rtcp: tuple[str, int]
    remote: tuple[str, int] | None
    remote_rtcp: tuple[str, int] | None
    direction: str  # "sendrecv", "sendonly", "recvonly" or "inactive", seen from us
    tx: TxView = TxView()
    rx: RxView = RxView()
    rtcp: RtcpView = RtcpView()
    level_in: LevelView = LevelView()  # the far end, as heard
    level_out: LevelView = LevelView()  # us, as sent
    microphone: MicrophoneView = MicrophoneView()
    history: Sequence[HistoryPoint] = ()  # newest last
    here: QualityView | None = None  # what we hear, by the last ten seconds
    there: QualityView | None = None  # what they hear, by what they report
    mean_mos_here: float | None = None  # of the whole call
    mean_mos_there: float | None = None
    bursts: BurstsView | None = None  # of what we should have heard
    far_sound: FarSoundView | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a call sounds as it does: one thing that was found, with its evidence and what to do."""

    name: str  # of the rule, e.g. "loss-here"
    severity: str  # "bad", "warn" or "info"
    text: str
    evidence: str  # the figures, of the latest second in which it held
    advice: str
    since_s: int  # seconds into the media of the call
    until_s: int | None = None  # None: it holds


@dataclass(frozen=True, slots=True)
class CallView:
    """One call, as it stood at one moment. Names are as the peer wrote them: faces make them safe to show."""

    id: int  # 1, 2, 3 ... in the order the calls came to be
    direction: str  # "out" or "in"
    state: CallState
    peer_uri: str
    peer_name: str  # display name, may be ""; the peer's own word
    state_s: float  # time in this state
    talk_s: float  # time since it was answered, 0 before
    held_here: bool = False
    held_there: bool = False
    conference: bool = False  # joined with other calls: the far ends hear each other
    early_media: bool = False
    auto_answered: bool = False
    status: int | None = None  # last SIP status that mattered
    reason: str = ""  # why it ended, or the last progress, in plain words
    digits_sent: str = ""
    digits_received: str = ""
    recording: str | None = None  # the file that is being written, or was until the call was over
    media: MediaView | None = None  # None until an answer fixed it; kept when the call has ended
    findings: tuple[Finding, ...] = ()  # what holds now, the worst first
    findings_over: tuple[Finding, ...] = ()  # what held before, oldest first
    contact: str = ""  # the name that the user has given to this address


@dataclass(frozen=True, slots=True)
class CaptureView:
    """What the card's microphone has given since it was opened, before anything was done to it."""

    seconds: float = 0.0
    clipped: int = 0  # samples at full scale
    still_s: float = 0.0  # so long now it has given one value alone
    still_at: int = 0  # which


@dataclass(frozen=True, slots=True)
class DevicesView:
    """The card's devices: by their names all there are, what was chosen, and what is taken where nothing was."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    chosen: tuple[str | None, str | None] = (None, None)  # input, output
    usual: tuple[str | None, str | None] = (None, None)
    captures: bool = True  # a card is the microphone too


@dataclass(frozen=True, slots=True)
class SoundView:
    """What stands in for the microphone and the loudspeaker."""

    kind: str  # "device", "file", "null" or "echo"
    note: str = ""  # one line the user should see: device name, "no sound card: silence", "card lost"
    ok: bool = True
    muted: bool = False
    volume_db: float = 0.0
    underruns: int | None = None  # None: no sound card is used
    overruns: int | None = None
    capture: CaptureView | None = None  # None: no card's microphone is open
    voice: tuple[str, ...] = ()  # what is done to the card's microphone: "echo", "noise", "gain", "duck"
    devices: DevicesView | None = None  # None: no sound card is used


@dataclass(frozen=True, slots=True)
class SettingsView:
    """What can be changed while the phone runs, besides what the ``SoundView`` has."""

    codecs: tuple[str, ...] = ()  # offered, in this order
    other_codecs: tuple[str, ...] = ()  # could be offered too
    buffer_ms: tuple[float, float] = (0.0, 0.0)  # the least and the most
    listening: bool = False  # the microphone is being tried
    level: LevelView = LevelView()  # of it
    sounding: bool = False  # the loudspeaker is being tried
    path: str | None = None  # where it is saved; None: nowhere
    unsaved: tuple[str, ...] = ()  # what was changed since, in the words of the file


@dataclass(frozen=True, slots=True)
class NetworkView:
    """What came in on the SIP socket and was not worth a call."""

    malformed: int = 0  # datagrams that are not SIP
    refused: int = 0  # requests answered with an error of ours
    stray: int = 0  # responses and ACKs that belong to nothing
    overload: int = 0  # requests turned away because a table was full


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log view."""

    time: float  # seconds since the epoch
    level: str  # "info", "warn" or "error"
    source: str  # "sip", "media", "sound", "call", "terminal"
    text: str


@dataclass(frozen=True, slots=True)
class SipMessage:
    """A SIP message as it was on the wire."""

    number: int  # 1, 2, 3 ... in the order they came and went
    call: int | None  # None: of no call of ours
    time: float  # seconds since the epoch
    direction: str  # "in" or "out"
    peer: tuple[str, int]
    label: str  # "INVITE" or "486 Busy Here"
    cseq: str
    has_sdp: bool
    proxied: bool  # a proxy stays on its way (Record-Route, Route)
    repeats: int | None  # the number of the message that this is once more
    text: str  # the beginning, where it is very long
    octets: int  # of the whole


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole phone at one moment."""

    time: float  # seconds since the epoch
    local_uri: str
    transport: str
    calls: tuple[CallView, ...]  # living calls, oldest first, then the last few ended ones
    sound: SoundView
    network: NetworkView
    log: tuple[LogLine, ...] = field(default=())  # newest last
    sip: tuple[SipMessage, ...] = ()  # newest last; empty where no face looks at it
    settings: SettingsView = SettingsView()
    people: PeopleView = field(default=NOBODY)


# ------------------------------------------------------------------ events


@dataclass(frozen=True, slots=True)
class Ready:
    """The SIP socket answers."""

    local_uri: str
    address: tuple[str, int]


@dataclass(frozen=True, slots=True)
class Incoming:
    """Somebody calls."""

    call: CallView
    auto_answer: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """A provisional response other than 100."""

    call: CallView
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A call was answered, by whoever was called."""

    call: CallView


@dataclass(frozen=True, slots=True)
class Held:
    """The hold state changed; the call view says who holds."""

    call: CallView


@dataclass(frozen=True, slots=True)
class Joined:
    """The call has joined or left the conference; the call view says which."""

    call: CallView


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The far end sent a digit."""

    call: CallView
    digit: str
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Stats:
    """Once a second for every call that has media."""

    call: CallView
    sound: SoundView | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A finding has begun to hold, or is over: ``finding.until_s`` tells."""

    call: CallView
    finding: Finding


@dataclass(frozen=True, slots=True)
class Message:
    """A SIP message as it was on the wire (with tracing on)."""

    call: int | None
    direction: str  # "in" or "out"
    peer: tuple[str, int]
    text: str


@dataclass(frozen=True, slots=True)
class Probed:
    """What came back from an address that was asked whether somebody is there."""

    uri: str
    status: int | None  # None: nobody answered
    reason: str  # in their words, or why nobody answered
    took_ms: float | None
    methods: tuple[str, ...]  # that they name; none: they do not say
    codecs: tuple[str, ...]  # likewise
    exit_code: int  # as documented in --help


@dataclass(frozen=True, slots=True)
class Error:
    """Something the user should read; the phone goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event of a call; the view carries its totals."""

    call: CallView
    status: int | None
    reason: str
    exit_code: int  # as documented in --help
    sound: SoundView | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """A line was written to the log."""

    line: LogLine


CallEvent = Incoming | Progress | Answered | Held | Joined | Dtmf | Stats | Diagnosis | Ended
Event = Ready | CallEvent | Probed | Message | Error | Log | Saved
