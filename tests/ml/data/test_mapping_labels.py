"""The guess at a mapping, the rule from ratings to labels, and label columns with any classes."""

from pathlib import Path

import pytest

from ml.contract.outcome import StepRefused
from ml.data.labels import display_name, label_of_rating, order_labels, parse_rating
from ml.data.mapping import complete, parse
from tests.ml.data.reading import import_bytes


def test_the_rule_on_ratings() -> None:
    assert [label_of_rating(n) for n in range(1, 6)] == ["-1", "-1", "0", "1", "1"]
    assert [parse_rating(text) for text in ("4", " 5 ", "4.0", "1.")] == [4, 5, 4, 1]
    for text in ("", "0", "6", "3.5", "4,5", "5 stars", "Like", "N/A", "inf", "NaN", "-1", "٤", "4e0"):
        assert parse_rating(text) is None


def test_names_of_the_known_data_sets_are_guessed() -> None:
    rows = [["0", "1077", "33", "Nice", "I like this dress a lot", "4", "1", "0", "Dresses"]] * 2
    columns = ["column_1", "Clothing ID", "Age", "Title", "Review Text", "Rating", "Recommended IND",
               "Positive Feedback Count", "Class Name"]  # fmt: skip
    found = complete({}, columns, rows[:1])
    assert found == {"text": "Review Text", "title": "Title", "rating": "Rating", "label": None,
                     "category": "Class Name", "id": "column_1", "date": None}  # fmt: skip
    labs = ["review_id", "star_rating", "review_headline", "review_body", "product_category", "review_date"]
    row = ["R1", "5", "Great", "Great shoes for the money", "Shoes", "2015-08-31"]
    found = complete({}, labs, [row])
    assert list(found.values()) == ["review_body", "review_headline", "star_rating", None,
                                    "product_category", "review_id", "review_date"]  # fmt: skip
    assert complete({}, ["label_id", "review_body"], [["1", "ok"]])["label"] == "label_id"


def test_text_is_found_by_its_values() -> None:
    rows = [["short", "This is a sentence about a dress that fits.", "5"]] * 3
    assert complete({}, ["a", "b", "my rating"], rows)["text"] == "b"
    assert complete({}, ["a", "b", "my rating"], rows)["rating"] == "my rating"


def test_what_is_given_wins_over_the_guess() -> None:
    columns = ["text", "other", "rating", "sentiment"]
    rows = [["a b", "c d", "5", "1"], ["a b", "c d", "1", "-1"]]
    assert complete({}, columns, rows)["label"] == "sentiment"
    assert complete({"rating": "rating"}, columns, rows)["label"] is None
    assert complete({"text": "OTHER"}, columns, rows)["text"] == "other"
    assert complete({"rating": None, "label": None}, columns, rows)["rating"] is None
    with pytest.raises(StepRefused, match="no such column") as refused:
        complete({"text": "Body"}, columns, rows)
    assert "other" in refused.value.advice
    with pytest.raises(StepRefused, match="no part named"):
        complete({"body": "text"}, columns, rows)
    for text in ("[]", "{", "1"):
        with pytest.raises(StepRefused, match="not a JSON object"):
            parse(text)


def test_without_text_or_target_the_columns_are_listed(tmp_path: Path) -> None:
    with pytest.raises(StepRefused, match=r"No column holds the text.*number, other"):
        import_bytes(tmp_path, b"number,other\n1,2\n2,3\n")
    (tmp_path / "b").mkdir()
    with pytest.raises(StepRefused, match="No column holds a rating or a label"):
        import_bytes(tmp_path / "b", b"text,other\nso nice,2\nso bad,3\n")


def test_a_label_column_with_any_classes(tmp_path: Path) -> None:
    content = b"text,sentiment,rating\na,pos ,5\nb,neg,x\nc,meh,\nd,,3\n"
    imported = import_bytes(tmp_path, content)
    assert imported.version["labels"] == ["meh", "neg", "pos"]
    assert imported.version["label_source"] == "label"
    assert [row["rating"] for row in imported.rows] == [5, None, None]
    assert imported.version["reject_reasons"] == {"no label": 1}


def test_numbers_are_ordered_as_numbers_and_shown_as_they_are() -> None:
    assert order_labels({"10", "9", "-1"}) == ("-1", "9", "10")
    assert order_labels({"10", "9", "b"}) == ("10", "9", "b")
    assert display_name("-1", ("-1", "0", "1")) == "negative"
    assert display_name("1", ("0", "1")) == "1"
    assert display_name("1", ("-1", "1")) == "positive"


def test_one_class_only_and_too_many_are_refused(tmp_path: Path) -> None:
    for name, content, message in (
        ("one", b"text,rating\na,5\nb,4\n", "one and the same label: 1"),
        ("none", b"text,rating\na,9\nb,8\n", "No row can be used"),
        ("many", b"text,label\n" + b"".join(b"t,%d\n" % n for n in range(101)), "more than 100"),
    ):
        (tmp_path / name).mkdir()
        with pytest.raises(StepRefused, match=message) as refused:
            import_bytes(tmp_path / name, content, mapping={"label": "label"} if name == "many" else None)
        assert refused.value.advice


def test_ratings_outside_the_rule_are_rejected_with_their_reason(tmp_path: Path) -> None:
    content = b"text,rating\na,5\nb,1\nc,3.5\nd,\ne,5 stars\n ,5\n"
    imported = import_bytes(tmp_path, content)
    assert [(r["row"], r["reason"]) for r in imported.rejects] == [
        (3, "the rating is not a whole number from 1 to 5"),
        (4, "no rating"),
        (5, "the rating is not a whole number from 1 to 5"),
        (6, "no text"),
    ]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2021-03-04", "2021-03-04"),
        ("2021-03-04T05:06:07Z", "2021-03-04T05:06:07+00:00"),
        ("1440979200", "2015-08-31T00:00:00+00:00"),
        ("August 31, 2015", "2015-08-31"),
        ("03/04/2021", None),
        ("2021", None),
        ("99999999999999999999", None),
    ],
)
def test_dates_are_iso_or_left_empty(tmp_path: Path, written: str, kept: str | None) -> None:
    imported = import_bytes(tmp_path, f'text,rating,date\na,5,"{written}"\nb,1,\n'.encode())
    assert imported.rows[0]["date"] == kept
    assert any("ISO 8601" in warning for warning in imported.version["warnings"]) == (kept is None)
