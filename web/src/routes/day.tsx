import { useSuspenseQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Choice } from "@/components/field";
import { Page } from "@/components/page";
import { DayBoard } from "@/features/day/day-board";
import { workplaceQuery } from "@/features/day/get-workplace";
import { membershipsQuery } from "@/features/day/memberships";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";

export function Component() {
  return <SignedInOnly>{({ user }) => <Day userId={user.id} />}</SignedInOnly>;
}

function Day({ userId }: { userId: string }) {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  const { data: memberships } = useSuspenseQuery(membershipsQuery(userId));
  const asked = search.get("clinic");
  const clinicId = memberships.find(({ clinic_id }) => clinic_id === asked)?.clinic_id ??
    memberships[0]?.clinic_id;
  if (!clinicId) return <Page title={t("app.my_day")} lead={t("day.no_clinic")}>{null}</Page>;
  return (
    <>
      {memberships.length > 1 && (
        <Choice
          label={t("home.clinics")}
          value={clinicId}
          options={memberships.map(({ clinic_id, clinic_name }) => ({
            value: clinic_id,
            label: clinic_name,
          }))}
          onChange={(value) => setSearch({ clinic: value })}
        />
      )}
      <Workplace key={clinicId} clinicId={clinicId} userId={userId} />
    </>
  );
}

function Workplace({ clinicId, userId }: { clinicId: string; userId: string }) {
  const { data: clinic } = useSuspenseQuery(workplaceQuery(clinicId));
  return (
    <Page title={clinic.name}>
      <DayBoard
        clinicId={clinicId}
        zone={clinic.time_zone}
        providers={clinic.providers.filter(({ active }) => active)}
        userId={userId}
      />
    </Page>
  );
}
