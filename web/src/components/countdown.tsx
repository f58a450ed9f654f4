import { useSecondsUntil } from "@/lib/hooks";

/** "9:41", the time left; quiet for screen readers, who are told in minutes elsewhere. */
export function Countdown({ until }: { until: string | null }) {
  const seconds = useSecondsUntil(until);
  const minutes = Math.floor(seconds / 60);
  return (
    <time className="countdown" role="timer" aria-live="off">
      {minutes}:{String(seconds % 60).padStart(2, "0")}
    </time>
  );
}
