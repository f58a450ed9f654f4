"""Asks the advisory services of Python and npm for known vulnerabilities of what the locks name.

Exit status 1: something has one. A service that cannot be reached is said plainly and is no
failure, because checks must also work offline; `--must-reach` makes it one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
SECONDS = 120
PYTHON = [
    *(sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"),
    *("--disable-pip", "--require-hashes", "-r", "requirements-dev.lock"),
]
NPM = ["npm", "audit", "--json"]


def main() -> int:
    found = [python_vulnerabilities(), npm_vulnerabilities()]
    for name, vulnerable in zip(("Python", "npm"), found, strict=True):
        if vulnerable is None:
            say(f"{name}: NOT AUDITED, the advisory service cannot be reached from here")
        elif vulnerable:
            say(f"{name}: known vulnerabilities in {', '.join(vulnerable)}")
        else:
            say(f"{name}: no known vulnerabilities")
    if any(found):
        return 1
    return int(None in found and "--must-reach" in sys.argv)


def python_vulnerabilities() -> list[str] | None:
    """Names and advisories; None if they could not be looked up."""
    answer = answer_of(PYTHON)
    packages = answer.get("dependencies", []) if answer else []
    if not packages or all("skip_reason" in package for package in packages):
        return None
    return [
        f"{package['name']} {package['version']} ({vulnerability['id']})"
        for package in packages
        for vulnerability in package.get("vulns", [])
    ]


def npm_vulnerabilities() -> list[str] | None:
    """Names and severities; None if they could not be looked up."""
    answer = answer_of(NPM)
    if not answer or "vulnerabilities" not in answer:
        return None
    return [f"{name} ({about['severity']})" for name, about in answer["vulnerabilities"].items()]


def answer_of(command: list[str]) -> dict[str, Any] | None:
    try:
        done = subprocess.run(
            command, cwd=PROJECT, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError, OSError):
        return None
    return answer


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
