import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { MailQuestion } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice, Notice } from "@/components/notice";
import { useLanguage } from "@/lib/hooks";
import { longDay } from "@/lib/zoned-time";
import { resendInvitation, revokeInvitation } from "./change-staff";
import { type Invitation, invitationsQuery } from "./get-staff";

interface InvitationListProps {
  clinicId: string;
  zone: string;
}

/** Who was invited and has not come yet. */
export function InvitationList({ clinicId, zone }: InvitationListProps) {
  const { t } = useTranslation("manage");
  const { data: invitations } = useSuspenseQuery(invitationsQuery(clinicId));
  if (invitations.length === 0) return null;
  return (
    <section>
      <h2>{t("people.invitations")}</h2>
      <ul className="cards">
        {invitations.map((invitation) => (
          <InvitationCard
            key={invitation.id}
            clinicId={clinicId}
            zone={zone}
            invitation={invitation}
          />
        ))}
      </ul>
    </section>
  );
}

function InvitationCard(
  { clinicId, zone, invitation }: InvitationListProps & {
    invitation: Invitation;
  },
) {
  const { t } = useTranslation("manage");
  const language = useLanguage();
  const queries = useQueryClient();
  const onSettled = () => queries.invalidateQueries({ queryKey: ["invitations", clinicId] });
  const resend = useMutation({
    mutationFn: () => resendInvitation(clinicId, invitation.id),
    onSettled,
  });
  const revoke = useMutation({
    mutationFn: () => revokeInvitation(invitation.id),
    onSettled,
  });
  return (
    <li className="card manage-card">
      <MailQuestion aria-hidden size={22} />
      <div className="card-body">
        <strong>{invitation.email}</strong>
        <span className="muted">
          {t(`role.${invitation.role}`)} · {t("people.invited_on", {
            day: longDay(invitation.created_at, zone, language),
          })} · {t("people.valid_until", {
            day: longDay(invitation.expires_at, zone, language),
          })}
        </span>
        <ErrorNotice error={resend.error ?? revoke.error} />
        {resend.isSuccess && <Notice kind="good">{t("people.sent_again")}</Notice>}
      </div>
      <div className="actions">
        <Button
          isBusy={resend.isPending}
          aria-label={t("people.send_again_to", { email: invitation.email })}
          onClick={() => resend.mutate()}
        >
          {t("people.send_again")}
        </Button>
        <Button
          look="danger"
          isBusy={revoke.isPending}
          aria-label={t("people.take_back_of", { email: invitation.email })}
          onClick={() => revoke.mutate()}
        >
          {t("people.take_back")}
        </Button>
      </div>
    </li>
  );
}
