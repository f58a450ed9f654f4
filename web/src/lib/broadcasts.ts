import { useEffect, useEffectEvent, useState } from "react";
import { useSession } from "./session";
import { fullClient } from "./supabase";

interface Listening {
  topic: string | null;
  isPrivate: boolean;
  event: string;
}

/**
 * Listens to one Realtime topic while the component is on the page. `onMessage` gets each payload;
 * `onJoined` is called whenever the channel has been joined, again after a lost connection too,
 * because what was sent in between is gone. Returns whether it listens right now.
 */
export function useBroadcast<Payload>(
  { topic, isPrivate, event }: Listening,
  onMessage: (payload: Payload) => void,
  onJoined: () => void = () => undefined,
): boolean {
  const [isListening, setListening] = useState(false);
  const session = useSession();
  // A private topic is left with the session, and joined anew with the next.
  const listener = isPrivate ? session?.user.id : "anybody";
  const received = useEffectEvent(onMessage);
  const joined = useEffectEvent(onJoined);

  useEffect(() => {
    if (!topic || !listener) return;
    let leave: (() => void) | null = () => undefined;
    // Without it nothing is told, and the pages read again by themselves after a while.
    void fullClient().catch(() => null).then((client) => {
      if (!client || !leave) return;
      const channel = client
        .channel(topic, { config: { private: isPrivate } })
        .on(
          "broadcast",
          { event },
          ({ payload }) => received(payload as Payload),
        )
        .subscribe((status) => {
          if (!leave) return;
          setListening(status === "SUBSCRIBED");
          if (status === "SUBSCRIBED") joined();
        });
      leave = () => void client.removeChannel(channel);
    });
    return () => {
      setListening(false);
      leave?.();
      leave = null;
    };
  }, [topic, isPrivate, event, listener]);

  return isListening;
}
