"""The figures of a version, drawn of the facts that its import counted. Older versions have fewer of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.charts.bars import Bar, bars
from app.charts.figure import Figure, Words
from app.charts.histogram import Bin, Limit, histogram
from app.charts.shares import Divided, shares
from app.core.pages import number, percent
from app.datasets import views
from app.datasets.queries import NamedVersion
from ml.data.labels import display_name
from ml.evaluation.proportion import wilson_bounds
from ml.pipeline.review_parameters import FEATURE_PARAMETERS

FEW = 30  # rows of a category, under which its shares say little
CATEGORIES = 16
SENTIMENTS = 12  # classes beyond which a bar of shares can't be read


@dataclass(frozen=True)
class Address:
    """Of the version whose figures these are."""

    page: str

    def csv(self, name: str) -> str:
        return f"{self.page}/figures/{name}.csv"


def figures_of(named: NamedVersion, page: str) -> dict[str, Figure]:
    """By name, in the order in which the page shows them; what can't be drawn is left out."""
    address = Address(page)
    facts = named.version.facts
    summary: Mapping[str, Any] = facts.get("summary") or {}
    drawn = {
        "labels": _labels(named, address),
        "ratings": _ratings(summary, address),
        "categories": _categories(facts, summary, address),
        "lengths": _lengths(summary, address),
    }
    return {name: figure for name, figure in drawn.items() if figure}


def _labels(named: NamedVersion, address: Address) -> Figure | None:
    counts = views.balance_of(named)
    total = sum(count for _, count in counts)
    if not total:
        return None
    items = [Bar(label, count, f"{count:,} · {percent(count / total)}") for label, count in counts]
    source = named.version.facts.get("label_source")
    how = "labels from stars: 1–2, 3, 4–5" if source == "rating" else "labels as the file has them"
    said = ", ".join(f"{count:,} {label}" for label, count in counts)
    words = Words(_balance(counts), f"{how}; n = {total:,}", "Rows by label", said)
    return bars("labels", words, items, "Label", "Rows", csv_url=address.csv("labels"))


def _balance(counts: Sequence[tuple[str, int]]) -> str:
    ordered = sorted(counts, key=lambda each: each[1])
    (least, fewest), (most, many) = ordered[0], ordered[-1]
    if many == fewest:
        return f"All {len(counts)} labels have equally many rows"
    ratio = f"{many / fewest:.1f} to 1" if fewest else "without a single row of them"
    return f"“{most}” outnumbers “{least}” {ratio}"


def _ratings(summary: Mapping[str, Any], address: Address) -> Figure | None:
    counts = {stars: int(count) for stars, count in (summary.get("ratings") or {}).items()}
    total = sum(counts.values())
    if not total:
        return None
    items = [Bar(f"{stars} ★", n, f"{n:,} · {percent(n / total)}") for stars, n in counts.items()]
    mean = sum(int(stars) * count for stars, count in counts.items()) / total
    most = max(counts, key=lambda stars: counts[stars])
    finding = f"{percent(counts[most] / total, 0)} of the reviews give {most} of 5 stars"
    said = ", ".join(f"{count:,} with {stars} stars" for stars, count in counts.items())
    words = Words(finding, f"mean {mean:.2f} stars; n = {total:,}", "Rows by stars", said)
    return bars("ratings", words, items, "Stars", "Rows", csv_url=address.csv("ratings"))


def _categories(facts: Mapping[str, Any], summary: Mapping[str, Any], address: Address) -> Figure | None:
    labels = facts.get("labels") or []
    found = summary.get("categories") or {}
    rows = [Divided(each["name"], each["counts"]) for each in found.get("rows", [])]
    if len(rows) < 2 or not 2 <= len(labels) <= SENTIMENTS:
        return None
    judged = [row for row in rows if row.n >= FEW][:CATEGORIES] or rows[:CATEGORIES]
    judged.sort(key=_share)
    parts = [display_name(label, labels) for label in labels]
    how = f"share by category, {len(judged)} of {_known(found)} categories"
    few = f" with at least {FEW} rows" if judged[0].n >= FEW else ""
    name = facts.get("mapping", {}).get("category") or "Category"
    words = Words(
        _extremes(parts[-1], judged[0], judged[-1]),
        f"{how}{few}; rows at the right, share of “{parts[-1]}” in the bar",
        f"Labels by {name}",
        f"The share of {parts[-1]} runs from {_last(judged[0])} in {judged[0].label} "
        f"to {_last(judged[-1])} in {judged[-1].label}.",
    )
    return shares("categories", words, name, parts, judged, csv_url=address.csv("categories"))


