"""Edge functions: one Deno process serves them all and answers as the edge runtime does."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import jwt
import pytest

from stack import edge_functions
from stack.config import HOST, Keys, StackConfig
from stack.processes import inherited
from tests.stacks import free_ports

CONFIG = """
[functions.open]
verify_jwt = false
[functions.snoop]
verify_jwt = false
[functions.forgetful]
verify_jwt = false
[functions.failing]
verify_jwt = false
[functions.broken]
verify_jwt = false
[functions.silent]
verify_jwt = false
[functions.remote]
verify_jwt = false
"""
SOURCES = {
    "open": """
        Deno.serve((r) => Response.json({ path: new URL(r.url).pathname, method: r.method }));
    """,
    "guarded": """
        import { greeting } from "../_shared/greeting.ts";
        Deno.serve({ onListen() {} }, () => new Response(greeting));
    """,
    "exported": 'export default { fetch: () => new Response("from fetch") };',
    "snoop": """
        const tried = async (attempt: () => unknown) => {
          try { return await attempt(); } catch (error) { return (error as Error).name; }
        };
        Deno.serve(async () => Response.json({
          url: Deno.env.get("SUPABASE_URL"),
          publishable: JSON.parse(Deno.env.get("SUPABASE_PUBLISHABLE_KEYS")!).default,
          others: Object.keys(Deno.env.toObject()).filter((name) => /^(HOME|FUNCTIONS)/.test(name)),
          unset: Deno.env.get("NOT_SET") === undefined,
          file: await tried(() => Deno.readTextFile("/etc/passwd")),
          net: await tried(() => fetch("http://192.0.2.1/")),
          run: await tried(() => new Deno.Command("/bin/true").output()),
        }));
    """,
    "forgetful": """
        Deno.serve(() => {
          Promise.reject(new Error("nobody waits for me"));
          return new Response("fine");
        });
    """,
    "failing": 'Deno.serve(() => { throw new Error("no luck"); });',
    "broken": "this is not TypeScript;",
    "silent": "export {};",
    "remote": 'import "https://example.com/module.ts"; Deno.serve(() => new Response("never"));',
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> StackConfig:
    """A configuration of its own with functions written for these tests."""
    directory = tmp_path_factory.mktemp("functions")
    supabase = directory / "supabase"
    (supabase / "functions/_shared").mkdir(parents=True)
    (supabase / "functions/_shared/greeting.ts").write_text('export const greeting = "hello";')
    (supabase / "functions/_shared/index.ts").write_text("Deno.serve(() => new Response());")
    for name, source in SOURCES.items():
        write_function(supabase, name, source)
    (supabase / "config.toml").write_text(CONFIG)
    return StackConfig(directory, free_ports(), Keys.generate(), supabase_dir=supabase)


def write_function(supabase: Path, name: str, source: str) -> None:
    (supabase / "functions" / name).mkdir(exist_ok=True)
    (supabase / "functions" / name / "index.ts").write_text(source)


@pytest.fixture(scope="module")
def functions(config: StackConfig) -> Iterator[httpx.Client]:
    """A client of a running Deno."""
    server = subprocess.Popen(
        edge_functions.command(config),
        env=inherited("HOME") | edge_functions.environment(config),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    assert "Edge functions for development" in server.stdout.readline()
    with httpx.Client(base_url=f"http://{HOST}:{config.ports.functions}") as client:
        yield client
    server.terminate()
    server.wait(timeout=5)
    server.stdout.close()


def token(config: StackConfig, **claims: object) -> dict[str, str]:
    """The header of a user's token, signed as Auth signs it."""
    signing_key = jwt.PyJWK(config.keys.signing_jwk)
    content = {"role": "authenticated", "exp": int(time.time()) + 60} | claims
    return {"Authorization": "Bearer " + jwt.encode(content, signing_key.key, "ES256")}


def test_a_function_sees_its_own_path_and_method(functions: httpx.Client) -> None:
    assert functions.put("/open/deep/path").json() == {"path": "/open/deep/path", "method": "PUT"}


