"""Find the version of a text that each line comes from."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

#: A pair of indexes of equal lines.
Pair = tuple[int, int]


def blame(versions: Sequence[str | None]) -> list[tuple[str, int]]:
    """Return each line of the last version with the index of the one that added it.

    A version that is None isn't known: the lines of the one after it all come from that
    one. Returns nothing if the last one isn't known.
    """
    lines: list[str] = []
    origins: list[int] = []
    for index, text in enumerate(versions):
        new = lines_of(text or "")
        found = [index] * len(new)
        for old_line, new_line in matches(lines, new):
            found[new_line] = origins[old_line]
        lines, origins = new, found
    return list(zip(lines, origins, strict=True))


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, as editors count them: only a newline ends one."""
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def matches(old: Sequence[str], new: Sequence[str]) -> Iterator[Pair]:
    """Yield the pairs of lines that a patience diff leaves as they are.

    Between the same beginning and end, lines that are unique on both sides are anchors;
    what lies between two anchors is compared in the same way. It needs no more than
    n log n steps for each level.
    """
    waiting = [(0, len(old), 0, len(new))]
    while waiting:
        old_start, old_end, new_start, new_end = waiting.pop()
        while old_start < old_end and new_start < new_end:
            if old[old_start] != new[new_start]:
                break
            yield old_start, new_start
            old_start, new_start = old_start + 1, new_start + 1
        while old_start < old_end and new_start < new_end:
            if old[old_end - 1] != new[new_end - 1]:
                break
            old_end, new_end = old_end - 1, new_end - 1
            yield old_end, new_end
        anchors = _anchors(old, new, (old_start, old_end), (new_start, new_end))
        if not anchors:
            continue
        for old_line, new_line in [*anchors, (old_end, new_end)]:
            waiting.append((old_start, old_line, new_start, new_line))
            old_start, new_start = old_line, new_line


def _anchors(old: Sequence[str], new: Sequence[str], in_old: Pair, in_new: Pair
             ) -> list[Pair]:  # fmt: skip
    """Return the longest series of unique lines that has the same order in both."""
    of_old, of_new = _unique(old, *in_old), _unique(new, *in_new)
    pairs = [(of_old[line], at) for line, at in of_new.items() if line in of_old]
    pairs.sort()
    # Patience sorting: piles of ends, each pair with the one before it.
    ends: list[int] = []
    tops: list[int] = []
    before: list[int | None] = []
    for index, (_, at) in enumerate(pairs):
        pile = bisect_left(ends, at)
        before.append(tops[pile - 1] if pile else None)
        ends[pile : pile + 1] = [at]
        tops[pile : pile + 1] = [index]
    found: list[Pair] = []
    last = tops[-1] if tops else None
    while last is not None:
        found.append(pairs[last])
        last = before[last]
    return found[::-1]


def _unique(lines: Sequence[str], start: int, end: int) -> dict[str, int]:
    counts = Counter(lines[start:end])
    return {lines[at]: at for at in range(start, end) if counts[lines[at]] == 1}
