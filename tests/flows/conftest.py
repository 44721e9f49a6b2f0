from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.product import Product, start_product, stop_product, write_subset


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Iterator[Product]:
    product = start_product(tmp_path_factory.mktemp("home"), FITTINGROOM_SAMPLE=str(sample))
    yield product
    stop_product(product)


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Path:
    """1,200 real reviews, 400 of each sentiment, in the columns of the real file."""
    return write_subset(sample, tmp_path_factory.mktemp("reviews") / "reviews.csv", each=400)
