import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import { recordsQuery } from "../booking/patient-records";

async function claimRecords(dateOfBirth: string) {
  return rowsOf(
    await supabase().rpc(
      "claim_patient_records",
      dateOfBirth ? { date_of_birth: dateOfBirth } : {},
    ),
  );
}

/** Finds records that clinics made for the person's address before there was a log-in. */
export function ClaimForm() {
  const { t } = useTranslation("patient");
  const queries = useQueryClient();
  const [born, setBorn] = useState("");
  const claim = useMutation({
    mutationFn: () => claimRecords(born),
    onSuccess: () => queries.invalidateQueries({ queryKey: recordsQuery.queryKey }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!claim.isPending) claim.mutate();
  };
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <p className="muted">{t("claim.lead")}</p>
      <Field
        label={t("claim.born")}
        hint={t("claim.born_hint")}
        type="date"
        autoComplete="bday"
        value={born}
        onChange={(event) => setBorn(event.target.value)}
      />
      <ErrorNotice error={claim.error} />
      {claim.data && (
        <Notice kind={claim.data.length ? "good" : "info"}>
          {claim.data.length ? t("claim.found", { count: claim.data.length }) : t("claim.none")}
        </Notice>
      )}
      <div className="actions">
        <Button type="submit" isBusy={claim.isPending}>
          {t("claim.find")}
        </Button>
      </div>
    </form>
  );
}