def test_functions_share_code_and_may_export_fetch(
    functions: httpx.Client, config: StackConfig
) -> None:
    assert functions.get("/guarded", headers=token(config)).text == "hello"
    assert functions.get("/exported", headers=token(config)).text == "from fetch"


def test_legacy_keys_are_tokens(functions: httpx.Client, config: StackConfig) -> None:
    for key in (config.keys.anon, config.keys.service_role):
        headers = {"Authorization": f"Bearer {key}"}
        assert functions.get("/guarded", headers=headers).status_code == 200


def test_a_guarded_function_refuses_whoever_has_no_valid_token(
    functions: httpx.Client, config: StackConfig
) -> None:
    def code(authorization: str | None) -> str:
        headers = {"Authorization": authorization} if authorization else {}
        answer = functions.get("/guarded", headers=headers)
        assert answer.status_code == 401
        return str(answer.json()["code"])

    valid = token(config)["Authorization"]
    foreign = replace(config, keys=Keys.generate())
    unsigned = jwt.encode({"role": "service_role"}, None, algorithm="none")
    assert code(None) == "UNAUTHORIZED_NO_AUTH_HEADER"
    assert code(f"Bearer {config.keys.publishable}") == "UNAUTHORIZED_INVALID_JWT_FORMAT"
    assert code(valid[:-8] + "AAAAAAAA") == "UNAUTHORIZED_ASYMMETRIC_JWT"
    assert code(token(foreign)["Authorization"]) == "UNAUTHORIZED_ASYMMETRIC_JWT"
    assert code(token(config, exp=int(time.time()) - 1)["Authorization"]) == (
        "UNAUTHORIZED_ASYMMETRIC_JWT"
    )
    assert code(f"Bearer {foreign.keys.service_role}") == "UNAUTHORIZED_LEGACY_JWT"
    assert code(f"Bearer {unsigned}") == "UNAUTHORIZED_UNSUPPORTED_TOKEN_ALGORITHM"


def test_a_browser_may_ask_a_guarded_function_about_cors_without_a_token(
    functions: httpx.Client,
) -> None:
    assert functions.options("/guarded").status_code == 200


@pytest.mark.parametrize("path", ["/", "/missing", "/_shared", "/..%2f..", "/.hidden"])
def test_what_is_not_a_function_is_not_found(functions: httpx.Client, path: str) -> None:
    answer = functions.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_a_function_can_be_added_while_serving(
    functions: httpx.Client, config: StackConfig
) -> None:
    assert functions.get("/late", headers=token(config)).status_code == 404
    write_function(config.supabase_dir, "late", 'Deno.serve(() => new Response("here"));')
    assert functions.get("/late", headers=token(config)).text == "here"


def test_a_function_that_fails_answers_500_and_the_others_go_on(functions: httpx.Client) -> None:
    answer = functions.get("/failing")
    assert (answer.status_code, answer.json()["code"]) == (500, "WORKER_ERROR")
    assert "no luck" not in answer.text
    assert functions.get("/forgetful").text == "fine"
    assert functions.get("/open").status_code == 200


@pytest.mark.parametrize("name", ["broken", "silent", "remote"])
def test_a_function_that_cannot_start_answers_503(functions: httpx.Client, name: str) -> None:
    answer = functions.get(f"/{name}")
    assert (answer.status_code, answer.json()["code"]) == (503, "BOOT_ERROR")


def test_functions_reach_loopback_and_their_own_files_only(
    functions: httpx.Client, config: StackConfig
) -> None:
    seen = functions.get("/snoop").json()
    assert seen["url"] == config.gateway_url
    assert seen["publishable"] == config.keys.publishable
    assert (seen["others"], seen["unset"]) == ([], True)
    assert [seen[name] for name in ("file", "net", "run")] == ["NotCapable"] * 3


def test_health_needs_no_function(functions: httpx.Client) -> None:
    assert functions.get("/_health").json() == {"status": "ok"}
