"""What all tests share: complete stacks of their own, never the developer's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stack.config import StackConfig
from tests.stacks import running_stack

# Where a single file can take a minute.
LONG = {"web", "workers", "mutation", "model"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: begun last, they would leave all processes but one without work."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)


@pytest.fixture(scope="session")
def stack() -> Iterator[StackConfig]:
    """A complete running stack with the demo clinic, API and worker included."""
    with running_stack() as config:
        yield config


@pytest.fixture(scope="session")
def workerless_stack() -> Iterator[StackConfig]:
    """A second stack without API and worker, for tests that run and kill their own."""
    with running_stack(without=("api", "worker")) as config:
        yield config
