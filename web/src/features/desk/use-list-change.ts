import { useMutation, useQueryClient } from "@tanstack/react-query";

/** Something done to the waiting list, which is read anew after it, whatever came of it. */
export function useListChange<Arguments, Result>(act: (given: Arguments) => Promise<Result>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["slots"] });
      return queries.invalidateQueries({ queryKey: ["desk-waiting"] });
    },
  });
}
