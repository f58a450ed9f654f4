// Stock supabase-js against Realtime through the gateway. While these tests run, their caller keeps
// writing notes for USER_ID and sending `tick` to `notebook:USER_ID` from the database.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { createClient } from "@supabase/supabase-js";

const { SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY, USER_ID, USER_TOKEN } =
  process.env;
const clients = [];

function client(key, options = {}) {
  const made = createClient(SUPABASE_URL, key, options);
  clients.push(made);
  return made;
}

const visitor = () => client(SUPABASE_PUBLISHABLE_KEY);
const worker = () => client(SUPABASE_SECRET_KEY);

async function user() {
  const made = client(SUPABASE_PUBLISHABLE_KEY, { accessToken: () => Promise.resolve(USER_TOKEN) });
  await made.realtime.setAuth();
  return made;
}

/** Subscribes; resolves with the first status and its error. */
function subscribe(channel) {
  return new Promise((resolve) => {
    channel.subscribe((status, error) => resolve({ status, message: error?.message }));
  });
}

async function subscribed(channel) {
  assert.equal((await subscribe(channel)).status, "SUBSCRIBED");
  return channel;
}

const next = (listen) => new Promise((resolve) => listen(resolve));

after(() => Promise.all(clients.map((one) => one.realtime.disconnect())));

describe("realtime", { concurrency: true }, () => {
  test("a broadcast reaches another client and is acknowledged", async () => {
    const listener = visitor().channel("js:room");
    const heard = next((resolve) => listener.on("broadcast", { event: "hello" }, resolve));
    await subscribed(listener);
    const sender = await subscribed(
      visitor().channel("js:room", { config: { broadcast: { ack: true } } }),
    );
    const sent = { type: "broadcast", event: "hello", payload: { who: "Zoë 🩺" } };
    assert.equal(await sender.send(sent), "ok");
    assert.deepEqual((await heard).payload, { who: "Zoë 🩺" });
  });

  test("bytes are broadcast as bytes", async () => {
    const channel = visitor().channel("js:bytes", { config: { broadcast: { self: true } } });
    const heard = next((resolve) => channel.on("broadcast", { event: "bytes" }, resolve));
    await subscribed(channel);
    const payload = new Uint8Array([0, 255, 7]).buffer;
    await channel.send({ type: "broadcast", event: "bytes", payload });
    assert.deepEqual([...new Uint8Array((await heard).payload)], [0, 255, 7]);
  });

  test("a broadcast over HTTP arrives", async () => {
    const listener = visitor().channel("js:http");
    const heard = next((resolve) => listener.on("broadcast", { event: "posted" }, resolve));
    await subscribed(listener);
    const sent = await worker().channel("js:http").httpSend("posted", { n: 1 });
    assert.equal(sent.success, true);
    assert.deepEqual((await heard).payload, { n: 1 });
  });

  test("a private channel opens for its user and hears the database", async () => {
    const channel = (await user()).channel(`notebook:${USER_ID}`, { config: { private: true } });
    const heard = next((resolve) => channel.on("broadcast", { event: "tick" }, resolve));
    await subscribed(channel);
    const { payload, meta } = await heard;
    assert.equal(payload.kind, "tick");
    assert.equal(meta.id, payload.id);
  });

  test("a private channel is refused to others, with the reason", async () => {
    const channel = visitor().channel(`notebook:${USER_ID}`, { config: { private: true } });
    const { status, message } = await subscribe(channel);
    assert.equal(status, "CHANNEL_ERROR");
    assert.match(message, /Unauthorized: You do not have permissions to read/);
    await channel.unsubscribe();
  });

  test("changes of a table arrive, filtered", async () => {
    const channel = (await user()).channel("js:changes", {
      config: { postgres_changes_options: { wait: true } },
    });
    const watched = { schema: "notebook", table: "notes", filter: "pages=gte.2" };
    const inserted = next((resolve) =>
      channel.on("postgres_changes", { event: "INSERT", ...watched }, resolve)
    );
    const deleted = next((resolve) =>
      channel.on(
        "postgres_changes",
        { event: "DELETE", schema: "notebook", table: "notes" },
        resolve,
      )
    );
    await subscribed(channel);
    const change = await inserted;
    assert.equal(change.eventType, "INSERT");
    assert.equal(change.new.owner, USER_ID);
    assert.ok(change.new.pages >= 2);
    assert.equal(change.errors, null);
    assert.deepEqual(Object.keys((await deleted).old), ["id"]);
  });

  test("presence is shared", async () => {
    const config = (key) => ({ config: { presence: { key, enabled: true } } });
    const watcher = visitor().channel("js:presence", config("watcher"));
    const joined = next((resolve) => watcher.on("presence", { event: "join" }, resolve));
    const left = next((resolve) => watcher.on("presence", { event: "leave" }, resolve));
    await subscribed(watcher);
    const guestClient = visitor();
    const guest = await subscribed(guestClient.channel("js:presence", config("guest")));
    assert.equal(await guest.track({ mood: "calm" }), "ok");
    assert.equal((await joined).newPresences[0].mood, "calm");
    assert.equal(watcher.presenceState().guest[0].mood, "calm");
    assert.equal(await guestClient.removeChannel(guest), "ok");
    assert.equal((await left).key, "guest");
  });
});
