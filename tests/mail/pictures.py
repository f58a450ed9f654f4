"""Pictures of every kind of mail for the documentation: `python -m tests.mail.pictures`.

Each kind in English as wide as a desktop's reading pane and as a phone, one in all languages, and
some in dark colours, by the system's Chromium, as WebP files in docs/screens/mail.
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from appoint.mail.preview import samples, write_preview
from stack.config import PROJECT_DIR

FOLDER = PROJECT_DIR / "docs/screens/mail"
CHROMIUM = "/usr/bin/chromium"
WIDTHS = {"desktop": 600, "phone": 375}
# All codes and links of Auth look alike.
OF_LOG_IN = "log_in.signup"
QUALITY = 80


def main() -> None:
    kinds = dict.fromkeys(sample.kind for sample in samples())
    shown = [kind for kind in kinds if not kind.startswith("log_in.") or kind == OF_LOG_IN]
    for old in FOLDER.glob("*.*"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        mails = Path(folder)
        write_preview(mails)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for kind in shown:
            for name, width in WIDTHS.items():
                page = _open(browser, mails / f"{kind}.en.html", width)
                _keep(page, f"{kind.replace('.', '-')}-{name}")
        for language in ("de", "es", "fr"):
            page = _open(browser, mails / f"reminder.{language}.html", WIDTHS["phone"])
            _keep(page, f"reminder-{language}")
        for kind in ("reminder", "cancellation"):
            page = _open(browser, mails / f"{kind}.en.html", WIDTHS["phone"], dark=True)
            _keep(page, f"{kind}-dark")
        browser.close()


def _open(browser: Browser, mail: Path, width: int, *, dark: bool = False) -> Page:
    page = browser.new_page(
        viewport={"width": width, "height": 200}, color_scheme="dark" if dark else "light"
    )
    page.goto(mail.as_uri())
    height = page.evaluate("document.body.scrollHeight")
    page.set_viewport_size({"width": width, "height": int(height)})
    return page


def _keep(page: Page, name: str) -> None:
    """Playwright itself writes PNG, which is four times as large."""
    session = page.context.new_cdp_session(page)
    picture = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    (FOLDER / f"{name}.webp").write_bytes(base64.b64decode(picture["data"]))
    page.context.close()


if __name__ == "__main__":
    main()
