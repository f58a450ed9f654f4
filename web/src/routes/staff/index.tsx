import { useSuspenseQuery } from "@tanstack/react-query";
import { Navigate, useLocation, useParams } from "react-router";
import { paths } from "@/config/paths";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";
import { membershipsQuery } from "@/features/workplace/memberships";

/** Leads to the day of the clinic that was named, else of the first where the person works, else to how one begins. */
export function Component() {
  return <SignedInOnly>{({ user }) => <ToTheDay userId={user.id} />}</SignedInOnly>;
}

function ToTheDay({ userId }: { userId: string }) {
  const { clinicId } = useParams();
  const { search } = useLocation();
  const { data: memberships } = useSuspenseQuery(membershipsQuery(userId));
  const target = clinicId ?? memberships[0]?.clinic_id;
  if (!target) return <Navigate replace to={paths.staff("welcome")} />;
  return <Navigate replace to={{ pathname: paths.staff(target, "day"), search }} />;
}
