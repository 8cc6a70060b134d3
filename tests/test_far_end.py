"""Where the sound goes: the addresses of an SDP, its host names looked up without anybody waiting."""

import pytest

from engine.far_end import MOST_LOOKUPS, FarEnd


class World:
    """A far end with names that are answered by hand, and what the log says."""

    def __init__(self, here="192.0.2.1"):
        self.asked, self.log = [], []
        self.far = FarEnd(self, here, lambda *line: self.log.append(line))

    def find(self, host, found):
        self.asked.append((host, found))

    def answer(self, host, address, why=""):
        """The oldest question about this host."""
        question = next(question for question in self.asked if question[0] == host)
        self.asked.remove(question)
        question[1](address, why)

    @property
    def goes_to(self):
        return self.far.rtp, self.far.rtcp


@pytest.fixture
def world():
    return World()


def test_addresses_are_written_as_they_come_and_nobody_is_asked():
    world = World("2001:db8::1")
    world.far.agree(("2001:0DB8::0:2", 4000), ("2001:db8::2", 4001))
    assert world.goes_to == (("2001:db8::2", 4000), ("2001:db8::2", 4001)) and not world.asked and not world.log
    world.far.agree(None, None)
    assert world.goes_to == (None, None)


def test_where_an_sdp_names_no_address_what_comes_from_the_one_before_is_theirs(world):
    """RFC 3264 section 8.4: c=0.0.0.0 says where nothing is to be sent, not that nothing comes."""
    first, other = (("192.0.2.9", 4000), ("192.0.2.9", 4001)), (("192.0.2.8", 5000), ("192.0.2.9", 5009))
    for agreed, theirs in ((first, first), ((None, None), first), ((None, None), first), (other, other)):
        world.far.agree(*agreed)
        assert world.goes_to == agreed and (world.far.rtp_from, world.far.rtcp_from) == theirs


def test_what_comes_from_where_it_came_is_theirs_until_their_new_name_is_known(world):
    world.far.agree(("192.0.2.9", 4000), None)
    world.far.agree(("far.test", 5000), None)
    assert world.far.rtp is None and world.far.rtp_from == ("192.0.2.9", 4000)
    world.answer("far.test", "192.0.2.8")
    assert world.far.rtp == world.far.rtp_from == ("192.0.2.8", 5000)


def test_a_name_goes_nowhere_until_it_is_known(world):
    world.far.agree(("far.test", 4000), ("far.test", 4001))
    assert world.goes_to == (None, None) and len(world.asked) == 1
    world.answer("far.test", "192.0.2.9")
    assert world.goes_to == (("192.0.2.9", 4000), ("192.0.2.9", 4001))
    assert world.log == [("info", "the far end's media address: far.test is 192.0.2.9")]


def test_reports_may_go_to_another_host(world):
    world.far.agree(("192.0.2.9", 4000), ("reports.test", 4001))
    assert world.goes_to == (("192.0.2.9", 4000), None)
    world.answer("reports.test", "192.0.2.10")
    assert world.goes_to == (("192.0.2.9", 4000), ("192.0.2.10", 4001))


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.5", "255.255.255.255", "2001:db8::9"])
def test_a_name_leads_no_further_than_an_address_in_its_place(world, address):
    world.far.agree(("far.test", 4000), None)
    world.answer("far.test", address)
    assert world.goes_to == (None, None)
    assert world.far.unknown == f"the name far.test leads to {address}, where nothing can be sent"


def test_a_name_that_nobody_knows_is_an_error_until_another_sdp_comes(world):
    world.far.agree(("far.test", 4000), ("far.test", 4001))
    world.answer("far.test", None, "no such name")
    assert world.goes_to == (None, None) and world.far.unknown == "no such name"
    assert world.log == [("error", "the far end's media address: no such name")]
    world.far.agree(("192.0.2.9", 4000), None)
    assert world.far.unknown == "" and world.far.rtp == ("192.0.2.9", 4000)


def test_a_name_that_stays_is_looked_up_anew_and_keeps_its_address_meanwhile(world):
    world.far.agree(("far.test", 4000), None)
    world.answer("far.test", "192.0.2.9")
    world.far.agree(("far.test", 5000), None)
    assert world.far.rtp == ("192.0.2.9", 5000)
    world.answer("far.test", "192.0.2.10")
    assert world.far.rtp == ("192.0.2.10", 5000)
    world.far.agree(("far.test", 5000), None)
    world.answer("far.test", None, "no answer")
    assert world.far.rtp == ("192.0.2.10", 5000)


def test_an_answer_that_comes_too_late_changes_nothing(world):
    world.far.agree(("far.test", 4000), None)
    world.far.agree(("192.0.2.7", 4000), None)
    world.answer("far.test", "192.0.2.9")
    assert world.far.rtp == ("192.0.2.7", 4000) and not world.log


def test_a_far_end_that_always_names_another_host_has_few_looked_up_at_once(world):
    for number in range(100):
        world.far.agree((f"host{number}.test", 4000), (f"other{number}.test", 4001))
    assert len(world.asked) == MOST_LOOKUPS
    for _ in range(MOST_LOOKUPS):
        world.answer(world.asked[0][0], "192.0.2.8")
    assert {host for host, _ in world.asked} == {"host99.test", "other99.test"}
    world.answer("host99.test", "192.0.2.9")
    assert world.far.rtp == ("192.0.2.9", 4000)
