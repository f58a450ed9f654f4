import "@/styles/second-factor.css";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { Page, PageLoading } from "@/components/page";
import { useSession } from "@/lib/session";
import { enrol, knownFactor, verify } from "./second-factor";

/** Asks for the code of the authenticator app, or sets one up first. */
export function SecondFactorForm({ clinicName }: { clinicName: string }) {
  const { t } = useTranslation("provider");
  const user = useSession()?.user.id;
  const begun = useQuery({
    queryKey: ["second-factor", user],
    queryFn: async () => {
      const factorId = await knownFactor();
      return factorId ? { factorId } : await enrol();
    },
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
    meta: { isPersonal: true },
  });
  return (
    <Page
      title={t("factor.title")}
      lead={t("factor.lead", { clinic: clinicName })}
      isNarrow
    >
      <ErrorNotice error={begun.error} />
      {begun.isPending && <PageLoading />}
      {begun.data && (
        <div className="card card-form second-factor">
          {"secret" in begun.data && (
            <>
              <p>{t("factor.set_up")}</p>
              <img
                src={begun.data.qrCode}
                alt={t("factor.image")}
                width={220}
                height={220}
              />
              <p>
                <span className="muted">{t("factor.by_hand")}</span>{" "}
                <code>{begun.data.secret}</code>
              </p>
            </>
          )}
          <CodeForm factorId={begun.data.factorId} />
        </div>
      )}
    </Page>
  );
}

function CodeForm({ factorId }: { factorId: string }) {
  const { t } = useTranslation("provider");
  const queries = useQueryClient();
  const [code, setCode] = useState("");
  const check = useMutation({
    mutationFn: () => verify(factorId, code),
    // Everything may be seen now that was refused before.
    onSuccess: () => queries.invalidateQueries(),
    onError: () => setCode(""),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.length === 6 && !check.isPending) check.mutate();
  };
  return (
    <form className="form" onSubmit={submit} noValidate>
      <Field
        label={t("factor.code")}
        className="field-code"
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={6}
        value={code}
        onChange={(event) => setCode(event.target.value.replace(/\D/g, ""))}
      />
      <ErrorNotice error={check.error} />
      <div className="actions">
        <Button type="submit" look="primary" isBusy={check.isPending}>
          {t("factor.check")}
        </Button>
      </div>
    </form>
  );
}
