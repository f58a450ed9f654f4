import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { coalesced } from "@/lib/coalesce";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("all that is asked within a moment is read once", async () => {
  const read = vi.fn(() => Promise.resolve());
  const { ask } = coalesced(read);
  for (let message = 0; message < 50; message++) ask();
  expect(read).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(400);
  expect(read).toHaveBeenCalledTimes(1);
});

test("however often it is asked, it reads within the moment, and lets each reading end", async () => {
  const ends: (() => void)[] = [];
  const read = vi.fn(() => new Promise<void>((end) => ends.push(end)));
  const { ask } = coalesced(read);
  for (let step = 0; step < 20; step++) {
    ask();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(read).toHaveBeenCalledTimes(1);
  ends[0]?.();
  await vi.advanceTimersByTimeAsync(400);
  expect(read).toHaveBeenCalledTimes(2);
  ends[1]?.();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(read).toHaveBeenCalledTimes(2);
});

test("a reading that fails does not stop the next", async () => {
  const read = vi.fn(() => Promise.reject(new Error("no connection")));
  const { ask } = coalesced(read);
  ask();
  await vi.advanceTimersByTimeAsync(400);
  ask();
  await vi.advanceTimersByTimeAsync(400);
  expect(read).toHaveBeenCalledTimes(2);
});

test("nothing is read after it was stopped", async () => {
  const read = vi.fn(() => Promise.resolve());
  const { ask, stop } = coalesced(read);
  ask();
  stop();
  await vi.advanceTimersByTimeAsync(400);
  expect(read).not.toHaveBeenCalled();
});
