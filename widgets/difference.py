"""The difference of two texts, line by line, in one column or in two.

What both begin and end with is left aside first; of what lies between, the longest common part is found by the table
that every book has. It grows with the product of both lengths, and strangers write what is compared here: where it
would be too large, all that lies between is another text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest

MOST_COMPARED = 40_000  # pairs of lines
Cells = tuple[tuple[str, str], ...]  # a mark and a line, in one column or two


def stacked(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[Cells, ...]:
    """One column: what is not in the other, what is not in the one, and what is in both."""
    rows: list[Cells] = []
    for both, gone, come in _blocks(one, other):
        rows += [((" ", line),) for line in both]
        rows += [(("-", line),) for line in gone]
        rows += [(("+", line),) for line in come]
    return tuple(rows)


def beside(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[Cells, ...]:
    """Two columns."""
    rows: list[Cells] = []
    for both, gone, come in _blocks(one, other):
        rows += [((" ", line), (" ", line)) for line in both]
        rows += [
            (("-", left) if left is not None else (" ", ""), ("+", right) if right is not None else (" ", ""))
            for left, right in zip_longest(gone, come)
        ]
    return tuple(rows)


Block = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]  # in both; then in the one; then in the other


@lru_cache(maxsize=4)
def _blocks(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[Block, ...]:
    begin = _alike(one, other)
    end = min(_alike(one[::-1], other[::-1]), len(one) - begin, len(other) - begin)
    middle_one, middle_other = one[begin : len(one) - end], other[begin : len(other) - end]
    blocks: list[Block] = [(one[:begin], (), ())]
    if len(middle_one) * len(middle_other) > MOST_COMPARED:
        blocks.append(((), middle_one, middle_other))
    else:
        blocks += _compared(middle_one, middle_other)
    return (*blocks, (one[len(one) - end :], (), ()))


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """With how many lines both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((count for count, (a, b) in pairs if a != b), min(len(one), len(other)))


def _compared(one: Sequence[str], other: Sequence[str]) -> Iterator[Block]:
    table = _lengths(one, other)
    a = b = 0
    while a < len(one) or b < len(other):
        begin = a
        while a < len(one) and b < len(other) and one[a] == other[b]:
            a, b = a + 1, b + 1
        both, from_a, from_b = tuple(one[begin:a]), a, b
        while (a < len(one) or b < len(other)) and not (a < len(one) and b < len(other) and one[a] == other[b]):
            if b == len(other) or (a < len(one) and table[a + 1][b] >= table[a][b + 1]):
                a += 1
            else:
                b += 1
        yield both, tuple(one[from_a:a]), tuple(other[from_b:b])


def _lengths(one: Sequence[str], other: Sequence[str]) -> list[list[int]]:
    """Of the longest common part of what follows, from each line of both on."""
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for a in range(len(one) - 1, -1, -1):
        line, row, below = one[a], table[a], table[a + 1]
        for b in range(len(other) - 1, -1, -1):
            row[b] = below[b + 1] + 1 if line == other[b] else max(below[b], row[b + 1])
    return table
