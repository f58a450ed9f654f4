// Storage can be forbidden or full. What is kept there is a convenience and never worth an error.

/** A choice remembered on this device. */
export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(`appoint.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`appoint.${name}`, value);
  } catch {
    // See above.
  }
}

export function forget(name: string): void {
  try {
    localStorage.removeItem(`appoint.${name}`);
  } catch {
    // See above.
  }
}

/** Something typed but not sent, kept for this tab alone, so that a reload loses nothing. */
export function draft<Shape>(name: string): Shape | null {
  try {
    return JSON.parse(
      sessionStorage.getItem(`appoint.draft.${name}`) ?? "null",
    ) as Shape | null;
  } catch {
    return null;
  }
}

export function keepDraft(name: string, value: unknown): void {
  try {
    sessionStorage.setItem(`appoint.draft.${name}`, JSON.stringify(value));
  } catch {
    // See above.
  }
}

/** Whoever signs out leaves nothing behind. */
export function dropDrafts(): void {
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith("appoint.draft.")) sessionStorage.removeItem(key);
    }
  } catch {
    // See above.
  }
}

export function dropDraft(name: string): void {
  try {
    sessionStorage.removeItem(`appoint.draft.${name}`);
  } catch {
    // See above.
  }
}
