"""One person's data as a page that people can read: a heading for each kind of record, a list for
each row. The page stands alone: nothing is loaded from elsewhere, nothing in it is active."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Personal data</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem }
h2 { border-bottom: 1px solid #888; margin-top: 2.5rem }
dl { display: grid; grid-template-columns: 12rem 1fr; gap: .2rem 1rem; margin: 1rem 0 }
dt { color: #555 }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap }
</style>
</head>
<body>
<h1>Personal data</h1>
<p>Everything that is kept about one person, as of {{ exported_at }}. Times are UTC.</p>
{% for name, rows in sections %}
<h2>{{ name }} ({{ rows | length }})</h2>
{% for row in rows %}
<dl>
{% for field, value in row %}<dt>{{ field }}</dt><dd>{{ value }}</dd>
{% endfor %}</dl>
{% endfor %}
{% endfor %}
</body>
</html>
"""

_page = Environment(autoescape=True).from_string(PAGE)


def page_about(person: Mapping[str, Any]) -> str:
    """The page for what `worker.export_person` answers. Kinds without rows are left out."""
    sections = [
        (_words(name), [_fields(row) for row in ([value] if isinstance(value, dict) else value)])
        for name, value in person.items()
        if isinstance(value, dict | list) and value
    ]
    return _page.render(exported_at=person["exported_at"], sections=sections)


def _fields(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(_words(name), _text(value)) for name, value in row.items() if value is not None]


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
