import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { MailOpen } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { paths } from "@/config/paths";
import { acceptInvitation, type MyInvitation, myInvitationsQuery } from "./my-invitations";

/** Clinics that have invited the signed-in person to their staff. */
export function Invitations({ email }: { email: string }) {
  const { t } = useTranslation("manage");
  const { data: invitations } = useSuspenseQuery(myInvitationsQuery(email));
  if (invitations.length === 0) return null;
  return (
    <section>
      <h2>{t("welcome.invited")}</h2>
      <ul className="cards">
        {invitations.map((invitation) => (
          <InvitationCard key={invitation.id} invitation={invitation} />
        ))}
      </ul>
    </section>
  );
}

function InvitationCard({ invitation }: { invitation: MyInvitation }) {
  const { t } = useTranslation("manage");
  const queries = useQueryClient();
  const navigate = useNavigate();
  // The name of a clinic that is not public is told to its staff alone.
  const name = invitation.clinics?.name ?? t("welcome.some_clinic");
  const accepting = useMutation({
    mutationFn: () => acceptInvitation(invitation.id),
    onSuccess: async (clinicId) => {
      await queries.invalidateQueries({ queryKey: ["memberships"] });
      void navigate(paths.staff(clinicId));
    },
    onError: () => queries.invalidateQueries({ queryKey: ["my-invitations"] }),
  });
  return (
    <li className="card card-offer">
      <MailOpen aria-hidden size={24} />
      <div className="card-body">
        <strong>{name}</strong>
        <span className="muted">
          {t("welcome.invited_as", { role: t(`role.${invitation.role}`) })}
        </span>
        <ErrorNotice error={accepting.error} />
      </div>
      <Button
        look="primary"
        isBusy={accepting.isPending}
        aria-label={t("welcome.accept_of", { name })}
        onClick={() => accepting.mutate()}
      >
        {t("welcome.accept")}
      </Button>
    </li>
  );
}
