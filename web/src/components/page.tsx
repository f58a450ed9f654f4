import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useTitle } from "@/lib/hooks";

interface PageProps {
  title: string;
  lead?: ReactNode;
  back?: { to: string; label: string };
  /** Above the heading, for what the page wants to say without words too. */
  mark?: ReactNode;
  isNarrow?: boolean;
  children: ReactNode;
}

/** The frame of every page: a way back, one heading, a sentence. */
export function Page(
  { title, lead, back, mark, isNarrow = false, children }: PageProps,
) {
  useTitle(title);
  return (
    <div className={isNarrow ? "page page-narrow" : "page"}>
      <header className="page-head">
        {back && (
          <Link className="back" to={back.to}>
            <ArrowLeft aria-hidden size={18} />
            {back.label}
          </Link>
        )}
        {mark}
        <h1>{title}</h1>
        {lead && <p className="lead">{lead}</p>}
      </header>
      {children}
    </div>
  );
}

/** What a page looks like while its data is on the way. */
export function PageLoading() {
  const { t } = useTranslation();
  return (
    <div className="page page-loading" role="status" aria-label={t("app.loading")}>
      <div className="bone bone-title" />
      <div className="bone" />
      <div className="bone" />
      <div className="bone" />
    </div>
  );
}
