"""A browser in a few words, from what it says of itself. Nothing is decided by it."""

_BROWSERS = (  # the order matters: most say that they are Chrome and Safari too
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("curl/", "curl"),
    ("python-httpx/", "Python"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device(agent: str) -> str:
    """``Firefox 131 on Windows``; the text itself where nothing of it is known."""
    mark, name = next(((mark, name) for mark, name in _BROWSERS if mark in agent), ("", ""))
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if not name:
        return f"A browser on {system}" if system else agent[:60] or "unknown"
    version = agent.partition(mark)[2].split(".")[0].split(" ")[0]
    shown = f"{name} {version}" if version.isdigit() else name
    return f"{shown} on {system}" if system else shown
