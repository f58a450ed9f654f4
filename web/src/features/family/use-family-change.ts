import { useMutation, useQueryClient } from "@tanstack/react-query";

/** Carries out one change of who acts for whom, and reads anew whatever follows from it. */
export function useFamilyChange<Given>(
  change: (given: Given) => Promise<void>,
) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () =>
      Promise.all(
        ["records", "guardians", "invitations-to-me", "visits"].map((name) =>
          queries.invalidateQueries({ queryKey: [name] })
        ),
      ),
  });
}
