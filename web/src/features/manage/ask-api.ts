import type * as z from "zod/mini";
import { askApi } from "@/lib/api";
import { keyOf } from "@/lib/errors";

interface Asked<Shape extends z.ZodMiniType> {
  method: "POST" | "PATCH" | "DELETE";
  path: string;
  body?: unknown;
  answer: Shape;
}

// Keys of what was asked and not answered: asking the same again carries it out once.
const unanswered = new Map<string, string>();
const PASSING = new Set(["connection_lost", "unavailable", "unexpected"]);

/** Asks the API to change something, once however often it is asked; the answer in its shape. */
export async function changeByApi<Shape extends z.ZodMiniType>(
  { method, path, body, answer }: Asked<Shape>,
): Promise<z.output<Shape>> {
  const text = body === undefined ? null : JSON.stringify(body);
  const intent = `${method} ${path} ${text}`;
  const key = unanswered.get(intent) ?? crypto.randomUUID();
  unanswered.set(intent, key);
  try {
    const answered = await askApi(path, {
      method,
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: text,
    });
    unanswered.delete(intent);
    return answer.parse(answered.status === 204 ? null : await answered.json());
  } catch (error) {
    if (!PASSING.has(keyOf(error))) unanswered.delete(intent);
    throw error;
  }
}
