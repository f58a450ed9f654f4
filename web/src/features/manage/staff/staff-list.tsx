import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { ShieldCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Button } from "@/components/button";
import { Choice } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { PersonMark } from "@/components/person-mark";
import { paths } from "@/config/paths";
import type { Role } from "@/features/workplace/memberships";
import { useWorkplace } from "@/features/workplace/workplace";
import { useLanguage } from "@/lib/hooks";
import { longDay } from "@/lib/zoned-time";
import { Confirm } from "../confirm";
import { changeMember, removeMember, resetSecondFactor } from "./change-staff";
import { type StaffMember, staffQuery } from "./get-staff";
import { rolesBelow } from "./roles";

/** Everybody who works in the clinic, or did, and what the reader may change about them. */
export function StaffList() {
  const { t } = useTranslation("manage");
  const { clinicId } = useWorkplace();
  const { data: staff } = useSuspenseQuery(staffQuery(clinicId));
  return (
    <section>
      <h2>{t("people.members")}</h2>
      <ul className="cards">
        {staff.map((member) => <MemberCard key={member.member_id} member={member} />)}
      </ul>
    </section>
  );
}

function MemberCard({ member }: { member: StaffMember }) {
  const { t } = useTranslation("manage");
  const language = useLanguage();
  const { zone, userId } = useWorkplace();
  const name = member.provider_name ?? member.email ?? "";
  const isOneself = member.user_id === userId;
  return (
    <li
      className={member.active ? "card manage-card" : "card manage-card is-off"}
    >
      <PersonMark name={name} />
      <div className="card-body">
        <strong>{name}</strong>
        <span className="muted">
          {member.provider_name && `${member.email} · `}
          {member.last_sign_in_at
            ? t("people.last_seen", {
              day: longDay(member.last_sign_in_at, zone, language),
            })
            : t("people.never_seen")}
        </span>
        <span className="tags">
          <span className="tag">{t(`role.${member.role}`)}</span>
          {isOneself && <span className="tag">{t("people.oneself")}</span>}
          {!member.active && <span className="tag tag-warn">{t("people.suspended")}</span>}
          {member.has_second_factor && (
            <span className="tag with-icon">
              <ShieldCheck aria-hidden size={14} />
              {t("people.second_factor")}
            </span>
          )}
        </span>
      </div>
      {(member.may_change || isOneself) && <MemberActions member={member} name={name} />}
    </li>
  );
}

function MemberActions(
  { member, name }: { member: StaffMember; name: string },
) {
  const { t } = useTranslation("manage");
  const navigate = useNavigate();
  const { clinicId, role: own, userId } = useWorkplace();
  const queries = useQueryClient();
  const readAnew = () => queries.invalidateQueries({ queryKey: ["staff", clinicId] });
  const change = useMutation({
    mutationFn: (changes: { role?: Role; active?: boolean }) =>
      changeMember(clinicId, member.member_id, changes),
    onSettled: readAnew,
  });
  const reset = useMutation({
    mutationFn: () => resetSecondFactor(clinicId, member.member_id),
    onSettled: readAnew,
  });
  const remove = async () => {
    await removeMember(clinicId, member.member_id);
    if (!isOneself) return void await readAnew();
    await queries.invalidateQueries({ queryKey: ["memberships"] });
    void navigate(paths.home);
  };
  const isOneself = member.user_id === userId;
  return (
    <div className="member-actions">
      {member.may_change && (
        <Choice
          label={t("people.role_of", { name })}
          isLabelHidden
          value={member.role}
          disabled={change.isPending}
          options={rolesBelow(own).map((value) => ({
            value,
            label: t(`role.${value}`),
          }))}
          onChange={(role) => change.mutate({ role: role as Role })}
        />
      )}
      {member.may_change && !isOneself && (
        <Button
          isBusy={change.isPending}
          aria-label={t(
            member.active ? "people.suspend_of" : "people.readmit_of",
            { name },
          )}
          onClick={() => change.mutate({ active: !member.active })}
        >
          {t(member.active ? "people.suspend" : "people.readmit")}
        </Button>
      )}
      {member.may_change && !isOneself && member.has_second_factor && (
        <Confirm
          label={t("people.reset_factor")}
          ariaLabel={t("people.reset_factor_of", { name })}
          title={t("people.reset_factor_of", { name })}
          act={() => reset.mutateAsync()}
        >
          <p>{t("people.reset_factor_lead")}</p>
        </Confirm>
      )}
      <Confirm
        label={isOneself ? t("people.leave") : t("people.remove")}
        ariaLabel={isOneself ? t("people.leave") : t("people.remove_of", { name })}
        title={isOneself ? t("people.leave_title") : t("people.remove_of", { name })}
        act={remove}
      >
        <p>{isOneself ? t("people.leave_lead") : t("people.remove_lead")}</p>
      </Confirm>
      <ErrorNotice error={change.error} />
      {reset.isSuccess && <Notice kind="good">{t("people.factor_reset")}</Notice>}
    </div>
  );
}
