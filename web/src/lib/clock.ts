// What the device's clock lacks. Below this it is the network's delay and whole seconds of `Date`.
const NEGLIGIBLE = 5_000;
const WORTH_A_WORD = 120_000;

let correction = 0;

export function setClockAhead(milliseconds: number): void {
  correction = Math.abs(milliseconds) < NEGLIGIBLE ? 0 : milliseconds;
}

/** Now by the server's clock: countdowns and days stay right on a device whose clock is wrong. */
export function now(): number {
  return Date.now() + correction;
}

export function isDeviceClockWrong(): boolean {
  return Math.abs(correction) > WORTH_A_WORD;
}
