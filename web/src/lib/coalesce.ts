import { useEffect, useEffectEvent, useState } from "react";

// Not at once, for a commit can be told of a moment before others see it.
const SOONEST = 150;
const SPREAD = 250;

/**
 * Reads soon after being asked, once for all that was asked meanwhile, and not while it still reads:
 * however much happens, each reading comes to its end. The delay varies, so that not all screens of a
 * clinic read at the same moment.
 */
export function coalesced(read: () => Promise<unknown>) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isReading = false;
  let isAskedAgain = false;

  const ask = () => {
    if (isReading) isAskedAgain = true;
    else timer ??= setTimeout(readNow, SOONEST + Math.random() * SPREAD);
  };
  const readNow = async () => {
    timer = undefined;
    isReading = true;
    // What cannot be read is told where it is shown, and read again by itself after a while.
    await read().catch(() => undefined);
    isReading = false;
    if (isAskedAgain) ask();
    isAskedAgain = false;
  };
  return { ask, stop: () => clearTimeout(timer) };
}

/** Asks for `read`, coalesced for as long as the component is on the page. */
export function useCoalesced(read: () => Promise<unknown>): () => void {
  const readLatest = useEffectEvent(read);
  const [{ ask, stop }] = useState(() => coalesced(() => readLatest()));
  useEffect(() => stop, [stop]);
  return ask;
}
