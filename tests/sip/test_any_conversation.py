"""Both ends of a call as one state machine: anything either user does, on a wire on which anything may happen.

Two phones, every datagram in the hands of hypothesis: delivered late, twice, in any order or not at all; sent again
by a stranger, as it was or tampered with; clocks that stand still for hours while a machine sleeps. Whatever happens,
nothing raises, no table grows beyond its bound, and when it is over every call has ended once and nothing is left.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from wire import ANNA, BOB, STRANGER, agent, audio

from engine.sip import events
from engine.sip.agent import Limits
from engine.sip.message import SipError, Uri

LIMITS = Limits(sessions=5, half_open=3, half_open_per_host=2, server_transactions=12, client_transactions=12)
ENDS = (ANNA, BOB)
WHO = st.sampled_from(ENDS)
PICK = st.integers(0, 60)
TAMPERED = [
    (b"INVITE", b"BYE"), (b"BYE", b"INVITE"), (b"ACK", b"CANCEL"), (b"OPTIONS", b"INVITE"), (b";tag=", b";tag=x"),
    (b"SIP/2.0 200", b"SIP/2.0 487"), (b"SIP/2.0 180", b"SIP/2.0 200"), (b"SIP/2.0 4", b"SIP/2.0 2"),
    (b"SIP/2.0 200", b"SIP/2.0 491"), (b"SIP/2.0 100", b"SIP/2.0 183"), (b"SIP/2.0 200", b"SIP/2.0 302"),
    (b"CSeq: ", b"CSeq: 1"), (b"Call-ID: ", b"Call-ID: x"), (b"z9hG4bK", b"z9hG4bKx"), (b";tag=", b";x="),
    (b"m=audio 1", b"m=audio 2"), (b"m=audio", b"m=video"), (b"c=IN IP4 1", b"c=IN IP4 2"), (b"From: <", b"From: "),
    (b"a=sendrecv", b"a=inactive"), (b"Content-Length: ", b"Content-Length: 9"), (b"Contact: <", b"Contact: <<"),
    (b"Via: ", b"Via: SIP/2.0/UDP 198.51.100.1, "), (b"\r\n\r\n", b""),
]  # fmt: skip


class Conversation(RuleBasedStateMachine):
    """The rules are what may happen; the invariants what may not."""

    @initialize(talking=st.booleans(), late=st.booleans())
    def begin(self, talking: bool, late: bool) -> None:
        self.now = 1000.0
        self.phones = {end: agent(end, seed, LIMITS) for seed, end in enumerate(ENDS)}
        self.flying: list[tuple[bytes, tuple[str, int], tuple[str, int]]] = []  # data, source, destination
        self.seen: list[bytes] = []
        self.told: dict[tuple[str, int], list[events.SipEvent]] = {end: [] for end in ENDS}
        self.dialled = dict.fromkeys(ENDS, 0)
        if talking:
            self.call_and_be_answered(ANNA, late, BOB)

    def settle(self) -> None:
        """Collect what both phones have to say."""
        for end, phone in self.phones.items():
            self.told[end] += phone.events()
            for data, destination in phone.datagrams():
                self.flying.append((data, end, destination))
                self.seen.append(data)
        del self.seen[:-80]

    def deliver(self, data: bytes, source: tuple[str, int], destination: tuple[str, int]) -> None:
        if destination in self.phones:
            self.phones[destination].receive(data, source, self.now)
        self.settle()

    # ---------------------------------------------------------------- what users do

    @rule(who=WHO, late=st.booleans(), to=WHO)
    def dial(self, who, late, to):
        try:
            self.phones[who].invite(Uri.parse(f"sip:x@{to[0]}"), audio(who[0]), self.now, late_offer=late)
        except SipError as error:
            assert error.reason == "too many calls"
        else:
            self.dialled[who] += 1
        self.settle()

    @rule(who=WHO, late=st.booleans(), to=WHO)
    def call_and_be_answered(self, who, late, to):
        """What a user does most; by single steps of chance it would come about too rarely."""
        self.dial(who, late, to)
        self.everything_arrives()
        self.answer(to, "accept", 0)
        self.everything_arrives()

    @rule(who=WHO, verb=st.sampled_from(["ring", "accept", "accept", "progress", "reject"]), pick=PICK)
    def answer(self, who, verb, pick):
        ringing = [event.call for event in self.told[who] if isinstance(event, events.IncomingCall)]
        if ringing:
            call = ringing[-1 - pick % len(ringing)]
            more = {"ring": (), "reject": (486,)}.get(verb, (audio(who[0], 12000 + 2 * call),))
            getattr(self.phones[who], verb)(call, *more, self.now)
        self.settle()

    @rule(who=WHO, call=st.integers(1, 6))
    def hang_up(self, who, call):
        self.phones[who].hang_up(call, self.now)
        self.settle()

    @rule(who=WHO, call=st.integers(1, 6), direction=st.sampled_from(["sendrecv", "sendonly", "inactive"]))
    def change(self, who, call, direction):
        self.phones[who].modify(call, audio(who[0], 13000, direction=direction), self.now)
        self.settle()

    @rule(who=WHO, to=WHO)
    def ask(self, who, to):
        self.phones[who].options(Uri.parse(f"sip:{to[0]}"), self.now)
        self.settle()

    # ---------------------------------------------------------------- what the wire does

    @precondition(lambda self: self.flying)
    @rule(pick=PICK, twice=st.booleans())
    def arrives(self, pick, twice):
        data, source, destination = self.flying.pop(pick % len(self.flying))
        for _ in range(1 + twice):
            self.deliver(data, source, destination)

    @precondition(lambda self: self.flying)
    @rule()
    def everything_arrives(self):
        for _ in range(12):
            flying, self.flying = self.flying, []
            for datagram in flying:
                self.deliver(*datagram)

    @precondition(lambda self: self.flying)
    @rule(pick=PICK)
    def is_lost(self, pick):
        del self.flying[pick % len(self.flying)]

    @rule(who=WHO, peer=WHO)
    def nobody_there(self, who, peer):
        self.phones[who].transport_error(peer, self.now)
        self.settle()

    @precondition(lambda self: self.seen)
    @rule(
        pick=PICK, to=WHO, source=st.sampled_from([ANNA, BOB, STRANGER]), change=st.none() | st.sampled_from(TAMPERED)
    )
    def comes_again(self, pick, to, source, change):
        data = self.seen[pick % len(self.seen)]
        self.deliver(data.replace(*change) if change else data, source, to)

    # ---------------------------------------------------------------- what time does

    @rule(seconds=st.sampled_from([0.1, 0.5, 2.0, 5.0, 33.0, 190.0]))
    def time_passes(self, seconds):
        until = self.now + seconds
        for _ in range(2000):
            due = min((phone.deadline() or until + 1 for phone in self.phones.values()), default=until + 1)
            if due > until:
                break
            assert due >= self.now, "no deadline lies in the past once it has been handled"
            self.now = due
            for phone in self.phones.values():
                phone.handle_timer(self.now)
            self.settle()
        else:
            raise AssertionError("timers that never come to rest")
        self.now = until

    @rule(hours=st.sampled_from([1, 9]))
    def the_machine_sleeps(self, hours):
        self.now += 3600.0 * hours
        before = len(self.flying)
        for phone in self.phones.values():
            phone.handle_timer(self.now)
            assert (phone.deadline() or self.now + 1) > self.now
        self.settle()
        kept = sum(len(phone._endpoint.clients) + len(phone._endpoint.servers) for phone in self.phones.values())
        assert len(self.flying) - before <= 2 * kept + 60, "what was missed is not made up for"

    # ---------------------------------------------------------------- what never happens

    @invariant()
    def tables_keep_their_bounds(self):
        for phone in getattr(self, "phones", {}).values():
            end = phone._endpoint
            assert len(phone._sessions) <= LIMITS.sessions and len(phone._dialogs) <= LIMITS.sessions
            assert len(end.servers) <= LIMITS.server_transactions + LIMITS.sessions
            assert len(end.clients) <= LIMITS.client_transactions
            assert len(phone._merged) <= len(end.servers) + len(phone._sessions)
            assert sum(entry[2] is not None for entry in end._heap) <= (
                len(end.servers) + len(end.clients) + len(phone._sessions)
            )

    def teardown(self) -> None:
        if not hasattr(self, "phones"):
            return
        self.everything_arrives()
        for phone in self.phones.values():
            for call in list(phone._sessions):
                phone.hang_up(call, self.now)
        self.settle()
        for _ in range(20):
            self.everything_arrives()
            self.time_passes(30)
        for end, phone in self.phones.items():
            tables = (phone._sessions, phone._dialogs, phone._merged, phone._endpoint.servers, phone._endpoint.clients)
            assert [len(table) for table in tables] == [0, 0, 0, 0, 0] and phone.deadline() is None
            assert phone._endpoint._server_bytes == 0
            self._calls_are_well_told(self.told[end], self.dialled[end])

    def _calls_are_well_told(self, told: list[events.SipEvent], dialled: int) -> None:
        incoming = {event.call for event in told if isinstance(event, events.IncomingCall)}
        ended = [event.call for event in told if isinstance(event, events.CallEnded)]
        assert len(ended) == len(set(ended)) == dialled + len(incoming), "every call ends, once"
        for call in ended:
            mine = [event for event in told if getattr(event, "call", None) == call]
            names = [type(event).__name__ for event in mine if not isinstance(event, events.MediaMoveRefused)]
            assert names[-1] == "CallEnded" and ("IncomingCall" not in names or names[0] == "IncomingCall")
            for once in ("Accepted", "Confirmed", "HangingUp"):
                assert names.count(once) <= 1
            if "Confirmed" in names:
                assert names.index("Accepted") < names.index("Confirmed")
                agreed = [event for event in mine if isinstance(event, events.MediaAgreed) and not event.early]
                assert agreed, "nobody talks without an agreement"


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
