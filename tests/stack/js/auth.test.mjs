// Stock @supabase/supabase-js against Auth, through the gateway, as the web client uses it.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { createClient } from "@supabase/supabase-js";

const {
  SUPABASE_URL,
  SUPABASE_PUBLISHABLE_KEY,
  SUPABASE_SECRET_KEY,
  MAILBOX_URL,
} = process.env;
const password = "correct-horse-battery";
const newAddress = () => `person-${randomUUID()}@example.test`;

function memory() {
  const kept = new Map();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

// Node 20 has no WebSocket, and nothing here opens one.
const realtime = { transport: class {} };

function browser(auth = {}) {
  return createClient(SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, {
    realtime,
    auth: { autoRefreshToken: false, storage: memory(), ...auth },
  });
}

function server() {
  return createClient(SUPABASE_URL, SUPABASE_SECRET_KEY, {
    realtime,
    auth: { autoRefreshToken: false, persistSession: false },
  });
}

async function lastMail(address) {
  const answer = await fetch(
    `${MAILBOX_URL}/inbox.json?to=${encodeURIComponent(address)}`,
  );
  const mails = await answer.json();
  mails.sort((a, b) => a.created_at.localeCompare(b.created_at));
  return mails.at(-1);
}

test("signs up, in, refreshes and out", async () => {
  const client = browser();
  const events = [];
  const { data: listener } = client.auth.onAuthStateChange((event) => events.push(event));
  const credentials = { email: newAddress(), password };
  const signedUp = await client.auth.signUp(credentials);
  assert.equal(signedUp.error, null);
  assert.equal(signedUp.data.user.email, credentials.email);
  const refreshed = await client.auth.refreshSession();
  assert.equal(refreshed.error, null);
  assert.notEqual(
    refreshed.data.session.refresh_token,
    signedUp.data.session.refresh_token,
  );
  assert.equal((await client.auth.signOut()).error, null);
  assert.equal((await client.auth.getSession()).data.session, null);
  assert.equal((await client.auth.signInWithPassword(credentials)).error, null);
  for (const event of ["SIGNED_IN", "TOKEN_REFRESHED", "SIGNED_OUT"]) {
    assert.ok(events.includes(event), `${event} was not announced`);
  }
  listener.subscription.unsubscribe();
});

test("verifies access tokens with the published keys", async () => {
  const client = browser();
  await client.auth.signUp({ email: newAddress(), password });
  const { data, error } = await client.auth.getClaims();
  assert.equal(error, null);
  assert.equal(data.header.alg, "ES256");
  assert.equal(data.claims.role, "authenticated");
});

test("tells errors apart by their codes", async () => {
  const client = browser();
  const email = newAddress();
  const weak = await client.auth.signUp({ email, password: "short" });
  assert.equal(weak.error.name, "AuthWeakPasswordError");
  assert.deepEqual(weak.error.reasons, ["length"]);
  const unknown = await client.auth.signInWithPassword({ email, password });
  assert.equal(unknown.error.code, "invalid_credentials");
  assert.equal(unknown.error.status, 400);
  await client.auth.signUp({ email, password });
  const repeated = await client.auth.signUp({ email, password });
  assert.equal(repeated.error.code, "user_already_exists");
});

test("logs in by a code from the mail", async () => {
  const client = browser();
  const email = newAddress();
  assert.equal((await client.auth.signInWithOtp({ email })).error, null);
  const [token] = (await lastMail(email)).text.match(/\b\d{6}\b/);
  const { data, error } = await client.auth.verifyOtp({
    type: "email",
    email,
    token,
  });
  assert.equal(error, null);
  assert.equal(data.user.email, email);
});

test("logs in by a link with PKCE", async () => {
  const client = browser({ flowType: "pkce" });
  const email = newAddress();
  assert.equal((await client.auth.signInWithOtp({ email })).error, null);
  const [link] = (await lastMail(email)).text.match(/http\S+\/verify\?\S+/);
  const answer = await fetch(link, { redirect: "manual" });
  assert.equal(answer.status, 303);
  const code = new URL(answer.headers.get("location")).searchParams.get("code");
  const { data, error } = await client.auth.exchangeCodeForSession(code);
  assert.equal(error, null);
  assert.equal(data.user.email, email);
});

test("changes the account and keeps the session", async () => {
  const client = browser();
  await client.auth.signUp({ email: newAddress(), password });
  const { data, error } = await client.auth.updateUser({
    data: { theme: "dark" },
  });
  assert.equal(error, null);
  assert.equal(data.user.user_metadata.theme, "dark");
  const same = await client.auth.updateUser({ password });
  assert.equal(same.error.code, "same_password");
  assert.equal(
    (await client.auth.updateUser({ password: "quite-different" })).error,
    null,
  );
  assert.equal((await client.auth.getUser()).error, null);
});

test("enrols a second factor", async () => {
  const client = browser();
  await client.auth.signUp({ email: newAddress(), password });
  const { data, error } = await client.auth.mfa.enroll({
    factorType: "totp",
    friendlyName: "p",
  });
  assert.equal(error, null);
  assert.match(data.totp.qr_code, /^data:image\/svg\+xml;utf-8,<svg/);
  const wrong = await client.auth.mfa.challengeAndVerify({
    factorId: data.id,
    code: "x",
  });
  assert.equal(wrong.error.code, "mfa_verification_failed");
  const level = await client.auth.mfa.getAuthenticatorAssuranceLevel();
  assert.equal(level.data.currentLevel, "aal1");
});

test("manages users with the secret key alone", async () => {
  const email = newAddress();
  const { admin } = server().auth;
  const created = await admin.createUser({
    email,
    password,
    email_confirm: true,
  });
  assert.equal(created.error, null);
  const listed = await admin.listUsers({ page: 1, perPage: 1 });
  assert.equal(listed.error, null);
  assert.ok(listed.data.total >= 1);
  const link = await admin.generateLink({ type: "magiclink", email });
  assert.match(link.data.properties.action_link, /\/auth\/v1\/verify\?/);
  assert.equal((await admin.deleteUser(created.data.user.id)).error, null);
  const refused = await browser().auth.admin.listUsers();
  assert.equal(refused.error.code, "not_admin");
});
