import { useRef } from "react";

/** An id for what is asked: the same while it stays the same, so that asking twice does it once. */
export function useRequestId(): (asked: unknown) => string {
  const last = useRef({ asked: "", id: "" });
  return (asked) => {
    const text = JSON.stringify(asked);
    if (last.current.asked !== text) last.current = { asked: text, id: crypto.randomUUID() };
    return last.current.id;
  };
}
