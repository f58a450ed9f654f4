import "@/styles/together.css";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams, useSearchParams } from "react-router";
import { ErrorNotice } from "@/components/notice";
import { Page, PageLoading } from "@/components/page";
import { When } from "@/components/when";
import { paths } from "@/config/paths";
import { type Clinic, clinicQuery, serviceOf } from "@/features/clinics/get-clinic";
import { type OpenSession, sessionsQuery } from "@/features/group/sessions";
import { TakeSeat } from "@/features/group/take-seat";
import { SignInForm } from "@/features/sign-in/sign-in-form";
import { useSession } from "@/lib/session";

export function Component() {
  const { t } = useTranslation("patient");
  const { slug = "", serviceId = "" } = useParams();
  const [search] = useSearchParams();
  const { data: clinic } = useSuspenseQuery(clinicQuery(slug));
  const service = serviceOf(clinic, serviceId, "groups");
  const sessions = useQuery(sessionsQuery(service.id));
  const chosen = search.get("session");
  return (
    <Page
      title={service.name}
      lead={service.description ?? t("group.lead")}
      back={chosen
        ? { to: paths.group(slug, serviceId), label: service.name }
        : { to: paths.clinic(slug), label: clinic.name }}
      isNarrow
    >
      <ErrorNotice error={sessions.error} />
      {sessions.isPending && <PageLoading />}
      {sessions.data && (chosen
        ? <Chosen clinic={clinic} id={chosen} sessions={sessions.data} />
        : <Sessions clinic={clinic} sessions={sessions.data} />)}
    </Page>
  );
}

interface SessionsProps {
  clinic: Clinic;
  sessions: OpenSession[];
}

function Sessions({ clinic, sessions }: SessionsProps) {
  const { t } = useTranslation("patient");
  if (sessions.length === 0) return <p className="empty">{t("group.none")}</p>;
  return (
    <ul className="cards">
      {sessions.map((session) => (
        <li key={session.session_id}>
          <Link
            className="card card-link"
            to={`?session=${session.session_id}`}
          >
            <SessionFacts clinic={clinic} session={session} />
          </Link>
        </li>
      ))}
    </ul>
  );
}

function SessionFacts(
  { clinic, session }: { clinic: Clinic; session: OpenSession },
) {
  const { t } = useTranslation("patient");
  const place = clinic.locations.find(({ id }) => id === session.location_id);
  return (
    <span className="card-body">
      <When
        startsAt={session.starts_at}
        endsAt={session.ends_at}
        zone={place?.time_zone ?? clinic.time_zone}
      />
      <span className="muted">
        {clinic.providers.find(({ id }) => id === session.provider_id)
          ?.full_name}
        {place && ` · ${place.name}`}
      </span>
      <span className="tag">
        {t("group.seats", { count: session.seats_left })}
      </span>
    </span>
  );
}

function Chosen({ clinic, id, sessions }: SessionsProps & { id: string }) {
  const { t } = useTranslation(["patient", "common"]);
  const session = useSession();
  const [name, setName] = useState("");
  const chosen = sessions.find(({ session_id }) => session_id === id);
  if (!chosen) {
    return (
      <>
        <p role="status">{t("group.gone")}</p>
        <Sessions clinic={clinic} sessions={sessions} />
      </>
    );
  }
  return (
    <>
      <div className="card">
        <SessionFacts clinic={clinic} session={chosen} />
      </div>
      {session
        ? (
          <TakeSeat
            clinicId={clinic.id}
            sessionId={id}
            session={session}
            name={name}
          />
        )
        : (
          <section className="card card-form" aria-labelledby="who">
            <h2 id="who">{t("common:confirm.who")}</h2>
            <p className="muted">{t("common:confirm.who_lead")}</p>
            <SignInForm asksForName onName={setName} />
          </section>
        )}
    </>
  );
}
