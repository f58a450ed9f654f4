import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice, Field } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import type { Role } from "@/features/workplace/memberships";
import { keyOf } from "@/lib/errors";
import { invite } from "./change-staff";
import { rolesBelow } from "./roles";

/** An address and a role; the mail with the invitation goes out at once. */
export function InviteForm(
  { clinicId, role: own }: { clinicId: string; role: Role },
) {
  const { t } = useTranslation("manage");
  const queries = useQueryClient();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("front_desk");
  const [isTried, setTried] = useState(false);
  const sending = useMutation({
    mutationFn: () => invite(clinicId, email.trim(), role),
    onSuccess: () => {
      setEmail("");
      setTried(false);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["invitations", clinicId] }),
  });
  const isPlausible = /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email.trim());
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (isPlausible && !sending.isPending) sending.mutate();
  };
  const isRefused = keyOf(sending.error) === "invalid_input";
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <h2>{t("people.invite")}</h2>
      <p className="muted">{t("people.invite_lead")}</p>
      <div className="pair">
        <Field
          label={t("people.email")}
          type="email"
          autoComplete="off"
          maxLength={254}
          value={email}
          error={isTried && !isPlausible
            ? t("people.email_wrong")
            : sending.error && isRefused
            ? t("people.email_refused")
            : undefined}
          onChange={(event) => {
            setEmail(event.target.value);
            if (sending.error || sending.isSuccess) sending.reset();
          }}
        />
        <Choice
          label={t("people.role")}
          value={role}
          options={rolesBelow(own).map((value) => ({
            value,
            label: t(`role.${value}`),
          }))}
          onChange={(value) => setRole(value as Role)}
        />
      </div>
      <p className="field-hint">{t(`role_means.${role}`)}</p>
      <ErrorNotice error={isRefused ? null : sending.error} />
      {sending.isSuccess && <Notice kind="good">{t("people.invited")}</Notice>}
      <div className="actions">
        <Button type="submit" look="primary" isBusy={sending.isPending}>
          {t("people.send_invitation")}
        </Button>
      </div>
    </form>
  );
}
