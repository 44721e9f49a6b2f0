from pathlib import Path

import pytest

from workers.tailing import LINE_LIMIT, Tail, in_chunks


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.touch()
    return path


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def test_only_whole_lines_are_read_and_none_twice(log: Path) -> None:
    tail = Tail(log)
    append(log, b"one\ntw")
    assert tail.read() == ["one"]
    assert tail.read() == []
    append(log, b"o\nthree")
    assert tail.read() == ["two"]
    assert tail.drain() == ["three"]
    assert tail.drain() == []


def test_a_character_cut_in_the_middle_comes_out_whole(log: Path) -> None:
    tail = Tail(log)
    text = "größer 👗\n".encode()
    for position in range(len(text)):
        append(log, text[position : position + 1])
        lines = tail.read()
    assert lines == ["größer 👗"]


def test_a_redrawn_line_keeps_its_last_state_and_nothing_breaks_the_database(log: Path) -> None:
    append(log, b" 10%\r 50%\r100%\r\nnul \x00 byte\nbad \xff byte\n")
    assert Tail(log).read() == ["100%", "nul � byte", "bad � byte"]


def test_an_endless_line_is_cut(log: Path) -> None:
    append(log, b"x" * (5 * LINE_LIMIT))
    (line,) = Tail(log).read()
    assert line.endswith("[cut]")
    assert len(line) < LINE_LIMIT + 20


def test_empty_lines_keep_their_place(log: Path) -> None:
    append(log, b"\n\na\n\n")
    assert Tail(log).drain() == ["", "", "a", ""]


def test_chunks_hold_all_lines_in_order() -> None:
    lines = [str(number) for number in range(2500)]
    chunks = in_chunks(lines)
    assert [len(chunk) for chunk in chunks] == [1000, 1000, 500]
    assert [line for chunk in chunks for line in chunk] == lines
