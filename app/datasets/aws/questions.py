"""The five questions that the course's first lab asks of its reviews, as SQL for a version's table.

The lab dropped what has no category, and categories of ten reviews or fewer, before it counted. The import
here keeps those rows, so each question leaves them out itself: then its counts are the lab's. A version
without categories is asked without that, and not by category.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

MORE_THAN = 10
LONGEST = 999  # words; longer reviews are counted there

ALL_ROWS = Template("""WITH reviews AS (
  SELECT sentiment, review_body, product_category
  FROM $table
)
""")
# A comparison with nothing is never true, so this leaves out what has no category, too.
LABS_ROWS = Template("""WITH reviews AS (
  SELECT sentiment, review_body, product_category
  FROM $table
  WHERE product_category IN (
    SELECT product_category
    FROM $table
    GROUP BY product_category
    HAVING COUNT(*) > $more_than
  )
)
""")


@dataclass(frozen=True)
class Question:
    """``select`` reads ``reviews``, the rows that stand before it."""

    key: str
    title: str
    by_category: bool
    select: str


QUESTIONS = (
    Question(
        "sentiment",
        "How many reviews are negative, neutral, positive?",
        False,
        """SELECT sentiment, COUNT(*) AS reviews
FROM reviews
GROUP BY sentiment
ORDER BY sentiment""",
    ),
    Question(
        "category",
        "How many reviews has each category?",
        True,
        """SELECT product_category, COUNT(*) AS reviews
FROM reviews
GROUP BY product_category
ORDER BY reviews DESC, product_category""",
    ),
    Question(
        "average",
        "What is the average sentiment of each category?",
        True,
        """SELECT product_category, AVG(CAST(sentiment AS DOUBLE)) AS average_sentiment
FROM reviews
GROUP BY product_category
ORDER BY average_sentiment DESC, product_category""",
    ),
    Question(
        "category-sentiment",
        "How does sentiment divide within each category?",
        True,
        """SELECT product_category, sentiment, COUNT(*) AS reviews
FROM reviews
GROUP BY product_category, sentiment
ORDER BY product_category, sentiment""",
    ),
    Question(
        "words",
        "How many words have the reviews?",
        False,
        """SELECT words, COUNT(*) AS reviews
FROM (
  SELECT LEAST(999, LENGTH(review_body) - LENGTH(REPLACE(review_body, ' ', '')) + 1) AS words
  FROM reviews
) AS counted
GROUP BY words
ORDER BY words""",
    ),
)
BY_KEY: Mapping[str, Question] = {question.key: question for question in QUESTIONS}


def asked_of(categories: bool) -> list[Question]:
    """Those that can be answered of a version with or without categories."""
    return [question for question in QUESTIONS if categories or not question.by_category]


def sql_of(question: Question, table: str, categories: bool) -> str:
    """``table`` is a name of our making, see places.py."""
    rows = LABS_ROWS if categories else ALL_ROWS
    return rows.substitute(table=table, more_than=MORE_THAN) + question.select
