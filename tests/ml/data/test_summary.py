"""What is counted of a version's rows while they are read."""

from collections.abc import Sequence
from pathlib import Path

from ml.data.canonical import Row
from ml.data.summary import MAX_CATEGORIES, Summary
from tests.ml.data.reading import import_bytes

LABELS = ("-1", "0", "1")


def row(
    number: int, words: int = 10, label: str = "1", category: str | None = "Dresses", title: str | None = None
) -> Row:
    return Row(f"row-{number}", " ".join(["word"] * words), title, 5, label, category, None, number)


def two_a_word(rows: Sequence[Row]) -> list[int]:
    return [2 * len(each.text.split()) for each in rows]


def test_the_counts_are_those_of_the_file(tmp_path: Path) -> None:
    content = b"text,rating,title,category\n" + b"".join(
        b"a review of %d words,%d,%s,%s\n"
        % (n, n % 5 + 1, b"title" if n % 2 else b"", b"Tops" if n % 4 else b"")
        for n in range(40)
    )
    summary = import_bytes(tmp_path, content).version["summary"]
    assert summary["ratings"] == {"1": 8, "2": 8, "3": 8, "4": 8, "5": 8}
    assert summary["without"] == {"title": 20, "category": 10}
    assert summary["categories"]["rows"] == [{"name": "Tops", "counts": [12, 6, 12]}]
    lengths = summary["lengths"]
    assert (lengths["reviews"], lengths["of"], lengths["longest"]) == (40, 40, 6)
    assert sum(lengths["counts"]) == 40
    assert lengths["cuts"] == []  # nobody counted tokens


def test_a_cut_names_its_reviews_and_where_the_limit_lies() -> None:
    summary = Summary(two_a_word)
    for number in range(100):
        summary.add(row(number, words=number + 1))
    lengths = summary.facts(LABELS)["lengths"]
    assert isinstance(lengths, dict)
    by_limit = {cut["limit"]: cut for cut in lengths["cuts"]}
    assert by_limit[128]["reviews"] == 36  # those of 65 words and more
    assert by_limit[128]["words"] == 64
    assert sum(by_limit[128]["counts"]) == 36
    assert by_limit[256]["reviews"] == 0


def test_of_very_many_reviews_an_even_sample_is_measured() -> None:
    summary = Summary(two_a_word, sample=1000)
    for number in range(20_000):
        summary.add(row(number, words=number // 200 + 1))
    lengths = summary.facts(LABELS)["lengths"]
    assert isinstance(lengths, dict)
    assert lengths["of"] == 20_000
    assert 1000 <= lengths["reviews"] < 2300
    assert 49 <= lengths["median"] <= 52
    assert lengths["longest"] == 100


def test_a_column_of_ids_taken_for_categories_stays_bounded() -> None:
    summary = Summary()
    for number in range(MAX_CATEGORIES + 50):
        summary.add(row(number, category=f"id-{number}"))
    found = summary.facts(LABELS)["categories"]
    assert isinstance(found, dict)
    assert (found["known"], found["more"], len(found["rows"])) == (MAX_CATEGORIES, True, 40)
    assert found["others"] + 40 == MAX_CATEGORIES + 50


def test_a_single_long_review_does_not_flatten_the_others() -> None:
    summary = Summary()
    for number in range(2000):
        summary.add(row(number, words=5_000 if number == 7 else 20 + number % 40))
    lengths = summary.facts(LABELS)["lengths"]
    assert isinstance(lengths, dict)
    assert lengths["edges"][-1] < 100
    assert lengths["counts"][-1] == 1
    assert lengths["longest"] == 5_000
