import { UserPlus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { Field } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { PersonMark } from "@/components/person-mark";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import { fullDay } from "@/lib/zoned-time";
import type { KnownRecord } from "../account/known-records";
import {
  endGuardianship,
  type Guardian,
  guardiansQuery,
  inviteGuardian,
  takeBackInvitation,
} from "./guardians";
import { useFamilyChange } from "./use-family-change";
import { useSuspenseQuery } from "@tanstack/react-query";

interface PersonCardProps {
  record: KnownRecord;
  userId: string;
  allIds: string[];
}

/** One person and who acts for them; the person, and for a child a guardian, can change that. */
export function PersonCard({ record, userId, allIds }: PersonCardProps) {
  const { t } = useTranslation("patient");
  const { data } = useSuspenseQuery(guardiansQuery(allIds));
  const acting = data.guardians.filter((guardian) =>
    guardian.patient_id === record.id &&
    (guardian.ends_at === null || Date.parse(guardian.ends_at) > now())
  );
  const asked = data.invitations.filter(({ patient_id }) => patient_id === record.id);
  const mayChange = record.isOwn || record.user_id === null;
  // Accepting makes the guardian and marks the invitation in one transaction, at one instant.
  const addressOf = (guardian: Guardian) =>
    asked.find(({ status, updated_at }) =>
      status === "accepted" && updated_at === guardian.created_at
    )?.email;
  const takeBack = useFamilyChange(takeBackInvitation);
  return (
    <article className="card card-form">
      <div className="person-head">
        <PersonMark name={record.full_name} />
        <span>
          <strong>{record.full_name}</strong>
          <span className="muted small">{record.clinic.name}</span>
        </span>
        <span className="tag">
          {t(record.isOwn ? "family.you" : "family.in_your_care")}
        </span>
      </div>
      {acting.length > 0 && (
        <ul className="acting">
          {acting.map((guardian) => (
            <ActingLine
              key={guardian.id}
              guardian={guardian}
              isMe={guardian.user_id === userId}
              address={addressOf(guardian)}
              mayEnd={mayChange || guardian.user_id === userId}
              record={record}
            />
          ))}
        </ul>
      )}
      {asked.filter(({ status }) => status === "pending").map((
        { id, email },
      ) => (
        <div className="acting-line" key={id}>
          <span>
            {email} <span className="muted">{t("family.invited")}</span>
          </span>
          <Button
            isBusy={takeBack.isPending}
            onClick={() => takeBack.mutate(id)}
          >
            {t("family.take_back")}
          </Button>
        </div>
      ))}
      <ErrorNotice error={takeBack.error} />
      {mayChange && <Invite record={record} />}
    </article>
  );
}

function ActingLine({ guardian, isMe, address, mayEnd, record }: {
  guardian: Guardian;
  isMe: boolean;
  address: string | undefined;
  mayEnd: boolean;
  record: KnownRecord;
}) {
  const { t } = useTranslation("patient");
  const language = useLanguage();
  const [isAsking, setAsking] = useState(false);
  const end = useFamilyChange(endGuardianship);
  return (
    <li className="acting-line">
      <span>
        {isMe ? t("family.you_act") : t("family.acts", { who: address ?? t("family.somebody") })}
        {guardian.ends_at && (
          <span className="muted small">
            {t("family.until", {
              day: fullDay(guardian.ends_at, record.clinic.time_zone, language),
            })}
          </span>
        )}
      </span>
      {mayEnd && (
        <Button look="danger" onClick={() => setAsking(true)}>
          {t("family.end")}
        </Button>
      )}
      <Dialog
        title={t("family.end_title")}
        isOpen={isAsking}
        onClose={() => setAsking(false)}
      >
        <p>{t("family.end_lead", { name: record.full_name })}</p>
        <ErrorNotice error={end.error} />
        <div className="actions">
          <Button
            look="danger"
            isBusy={end.isPending}
            onClick={() => end.mutate(guardian.id, { onSuccess: () => setAsking(false) })}
          >
            {t("family.end")}
          </Button>
          <Button onClick={() => setAsking(false)}>{t("family.keep")}</Button>
        </div>
      </Dialog>
    </li>
  );
}

function Invite({ record }: { record: KnownRecord }) {
  const { t } = useTranslation(["patient", "common"]);
  const [isOpen, setOpen] = useState(false);
  const [email, setEmail] = useState("");
  const [isChecked, setChecked] = useState(false);
  const invite = useFamilyChange((address: string) => inviteGuardian(record.id, address));
  const isWrong = !/^[^@\s]+@[^@\s]+$/.test(email.trim());
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (isWrong || invite.isPending) return;
    invite.mutate(email.trim(), {
      onSuccess: () => {
        setOpen(false);
        setEmail("");
        setChecked(false);
      },
    });
  };
  if (!isOpen) {
    return (
      <div className="actions">
        <Button onClick={() => setOpen(true)}>
          <UserPlus aria-hidden size={18} />
          {t("family.invite")}
        </Button>
      </div>
    );
  }
  return (
    <form className="form" onSubmit={submit} noValidate>
      <Field
        label={t("family.invite_email")}
        hint={t("family.invite_hint")}
        type="email"
        inputMode="email"
        autoComplete="off"
        maxLength={320}
        value={email}
        error={isChecked && isWrong ? t("common:fields.email") : undefined}
        onChange={(event) => setEmail(event.target.value)}
      />
      <ErrorNotice error={invite.error} />
      <div className="actions">
        <Button type="submit" look="primary" isBusy={invite.isPending}>
          {t("family.invite_do")}
        </Button>
        <Button onClick={() => setOpen(false)}>{t("family.invite_not")}</Button>
      </div>
    </form>
  );
}
