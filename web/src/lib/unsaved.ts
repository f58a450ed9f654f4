import { useEffect, useId } from "react";

const unsaved = new Set<string>();

/** Whether something on the page would be lost by leaving it. */
export function isAnythingUnsaved(): boolean {
  return unsaved.size > 0;
}

/** Says that leaving the page loses something while that is so; the browser asks before a reload. */
export function useUnsaved(isUnsaved: boolean): void {
  const id = useId();
  useEffect(() => {
    if (!isUnsaved) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    unsaved.add(id);
    addEventListener("beforeunload", ask);
    return () => {
      unsaved.delete(id);
      removeEventListener("beforeunload", ask);
    };
  }, [isUnsaved, id]);
}
