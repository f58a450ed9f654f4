"""The demo clinic: accounts through Auth's admin API, all else from `supabase/seed.sql`."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass

import psycopg

from stack.config import StackConfig

DEMO_CLINIC_ID = "10000000-0000-4000-8000-000000000001"
# Known to everybody: the stack listens on loopback only and the clinic is invented.
DEMO_PASSWORD = "appoint-demo"  # noqa: S105


@dataclass(frozen=True)
class DemoAccount:
    """One log-in of the demo clinic; `seed.sql` refers to the same ids."""

    role: str
    email: str
    number: int
    password: str = DEMO_PASSWORD

    @property
    def user_id(self) -> str:
        return f"00000000-0000-4000-8000-{self.number:012d}"


DEMO_ACCOUNTS = (
    DemoAccount("owner", "owner@harbour.example", 1),
    DemoAccount("manager", "manager@harbour.example", 2),
    DemoAccount("front_desk", "front.desk@harbour.example", 3),
    DemoAccount("provider", "provider@harbour.example", 4),
    DemoAccount("patient", "patient@harbour.example", 5),
    DemoAccount("patient", "second.patient@harbour.example", 6),
)


def seed(config: StackConfig) -> None:
    """Make the demo clinic once; a clinic that is there is left as people changed it."""
    script = config.supabase_dir / "seed.sql"
    if not script.exists() or _is_seeded(config):
        return
    for account in DEMO_ACCOUNTS:
        _create_account(config, account)
    with psycopg.connect(config.db_url()) as connection:
        connection.execute(script.read_bytes())


def _is_seeded(config: StackConfig) -> bool:
    with psycopg.connect(config.db_url()) as connection:
        row = connection.execute(
            "select exists (select from public.clinics where id = %s)", [DEMO_CLINIC_ID]
        ).fetchone()
    return bool(row and row[0])


def _create_account(config: StackConfig, account: DemoAccount) -> None:
    body = {
        "id": account.user_id,
        "email": account.email,
        "password": account.password,
        "email_confirm": True,
    }
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{config.gateway_url}/auth/v1/admin/users",
        data=json.dumps(body).encode(),
        headers={"apikey": config.keys.secret, "Content-Type": "application/json"},
    )
    try:
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code != 422:  # 422: the account is there from a seeding that was cut short
            raise
