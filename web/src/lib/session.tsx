import type { Session, SupabaseClient } from "@supabase/supabase-js";
import { createContext, type ReactNode, use, useEffect, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { fullClient, mayBeSignedIn, SESSION_KEY, whenFullClient } from "./supabase";

const SessionContext = createContext<Session | null>(null);

/** Knows who is signed in, in this tab and in the others. Draws nothing until that is known. */
export function SessionProvider({ children, failed }: {
  children: ReactNode;
  /** Instead of the page, when it cannot be found out. */
  failed: (error: unknown) => ReactNode;
}) {
  const [session, setSession] = useState<Session | null | undefined>(
    () => mayBeSignedIn() ? undefined : null,
  );
  const [failure, setFailure] = useState<unknown>();
  const queries = useQueryClient();

  useEffect(() => {
    let person: string | undefined;
    let stop = () => undefined as void;
    const follow = (client: SupabaseClient) => {
      stop();
      const { data } = client.auth.onAuthStateChange((_event, next) => {
        if (next?.user.id !== person) {
          person = next?.user.id;
          // What the one before could see is nobody else's business.
          queries.removeQueries({
            predicate: (query) => query.meta?.isPersonal === true,
          });
          void queries.invalidateQueries();
        }
        setSession(next);
      });
      stop = () => data.subscription.unsubscribe();
    };
    const stopWaiting = whenFullClient(follow);
    if (mayBeSignedIn()) fullClient().then(follow).catch(setFailure);
    return () => {
      stopWaiting();
      stop();
    };
  }, [queries]);
  useSignInElsewhere();

  if (failure) return failed(failure);
  if (session === undefined) return null;
  return <SessionContext value={session}>{children}</SessionContext>;
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
  return use(SessionContext);
}
