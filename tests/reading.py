"""A page as a test reads it: elements by the common part of CSS selectors, texts with their spaces folded."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from fastapi.testclient import TestClient

VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr"})
_PART = re.compile(r"([.#]?[\w:-]+)|\[([\w:-]+)(?:([$^*]?=)'?([^'\]]*)'?)?\]")


@dataclass
class Node:
    tag: str
    attributes: dict[str, str]
    parent: "Node | None" = None
    content: "list[Node | str]" = field(default_factory=list)

    def __getitem__(self, attribute: str) -> str:
        return self.attributes[attribute]

    @property
    def children(self) -> "list[Node]":
        return [one for one in self.content if isinstance(one, Node)]

    @property
    def text(self) -> str:
        """What is read. Elements are kept apart, so that two cells are two words."""
        parts = [one if isinstance(one, str) else f" {one.text} " for one in self.content]
        return " ".join("".join(parts).split())

    def all(self, selector: str) -> "list[Node]":
        """In the order of the page; ``a, b`` finds either."""
        wanted = [_steps(each) for each in selector.split(",")]
        return [node for node in self.inside() if any(_fits(node, steps, self) for steps in wanted)]

    def one(self, selector: str) -> "Node":
        found = self.all(selector)
        assert found, f"nothing on the page fits {selector}"
        return found[0]

    def inside(self) -> "list[Node]":
        return [node for child in self.children for node in (child, *child.inside())]


class Page(Node):
    def __init__(self, html: str) -> None:
        super().__init__("document", {})
        reader = _Reader(self)
        reader.feed(html)
        reader.close()

    def said(self, selector: str) -> str:
        return self.one(selector).text


class _Reader(HTMLParser):
    def __init__(self, root: Node) -> None:
        super().__init__()
        self._at = root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.content.append(node)
        if tag not in VOID:
            self._at = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._at.content.append(Node(tag, {name: value or "" for name, value in attrs}, self._at))

    def handle_endtag(self, tag: str) -> None:
        node: Node | None = self._at
        while node is not None and node.tag != tag:
            node = node.parent
        if node is not None and node.parent is not None:
            self._at = node.parent

    def handle_data(self, data: str) -> None:
        if self._at.tag not in ("script", "style"):
            self._at.content.append(data)


def shown(client: TestClient, address: str) -> Page:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def _steps(selector: str) -> list[tuple[str, str]]:
    """``(how it hangs on the one before, what it is)``; the last one is the element itself."""
    words = selector.replace(">", " > ").split()
    steps, how = [], " "
    for word in words:
        if word == ">":
            how = ">"
        else:
            steps.append((how, word))
            how = " "
    return steps


def _fits(node: Node, steps: list[tuple[str, str]], root: Node) -> bool:
    (how, compound), before = steps[-1], steps[:-1]
    if not _is(node, compound):
        return False
    if not before:
        return True
    above = node.parent
    while above is not None and above is not root:
        if _fits(above, before, root):
            return True
        above = None if how == ">" else above.parent
    return False


def _is(node: Node, compound: str) -> bool:
    for name, attribute, comparison, value in _PART.findall(compound):
        if name.startswith("#") and node.attributes.get("id") != name[1:]:
            return False
        if name.startswith(".") and name[1:] not in node.attributes.get("class", "").split():
            return False
        if name and name[0] not in ".#" and node.tag != name:
            return False
        if attribute and not _attribute_is(node.attributes.get(attribute), comparison, value):
            return False
    return True


def _attribute_is(found: str | None, comparison: str, value: str) -> bool:
    if found is None or not comparison:
        return found is not None
    tests = {
        "=": found == value,
        "$=": found.endswith(value),
        "^=": found.startswith(value),
        "*=": value in found,
    }
    return tests[comparison]
