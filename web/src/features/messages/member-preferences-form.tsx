import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Choice } from "@/components/field";
import { MessageLanguage } from "./message-language";
import { type MemberPreferences, saveMemberPreferences } from "./preferences";
import { WishesForm } from "./wishes-form";

const NOTICES = ["new_bookings", "late_cancellations", "daily_agenda"] as const;
const ANSWERS = ["by_role", "true", "false"] as const;

interface MemberPreferencesFormProps {
  member: { clinic_id: string; user_id: string };
  clinicName: string;
  saved: MemberPreferences;
}

/** What somebody who works at a clinic is told of it, and in which language. */
export function MemberPreferencesForm({ member, clinicName, saved }: MemberPreferencesFormProps) {
  const { t } = useTranslation("patient");
  const [wish, setWish] = useState(saved);
  const change = (part: Partial<MemberPreferences>) =>
    setWish((before) => ({ ...before, ...part }));
  return (
    <WishesForm
      name={clinicName}
      about={t("messages.you_work_here")}
      save={() => saveMemberPreferences(member, wish)}
    >
      <MessageLanguage
        tag={wish.language}
        otherwise={t("messages.language_of_clinic")}
        onChange={(language) => change({ language })}
      />
      {NOTICES.map((notice) => (
        <Choice
          key={notice}
          label={t(`messages.${notice}`)}
          value={String(wish[notice] ?? "by_role")}
          options={ANSWERS.map((value) => ({ value, label: t(`messages.told_${value}`) }))}
          onChange={(value) => change({ [notice]: value === "by_role" ? null : value === "true" })}
        />
      ))}
    </WishesForm>
  );
}
