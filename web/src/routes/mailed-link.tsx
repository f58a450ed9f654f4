import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useNavigate } from "react-router";
import { Button } from "@/components/button";
import { ErrorNotice, Notice } from "@/components/notice";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { followLink, type MailedLink, mailedLinkIn } from "@/features/sign-in/mailed-link";
import { keyOf } from "@/lib/errors";

/**
 * Where links of log-in mail lead. Mail programs follow links to look for harm, so only the button
 * does something.
 */
export function Component() {
  const { hash } = useLocation();
  const link = mailedLinkIn(hash);
  return link ? <Followed key={hash} link={link} /> : <CutShort />;
}

function Followed({ link }: { link: MailedLink }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const following = useMutation({
    mutationFn: () => followLink(link),
    onSuccess: (isDone) => {
      if (isDone) void navigate(link.next, { replace: true });
    },
  });
  const isOver = following.isError && keyOf(following.error) === "link_expired";
  const isHalf = following.data === false;
  const isOpen = !isOver && !isHalf;
  return (
    <Page
      title={t(`mailed_link.title_${link.words}`)}
      lead={isOpen && t(`mailed_link.lead_${link.words}`)}
      isNarrow
    >
      <div className="card card-form form">
        {isHalf && <Notice kind="good">{t("mailed_link.half")}</Notice>}
        {isOver
          ? <Notice kind="bad">{t("mailed_link.over")}</Notice>
          : <ErrorNotice error={following.error} />}
        {isOver && <AskAnew next={link.next} />}
        {isOpen && (
          <>
            <div className="actions">
              <Button
                look="primary"
                isBusy={following.isPending}
                onClick={() => following.mutate()}
              >
                {t(`mailed_link.button_${link.words}`)}
              </Button>
            </div>
            <p className="muted small">{t("mailed_link.not_asked")}</p>
          </>
        )}
      </div>
    </Page>
  );
}

function CutShort() {
  const { t } = useTranslation();
  return (
    <Page title={t("mailed_link.cut_title")} lead={t("mailed_link.cut")} isNarrow>
      <div className="card card-form form">
        <AskAnew />
      </div>
    </Page>
  );
}

function AskAnew({ next }: { next?: string }) {
  const { t } = useTranslation();
  return (
    <div className="actions">
      <Link className="button button-primary" to={paths.signIn(next)}>
        {t("mailed_link.again")}
      </Link>
    </div>
  );
}
