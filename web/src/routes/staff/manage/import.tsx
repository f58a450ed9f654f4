import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { JobList } from "@/features/manage/imports/job-list";
import { UploadForm } from "@/features/manage/imports/upload-form";
import { useWorkplace } from "@/features/workplace/workplace";

export function Component() {
  const { t } = useTranslation("manage");
  const { clinicId } = useWorkplace();
  return (
    <Page title={t("pages.import")} lead={t("import.lead")}>
      <UploadForm clinicId={clinicId} />
      <JobList />
    </Page>
  );
}
