"""How many steps a worker takes at a time: few heavy ones (cpu), more light ones (io), one for each card.

One training uses every core, so a second one beside it would only slow both; an upload must not wait for
either. A message that finds no slot is dropped: the database knows the step, the dispatcher comes back.
"""

import threading
from collections.abc import Mapping, Sequence

HEAVY = "heavy"
LIGHT = "light"
CARD = "card"
LIGHT_BESIDE_HEAVY = 2
GROUP_OF_QUEUE: Mapping[str, str] = {"cpu": HEAVY, "gpu": CARD, "io": LIGHT}


class Slots:
    """``queues`` are those this worker serves, ``sizes`` the number of slots by group."""

    def __init__(self, queues: Sequence[str], sizes: Mapping[str, int]) -> None:
        self.queues = tuple(queue for queue in queues if sizes.get(GROUP_OF_QUEUE[queue], 0) > 0)
        self.sizes = {group: sizes[group] for group in {GROUP_OF_QUEUE[queue] for queue in self.queues}}
        self._free = dict(self.sizes)
        self._lock = threading.Lock()
        self._turned_away = False

    def take(self, queue: str) -> bool:
        group = GROUP_OF_QUEUE[queue]
        with self._lock:
            if self._free.get(group, 0) > 0:
                self._free[group] -= 1
                return True
            self._turned_away = True
            return False

    def give_back(self, queue: str) -> bool:
        """True if a step was turned away meanwhile, so that somebody should look for it now."""
        with self._lock:
            self._free[GROUP_OF_QUEUE[queue]] += 1
            turned_away, self._turned_away = self._turned_away, False
            return turned_away

    def free(self) -> list[tuple[list[str], int]]:
        """The queues of each group with free slots, and how many."""
        with self._lock:
            free = dict(self._free)
        by_group = {group: [q for q in self.queues if GROUP_OF_QUEUE[q] == group] for group in free}
        return [(by_group[group], count) for group, count in free.items() if count]

    @property
    def total(self) -> int:
        return sum(self.sizes.values())

    @property
    def busy(self) -> int:
        with self._lock:
            return self.total - sum(self._free.values())


def sizes_for(queues: Sequence[str], concurrency: int, cards: int = 0) -> dict[str, int]:
    """How ``concurrency`` slots are divided: all to the one group that is served, else two light ones.

    Cards come on top, a slot for each. Without one the queue gpu is not served.
    """
    groups = {GROUP_OF_QUEUE[queue] for queue in queues}
    sizes = {CARD: cards} if CARD in groups and cards else {}
    rest = groups - {CARD}
    if len(rest) < 2:
        return sizes | dict.fromkeys(rest, max(1, concurrency))
    heavy = max(1, concurrency - LIGHT_BESIDE_HEAVY)
    return sizes | {HEAVY: heavy, LIGHT: max(1, concurrency - heavy)}
