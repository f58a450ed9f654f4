import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { clinicQuery, serviceOf } from "@/features/clinics/get-clinic";
import { SignInForm } from "@/features/sign-in/sign-in-form";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";
import { WishesForm } from "@/features/waitlist/wishes-form";

export function Component() {
  const { t } = useTranslation();
  const { slug = "", serviceId = "" } = useParams();
  const { data: clinic } = useSuspenseQuery(clinicQuery(slug));
  const service = serviceOf(clinic, serviceId);
  const [name, setName] = useState("");
  return (
    <Page
      title={t("wait.title")}
      lead={`${service.name} · ${clinic.name}`}
      back={{ to: paths.slots(slug, serviceId), label: service.name }}
      isNarrow
    >
      <div className="card card-form">
        <SignedInOnly visitors={<SignInForm asksForName onName={setName} />}>
          {({ user }) => (
            <WishesForm
              clinic={clinic}
              service={service}
              userId={user.id}
              name={name}
            />
          )}
        </SignedInOnly>
      </div>
    </Page>
  );
}
