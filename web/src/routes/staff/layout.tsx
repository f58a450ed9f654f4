import "@/styles/staff.css";
import { useSuspenseQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet, useNavigate, useParams } from "react-router";
import { Choice } from "@/components/field";
import { LinkRow } from "@/components/link-row";
import { PageLoading } from "@/components/page";
import { paths } from "@/config/paths";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";
import { LeaveGuard } from "@/features/workplace/leave-guard";
import { workplaceQuery } from "@/features/workplace/get-workplace";
import { type Membership, membershipsQuery } from "@/features/workplace/memberships";
import { STAFF_PAGES } from "@/features/workplace/staff-pages";
import type { Workplace } from "@/features/workplace/workplace";
import { NotFound } from "@/app/route-error";
import { loadWords } from "@/lib/i18n";

const SecondFactorForm = lazy(async () => {
  const [{ SecondFactorForm }] = await Promise.all([
    import("@/features/second-factor/second-factor-form"),
    loadWords("provider"),
  ]);
  return { default: SecondFactorForm };
});

/** The frame of a workplace: its menu, and the clinic for all pages in it. */
export function Component() {
  return <SignedInOnly>{({ user }) => <Staff userId={user.id} />}</SignedInOnly>;
}

function Staff({ userId }: { userId: string }) {
  const { clinicId } = useParams();
  const { data: memberships } = useSuspenseQuery(membershipsQuery(userId));
  const membership = memberships.find(({ clinic_id }) => clinic_id === clinicId);
  if (!membership) return <NotFound />;
  return (
    <div className="staff">
      <LeaveGuard />
      <Menu membership={membership} memberships={memberships} />
      <Suspense fallback={<PageLoading />}>
        {membership.needs_second_factor
          ? <SecondFactorForm clinicName={membership.clinic_name} />
          : (
            <Inside
              key={membership.clinic_id}
              membership={membership}
              userId={userId}
            />
          )}
      </Suspense>
    </div>
  );
}

function Menu(
  { membership, memberships }: {
    membership: Membership;
    memberships: Membership[];
  },
) {
  const { t } = useTranslation("workplace");
  const navigate = useNavigate();
  return (
    <LinkRow className="tabs staff-menu" label={t("staff.nav_label")}>
      {memberships.length > 1 && (
        <Choice
          label={t("staff.clinic")}
          isLabelHidden
          value={membership.clinic_id}
          options={memberships.map(({ clinic_id, clinic_name }) => ({
            value: clinic_id,
            label: clinic_name,
          }))}
          onChange={(clinicId) => void navigate(paths.staff(clinicId))}
        />
      )}
      {STAFF_PAGES.filter(({ roles }) => roles.includes(membership.role)).map((
        { name, icon: Icon },
      ) => (
        <NavLink key={name} to={paths.staff(membership.clinic_id, name)}>
          <Icon aria-hidden size={18} />
          {t(`staff.${name}`)}
        </NavLink>
      ))}
    </LinkRow>
  );
}

function Inside(
  { membership, userId }: { membership: Membership; userId: string },
) {
  const { data: clinic } = useSuspenseQuery(
    workplaceQuery(membership.clinic_id),
  );
  const workplace: Workplace = {
    userId,
    clinicId: clinic.id,
    role: membership.role,
    zone: clinic.time_zone,
    clinic,
  };
  return <Outlet context={workplace} />;
}
