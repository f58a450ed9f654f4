import type { Session } from "@supabase/supabase-js";
import { createContext, type ReactNode, use, useEffect, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { supabase } from "./supabase";

const SessionContext = createContext<Session | null>(null);

/** Knows who is signed in, in this tab and in the others. Draws nothing until that is known. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const [session, setSession] = useState<Session | null>();
  const queries = useQueryClient();

  useEffect(() => {
    let person: string | undefined;
    const { data } = supabase().auth.onAuthStateChange((_event, next) => {
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
    return () => data.subscription.unsubscribe();
  }, [queries]);

  if (session === undefined) return null;
  return <SessionContext value={session}>{children}</SessionContext>;
}

/** The signed-in person's session, or null for a visitor. */
export function useSession(): Session | null {
  return use(SessionContext);
}
