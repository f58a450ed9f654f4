"""How a process reads its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from appoint.settings import Settings, SettingsError

COMPLETE = {
    "SUPABASE_URL": "https://project.example",
    "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_1",
    "SUPABASE_SECRET_KEY": "sb_secret_1",
}
NO_FILE = Path("does-not-exist")


def read(environment: dict[str, str], **options: object) -> Settings:
    return Settings.from_environment(environment=environment, env_file=NO_FILE, **options)  # type: ignore[arg-type]


def test_the_legacy_names_of_the_keys_work_too() -> None:
    settings = read(
        {
            "SUPABASE_URL": "https://project.example",
            "SUPABASE_ANON_KEY": "anon",
            "SUPABASE_SERVICE_ROLE_KEY": "service",
        }
    )
    assert settings.supabase_publishable_key.get_secret_value() == "anon"
    assert settings.supabase_secret_key.get_secret_value() == "service"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SUPABASE_URL=https://file.example\nRESEND_API_KEY=from_file\n")
    settings = Settings.from_environment(environment=COMPLETE, env_file=file)
    assert settings.supabase_url == "https://project.example"
    assert settings.resend_api_key is not None
    assert settings.resend_api_key.get_secret_value() == "from_file"


def test_one_line_names_everything_that_is_missing() -> None:
    with pytest.raises(SettingsError) as raised:
        read({"SUPABASE_URL": "https://project.example", "SUPABASE_SECRET_KEY": ""})
    message = str(raised.value)
    assert "SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY" in message
    assert "\n" not in message


def test_what_only_one_process_needs_is_asked_for_by_it() -> None:
    with pytest.raises(SettingsError, match="RESEND_API_KEY"):
        read(COMPLETE, also_needs=("RESEND_API_KEY",))


def test_an_unusable_value_is_named_and_not_shown() -> None:
    with pytest.raises(SettingsError) as raised:
        read(COMPLETE | {"SUPABASE_URL": "hunter2"})
    assert "SUPABASE_URL" in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com:587",
        "https://mail.example.com",
        "smtp://",
        "smtp://:587",
        "smtp://clinic:hun/ter2@mail.example.com:587",
        "smtp://clinic:1/hunter2@mail.example.com:587",
        "smtp://clinic:1?hunter2@mail.example.com:587",
        "smtp://clinic:1#hunter2@mail.example.com:587",
        "smtp://clinic:hunter2@mail.example.com:port",
        "smtp://clinic:hunter2@mail.example.com:0",
        "smtp://clinic:hunter2@[mail.example.com",
    ],
)
def test_a_mail_server_that_cannot_be_meant_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read(COMPLETE | {"APPOINT_SMTP_URL": url})
    assert str(raised.value) == "unusable value: APPOINT_SMTP_URL (see .env.example)"


@pytest.mark.parametrize(
    "url",
    ["smtp://localhost", "smtps://mail.example.com:465/", "smtp://clinic:hun%2Fter2@mail.example"],
)
def test_a_mail_server_is_taken_as_it_is_named(url: str) -> None:
    settings = read(COMPLETE | {"APPOINT_SMTP_URL": url})
    assert settings.appoint_smtp_url is not None
    assert settings.appoint_smtp_url.get_secret_value() == url


def test_what_stands_around_a_key_is_no_part_of_it() -> None:
    settings = read(COMPLETE | {"RESEND_API_KEY": " re_1\r\n", "RESEND_WEBHOOK_SECRET": " \n"})
    assert settings.resend_api_key is not None
    assert settings.resend_api_key.get_secret_value() == "re_1"
    assert settings.resend_webhook_secret is None


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    settings = read(COMPLETE | {"RESEND_API_KEY": "re_hidden"})
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "sb_secret_1" not in text
        assert "re_hidden" not in text


def test_the_example_file_explains_every_setting() -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    named = {line.partition("=")[0] for line in example.splitlines() if "=" in line}
    # Made of the site's addresses, not read.
    settings = Settings.model_fields.keys() - {"appoint_site_origins"}
    assert {name.upper() for name in settings} <= named
