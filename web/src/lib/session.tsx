import type { Session, SupabaseClient } from "@supabase/supabase-js";
import { createContext, type ReactNode, use, useEffect, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { dropDrafts, forget, remember, remembered } from "./storage";
import { fullClient, mayBeSignedIn, SESSION_KEY, whenFullClient } from "./supabase";

interface SignedIn {
  session: Session | null;
  /** One that ended by itself, while nobody has signed in since. */
  ended: Session | null;
}

const SessionContext = createContext<SignedIn>({ session: null, ended: null });
// On the device: all tabs know it of each other.
const LEFT = "left";

/** Knows who is signed in, in this tab and in the others. Draws nothing until that is known. */
export function SessionProvider({ children, failed }: {
  children: ReactNode;
  /** Instead of the page, when it cannot be found out. */
  failed: (error: unknown) => ReactNode;
}) {
  const [signedIn, setSignedIn] = useState<SignedIn | undefined>(
    () => mayBeSignedIn() ? undefined : { session: null, ended: null },
  );
  const [failure, setFailure] = useState<unknown>();
  const queries = useQueryClient();

  useEffect(() => {
    let last: Session | null = null;
    let hasEnded = false;
    let stop = () => undefined as void;
    const change = (next: Session | null) => {
      const isBack = hasEnded;
      hasEnded = !next && last !== null && remembered(LEFT) === null;
      if (next) forget(LEFT);
      // A session that ends by itself takes nothing away from whoever signs in again.
      if (!hasEnded) {
        const isSomebodyElse = next?.user.id !== last?.user.id;
        last = next;
        if (isSomebodyElse) {
          // What the one before could see is nobody else's business.
          queries.removeQueries({
            predicate: (query) => query.meta?.isPersonal === true,
          });
        }
        if (isSomebodyElse || isBack) void queries.invalidateQueries();
      }
      setSignedIn({ session: next, ended: hasEnded ? last : null });
    };
    const follow = (client: SupabaseClient) => {
      stop();
      const { data } = client.auth.onAuthStateChange((_event, next) => change(next));
      stop = () => data.subscription.unsubscribe();
    };
    // That it was a goodbye in another tab may be known here only after the session's end.
    const look = () => {
      if (hasEnded && remembered(LEFT) !== null) change(null);
    };
    addEventListener("storage", look);
    const stopWaiting = whenFullClient(follow);
    if (mayBeSignedIn()) fullClient().then(follow).catch(setFailure);
    return () => {
      removeEventListener("storage", look);
      stopWaiting();
      stop();
    };
  }, [queries]);
  useSignInElsewhere();

  if (failure) return failed(failure);
  if (signedIn === undefined) return null;
  return <SessionContext value={signedIn}>{children}</SessionContext>;
}

// Once the full client is here, it listens to other tabs itself.
function useSignInElsewhere(): void {
  useEffect(() => {
    const look = (event: StorageEvent) => {
      if (event.key === SESSION_KEY && event.newValue) {
        void fullClient().catch(() => undefined);
      }
    };
    addEventListener("storage", look);
    return () => removeEventListener("storage", look);
  }, []);
}

/** The signed-in person's session, or null for a visitor. */
export function useSession(): Session | null {
  return use(SessionContext).session;
}

/** The session that ended by itself before its person signed in again, if that is so. */
export function useEndedSession(): Session | null {
  return use(SessionContext).ended;
}

/** Before a person signs out: that this is no session which ends by itself. */
export function sayGoodbye(): void {
  remember(LEFT, "1");
  dropDrafts();
}
