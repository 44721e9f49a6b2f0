"""A figure as its tests read it: parsed as XML, after the checks that every one of them must pass."""

import xml.etree.ElementTree as ET

from markupsafe import Markup

from app.charts.figure import Words

WORDS = Words("The finding", "how it was measured, n = 3", "A title", "What is drawn")


def parsed(figure: Markup) -> ET.Element:
    root = ET.fromstring(figure)
    assert root.tag == "figure"
    assert root.findtext("figcaption/strong") == WORDS.finding
    assert not [element for element in root.iter() if "style" in element.attrib]
    assert not [element for element in root.iter() if element.tag == "script"]
    return root


def drawing(figure: Markup) -> ET.Element:
    found = parsed(figure).find("svg")
    assert found is not None
    assert found.attrib["role"] == "img"
    names = [found.findtext("title"), found.findtext("desc")]
    assert names == [WORDS.title, WORDS.description]
    ids = found.attrib["aria-labelledby"].split()
    assert ids == [found.find("title").attrib["id"], found.find("desc").attrib["id"]]  # type: ignore[union-attr]
    return found


def rows(figure: Markup) -> list[list[str]]:
    body = parsed(figure).findall(".//tbody/tr")
    return [["".join(cell.itertext()) for cell in row] for row in body]


def of_class(root: ET.Element, tag: str, class_: str) -> list[ET.Element]:
    return [one for one in root.iter(tag) if class_ in one.get("class", "").split()]


def texts(root: ET.Element) -> list[str | None]:
    return [one.text for one in root.iter("text")]
