"""The OpenAPI document, complete enough to generate a client that also knows the refusals."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.error_responses import MEDIA_TYPE


def install(app: FastAPI) -> None:
    """Serve a document in which refusals have the media type they are really sent with."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = app.openapi_schema or generate()
        for responses in _responses(document):
            for status, response in responses.items():
                content = response.get("content", {})
                if status >= "400" and "application/json" in content:
                    content[MEDIA_TYPE] = content.pop("application/json")
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _responses(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        operation["responses"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