def _extremes(part: str, least: Divided, most: Divided) -> str:
    """With the warning that 95 % intervals which overlap deserve."""
    if least.counts[-1] * most.n == most.counts[-1] * least.n:
        return f"“{part}” has the same share in every category"
    said = f"“{part}” has the smallest share in {least.label}, the largest in {most.label}"
    apart = wilson_bounds(_share(least), least.n)[1] < wilson_bounds(_share(most), most.n)[0]
    return said if apart else f"{said}; may be chance"


def _share(row: Divided) -> float:
    return row.counts[-1] / row.n


def _known(found: Mapping[str, Any]) -> str:
    return f"more than {found['known']:,}" if found.get("more") else f"{found['known']:,}"


def _last(row: Divided) -> str:
    return percent(_share(row), 0)


def default_limit() -> int:
    """Of ``max_seq_length``, where a recipe says nothing else."""
    default = next(each.default for each in FEATURE_PARAMETERS if each.name == "max_seq_length")
    return int(str(default))


def _lengths(summary: Mapping[str, Any], address: Address) -> Figure | None:
    lengths = summary.get("lengths") or {}
    if not lengths:
        return None
    limit = default_limit()
    cut = next((each for each in lengths["cuts"] if each["limit"] == limit), None)
    bins = _bins(lengths, cut)
    words = Words(
        _length_finding(lengths, cut),
        _length_how(lengths, cut),
        "Words per review",
        f"Half of the reviews have {lengths['median']:g} words or fewer, the longest {lengths['longest']:,}.",
    )
    return histogram(
        "lengths",
        words,
        bins,
        "words, title and text",
        marked=("read whole", "end not read") if cut and cut["reviews"] else None,
        limit=_limit(cut, bins),
        csv_url=address.csv("lengths"),
    )


def _bins(lengths: Mapping[str, Any], cut: Mapping[str, Any] | None) -> list[Bin]:
    edges, counts = lengths["edges"], lengths["counts"]
    cuts = cut["counts"] if cut else [0] * len(counts)
    ends = [*edges[1:], None]
    bins = [Bin(*each) for each in zip(edges, ends, counts, cuts, strict=True)]
    return bins if bins[-1].count else bins[:-1]


def _limit(cut: Mapping[str, Any] | None, bins: Sequence[Bin]) -> Limit | None:
    end = bins[-1].high
    if cut is None or cut["words"] is None or (end is not None and cut["words"] >= end):
        return None
    return Limit(cut["words"], f"{cut['limit']} tokens ≈ {cut['words']:.0f} words")


def _length_finding(lengths: Mapping[str, Any], cut: Mapping[str, Any] | None) -> str:
    if cut is None:
        return f"Half of the reviews have {lengths['median']:g} words or fewer"
    if not cut["reviews"]:
        return f"No review is longer than {cut['limit']} tokens"
    share = percent(cut["reviews"] / lengths["reviews"])
    return f"{share} of the reviews are cut at max_seq_length {cut['limit']}"


def _length_how(lengths: Mapping[str, Any], cut: Mapping[str, Any] | None) -> str:
    measured, rows = lengths["reviews"], lengths["of"]
    sample = f"an even sample of {measured:,} of {rows:,}" if measured < rows else f"n = {rows:,}"
    others = [each for each in lengths["cuts"] if cut and each["limit"] > cut["limit"]]
    enough = next((each for each in others if each["reviews"] < cut["reviews"] / 10), None) if cut else None
    then = ""
    if cut and cut["reviews"] and enough:
        then = f"; at {enough['limit']} tokens {number(enough['reviews'])} would be"
    how = f"{cut['reviews']:,} of {measured:,}{then}; " if cut else ""
    return f"{how}median {lengths['median']:g} words, longest {lengths['longest']:,}; {sample}"
