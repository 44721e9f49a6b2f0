"""awswrangler against the simulator: a data set written and registered, and questions asked through Athena.

Run in .venv-sagemaker, never imported: ``python wrangler.py < facts.json``; prints what it saw as JSON.
"""

import datetime
import json
import sys

import awswrangler as wr
import pandas as pd


def main(facts):
    place = facts["place"]
    frame = pd.DataFrame(
        {
            "sentiment": [1, 0, -1, 1],
            "review_body": ["soft, warm", 'it is "fine"', "torn", None],
            "price": [1.5, None, 1e-7, 2.0],
            "day": [datetime.date(2024, 1, number + 1) for number in range(4)],
            "product_category": ["Dresses", "Knits", "Dresses", "Dresses"],
        }
    )
    wr.catalog.create_database("wrangled")
    wr.s3.to_parquet(
        frame,
        f"{place}/reviews/",
        dataset=True,
        database="wrangled",
        table="reviews",
        partition_cols=["product_category"],
    )
    wr.s3.to_csv(
        frame[["sentiment", "product_category"]],
        f"{place}/plain/",
        dataset=True,
        database="wrangled",
        table="plain",
        index=False,
    )

    def ask(sql, **words):
        return wr.athena.read_sql_query(
            sql,
            database="wrangled",
            ctas_approach=False,
            s3_output=f"{place}/athena/",
            athena_query_wait_polling_delay=0.1,
            **words,
        )

    grouped = ask(
        "SELECT product_category, COUNT(*) AS reviews, AVG(sentiment) AS mean FROM reviews "
        "GROUP BY product_category ORDER BY reviews DESC"
    )
    whole = ask("SELECT * FROM reviews ORDER BY day")
    chunks = ask("SELECT sentiment FROM plain", chunksize=3)
    return {
        "grouped": grouped.to_dict("records"),
        "types": {name: str(kind) for name, kind in whole.dtypes.items()},
        "texts": [None if pd.isna(text) else text for text in whole["review_body"]],
        "prices": [None if pd.isna(price) else price for price in whole["price"]],
        "days": [str(day) for day in whole["day"]],
        "chunks": [len(chunk) for chunk in chunks],
        "scanned": whole.query_metadata["Statistics"]["DataScannedInBytes"],
        "refused": refused(ask),
        "ctas": refused(
            lambda sql: wr.athena.read_sql_query(
                "SELECT 1 AS a", database="wrangled", s3_output=f"{place}/athena/"
            )
        ),
    }


def refused(ask):
    try:
        ask("SELECT nobody FROM reviews")
    except wr.exceptions.QueryFailed as error:
        return str(error)
    return ""


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print("\n" + json.dumps(main(given), default=str))
