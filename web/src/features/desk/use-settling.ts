import { useMutation, useQueryClient } from "@tanstack/react-query";

/** Does what settles something that needs attention, and reads anew what that changes. */
export function useSettling<Arguments, Answer>(act: (given: Arguments) => Promise<Answer>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["day"] });
      return queries.invalidateQueries({ queryKey: ["attention"] });
    },
  });
}
