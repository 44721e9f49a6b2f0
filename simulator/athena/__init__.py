"""Athena: a query really runs, by DuckDB, over what Glue says about files in S3.

DuckDB's SQL is not quite Athena's: queries.py adds some functions, what else differs is not found here.
"""

from simulator.athena import operations  # noqa: F401 - registers what this package answers
