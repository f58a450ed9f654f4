import { useSuspenseQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Navigate, useLocation, useParams } from "react-router";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";
import { membershipsQuery } from "@/features/workplace/memberships";

/** Leads to the day of the clinic that was named, else of the first where the person works. */
export function Component() {
  return <SignedInOnly>{({ user }) => <ToTheDay userId={user.id} />}</SignedInOnly>;
}

function ToTheDay({ userId }: { userId: string }) {
  const { t } = useTranslation("workplace");
  const { clinicId } = useParams();
  const { search } = useLocation();
  const { data: memberships } = useSuspenseQuery(membershipsQuery(userId));
  const target = clinicId ?? memberships[0]?.clinic_id;
  if (!target) return <Page title={t("staff.day")} lead={t("staff.no_clinic")}>{null}</Page>;
  return <Navigate replace to={{ pathname: paths.staff(target, "day"), search }} />;
}
