"""What the help pages explain, read from their templates, so that no second list has to be kept true."""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from app.core.findings import Found, spoken
from app.core.pages import TEMPLATES

PAGES = ("help.html", "glossary.html")
_SECTION = re.compile(r'id="([\w-]+)">([^<]+)</h2>')
_PAIR = re.compile(r'\("([^"]{2,60})", "([^"]{10,})"|<dt>([^<]{2,60})</dt><dd>(.*?)</dd>')
_MARKUP = re.compile(r"{[{%].*?[%}]}|<[^>]+>")


def find_topics(words: Sequence[str], limit: int) -> list[Found]:
    """Those whose word is meant first, then those that mention it."""
    found = [topic for topic in _topics() if spoken(words, f"{topic.title} {topic.text}")]
    return sorted(found, key=lambda topic: not spoken(words, topic.title))[:limit]


@cache
def _topics() -> tuple[Found, ...]:
    return tuple(topic for name in PAGES for topic in _of_page(name))


def _of_page(name: str) -> Iterator[Found]:
    source = (TEMPLATES / "help" / name).read_text(encoding="utf-8")
    sections = list(_SECTION.finditer(source))
    ends = [section.start() for section in sections[1:]] + [len(source)]
    for section, end in zip(sections, ends, strict=True):
        url = f"/help#{section[1]}"
        for pair in _PAIR.finditer(source, section.end(), end):
            title, text = pair[1] or pair[3], _MARKUP.sub("", pair[2] or pair[4])
            yield Found("help", f"{section[1]}/{title}", title, text, url)
