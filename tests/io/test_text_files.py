"""Small text files of the user's."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from engine.io import text_files
from engine.io.text_files import TextFile, local_stamp, save_new


def test_a_file_that_is_not_there_is_empty_and_has_not_changed(tmp_path) -> None:
    file = TextFile(str(tmp_path / "new" / "contacts"))
    assert not file.changed() and file.read() == ("", True) and not file.changed()


def test_what_others_write_is_a_change_and_what_we_write_is_none(tmp_path) -> None:
    path = tmp_path / "contacts"
    file = TextFile(str(path))
    path.write_text("a\n")
    assert file.changed() and file.read() == ("a\n", True) and not file.changed()
    file.append("b")
    file.replace("c\n")
    assert not file.changed() and path.read_text() == "c\n"
    path.unlink()
    assert file.changed()


def test_the_beginning_is_replaced_and_what_was_added_meanwhile_stays(tmp_path) -> None:
    path = tmp_path / "calls"
    path.write_bytes(b"\xef\xbb\xbfone\ntwo \xff\nthree\n")
    file = TextFile(str(path))
    assert file.length() == 19
    old = file.beginning(14)
    assert old.encode("utf-8", "surrogateescape") == b"\xef\xbb\xbfone\ntwo \xff\n" and file.beginning(3) == ""
    TextFile(str(path)).append("four")
    assert file.replace_beginning(old, "zwei\n") and path.read_bytes() == b"zwei\nthree\nfour\n"
    assert not file.replace_beginning(old, "") and path.read_bytes() == b"zwei\nthree\nfour\n"


@pytest.mark.skipif(text_files.fcntl is None, reason="no such locks on Windows")
def test_who_changes_a_file_does_so_alone(tmp_path, monkeypatch) -> None:
    one, other = TextFile(str(tmp_path / "contacts")), TextFile(str(tmp_path / "contacts"))
    waits = []
    monkeypatch.setattr(text_files.time, "sleep", waits.append)
    with one.held(), pytest.raises(OSError, match="Another ringtop is changing it"):
        other.append("b")
    assert waits == [text_files.HOLD_PAUSE_S] * text_files.HOLD_TRIES
    other.append("b")
    assert one.read() == ("b\n", True)


def test_a_folder_that_is_not_there_is_nobodys(tmp_path) -> None:
    with TextFile(str(tmp_path / "new" / "contacts")).held():
        pass


def test_lines_are_added_and_the_folder_and_the_heading_made(tmp_path) -> None:
    path = tmp_path / "ringtop" / "calls"
    file = TextFile(str(path))
    file.append("one", heading="# calls")
    file.append("two", heading="# calls")
    assert path.read_text() == "# calls\none\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700


def test_a_line_that_a_kill_has_cut_off_does_not_spoil_the_next(tmp_path) -> None:
    path = tmp_path / "calls"
    path.write_text("one\ntw")
    TextFile(str(path)).append("three")
    assert path.read_text() == "one\ntw\nthree\n"


def test_of_a_huge_file_only_the_end_or_the_beginning_is_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(text_files, "MOST_BYTES", 25)
    path = tmp_path / "calls"
    path.write_text("".join(f"line {number}\n" for number in range(1000)))
    assert TextFile(str(path), tail=True).read() == ("line 998\nline 999\n", False)
    assert TextFile(str(path)).read() == ("line 0\nline 1\nline 2\nline", False)


def test_bytes_that_are_no_text_stay_as_they_are(tmp_path) -> None:
    path = tmp_path / "contacts"
    path.write_bytes(b"\xef\xbb\xbfM\xfcller\n")
    file = TextFile(str(path))
    text, _ = file.read()
    file.replace(text + "x\n")
    assert path.read_bytes() == b"M\xfcller\nx\n"


def test_a_link_and_the_rights_of_a_file_stay(tmp_path) -> None:
    path, link = tmp_path / "dotfiles", tmp_path / "contacts"
    path.write_text("a\n")
    path.chmod(0o640)
    link.symlink_to(path)
    TextFile(str(link)).replace("b\n")
    assert link.is_symlink() and path.read_text() == "b\n" and path.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["contacts", "dotfiles"]


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused_and_nobody_waits(tmp_path, kind) -> None:
    path = tmp_path / "contacts"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    for act in (TextFile(str(path)).read, lambda: TextFile(str(path)).append("x")):
        with pytest.raises(OSError):
            act()


def test_a_full_disk_is_told_and_the_file_stays_as_it_was() -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    with pytest.raises(OSError):
        TextFile("/dev/full").append("x")


def test_a_file_of_its_own_is_never_written_over_another(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = (save_new("ringtop-call-1", text, 1_772_638_927.0) for text in ("one", "two"))
    assert [Path(path).read_text() for path in (first, second)] == ["one", "two"]
    assert re.fullmatch(r"ringtop-call-1-20260304-\d{6}\.txt", os.path.basename(first))
    assert os.path.basename(second) == os.path.basename(first).replace(".txt", "-2.txt")


def test_a_time_has_its_distance_to_utc() -> None:
    assert re.fullmatch(r"2026-03-0\dT\d\d:\d\d:07[+-]\d\d:\d\d", local_stamp(1_772_638_927.0))
