"""A dialog (RFC 3261 section 12): who talks to whom, by which way, and how far both sides have counted."""

from __future__ import annotations

from engine.sip.message import Headers, NameAddr, Request, Response, Uri

MAX_HOSTS = 64


class Dialog:
    """Call-ID, both tags, both sequence numbers, the remote target and the route set."""

    def __init__(
        self, call_id: str, local: NameAddr, remote: NameAddr, target: Uri, routes: list[NameAddr], local_sequence: int
    ) -> None:
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.target = target
        self.routes = routes
        self.local_sequence = local_sequence
        self.remote_sequence: int | None = None
        self.hosts = {target.host.lower(), *(route.uri.host.lower() for route in self.routes)}

    @classmethod
    def as_caller(cls, invite: Request, response: Response) -> Dialog:
        """Section 12.1.2; raises SipError when the response cannot make a dialog."""
        contacts = response.contacts
        target = contacts[0].uri if contacts and contacts[0].uri.host else invite.target
        routes = list(reversed(response.record_routes))
        return cls(invite.call_id, invite.from_, response.to, target, routes, invite.cseq.number)

    @classmethod
    def as_callee(cls, invite: Request, local_tag: str, first_sequence: int) -> Dialog:
        """Section 12.1.1."""
        contacts = invite.contacts or [invite.from_]
        local = invite.to.with_tag(local_tag)
        made = cls(invite.call_id, local, invite.from_, contacts[0].uri, invite.record_routes, first_sequence)
        made.remote_sequence = invite.cseq.number
        return made

    @property
    def remote_tag(self) -> str | None:
        return self.remote.tag

    def request(self, method: str, via: str, sequence: int | None = None) -> Request:
        """The next request in this dialog (section 12.2.1.1); ACK repeats the INVITE's sequence number."""
        if sequence is None:
            self.local_sequence += 1
            sequence = self.local_sequence
        headers = Headers()
        headers.add("Via", via)
        headers.add("Max-Forwards", "70")
        uri, routes = self._way()
        for route in routes:
            headers.add("Route", route)
        headers.add("From", self.local)
        headers.add("To", self.remote)
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{sequence} {method}")
        return Request(method, uri, headers)

    def _way(self) -> tuple[str, list[str]]:
        """(Request-URI, Route values): loose routing, or strict where the first proxy knows no better."""
        if not self.routes:
            return str(self.target.without_headers()), []
        first = self.routes[0].uri
        if "lr" in first.params:
            return str(self.target.without_headers()), [str(route) for route in self.routes]
        rest = [str(route) for route in self.routes[1:]]
        return str(first.without_headers()), [*rest, f"<{self.target}>"]

    def next_hop(self) -> tuple[str, int]:
        """Where the next request goes."""
        return (self.routes[0].uri if self.routes else self.target).address()

    def accepts(self, sequence: int) -> bool:
        """Does this number rise (section 12.2.2)? Remembers it when it does."""
        if self.remote_sequence is not None and sequence <= self.remote_sequence:
            return False
        self.remote_sequence = sequence
        return True

    def refresh(self, contacts: list[NameAddr]) -> None:
        """A target refresh: the far end's new Contact."""
        if contacts and contacts[0].uri.host:
            self.target = contacts[0].uri
            self.note_host(self.target.host)

    def note_host(self, host: str) -> None:
        """This dialog uses that host."""
        if len(self.hosts) < MAX_HOSTS:
            self.hosts.add(host.lower())
