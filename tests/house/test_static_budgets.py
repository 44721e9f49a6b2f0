"""What every page brings along stays small: 12 kB of CSS, 25 kB of JavaScript, gzipped. It needs no clock."""

import gzip
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "static"
TEMPLATES = ROOT / "templates"
KB = 1000
SCRIPT = re.compile(r"<script[^>]*static\('([^']+)'\)")


def _gzipped(*files: Path) -> int:
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


def test_the_styles_of_all_pages_together() -> None:
    assert _gzipped(*STATIC.glob("**/*.css")) <= 12 * KB


def test_the_scripts_of_every_page() -> None:
    """A page brings what base.html names and what its own template adds."""
    shared = set(SCRIPT.findall((TEMPLATES / "base.html").read_text()))
    assert shared
    for template in TEMPLATES.glob("**/*.html"):
        named = shared | set(SCRIPT.findall(template.read_text()))
        assert _gzipped(*(STATIC / name for name in named)) <= 25 * KB, template


def test_no_script_is_there_that_no_page_brings() -> None:
    named = {
        name for template in TEMPLATES.glob("**/*.html") for name in SCRIPT.findall(template.read_text())
    }
    assert {str(file.relative_to(STATIC)) for file in STATIC.glob("**/*.js")} == named


def test_the_icons_that_templates_name_are_drawn_once() -> None:
    drawn = re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text())
    assert len(drawn) == len(set(drawn))
    for template in TEMPLATES.glob("**/*.html"):
        named = set(re.findall(r'icon\("([\w-]+)"', template.read_text()))
        assert named <= set(drawn), template


def test_nothing_in_a_template_needs_what_the_policy_forbids() -> None:
    """The content security policy refuses inline styles and scripts, and what htmx would evaluate."""
    for template in TEMPLATES.glob("**/*.html"):
        text = re.sub(r"\{#.*?#\}", "", template.read_text(), flags=re.DOTALL)
        for forbidden in (
            r'\sstyle="',
            r"<style",
            r"<script(?![^>]*\ssrc=)",
            r"\shx-on",
            r'"js:',
            r'\son\w+="',
        ):
            assert not re.search(forbidden, text), (template, forbidden)
