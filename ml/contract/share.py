"""Which share of its step's work a program does: two parameters, ``shard`` and ``shards``, counted from 1."""

from dataclasses import dataclass

SHARD, SHARDS = "shard", "shards"
CHANNEL = "shard_"  # and a number: what that shard left, given to the program that merges


@dataclass(frozen=True)
class Share:
    """``number`` of ``count``; a program that was told nothing does all of it."""

    number: int = 1
    count: int = 1

    def of(self, total: int) -> range:
        """A share of ``total`` things in a row. All shares together have each of them once; where there are
        fewer things than shares, some shares are empty."""
        return range(total * (self.number - 1) // self.count, total * self.number // self.count)
