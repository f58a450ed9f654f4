import "@/styles/manage.css";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet } from "react-router";
import { NotFound } from "@/app/route-error";
import { LinkRow } from "@/components/link-row";
import { paths } from "@/config/paths";
import { MANAGE_PAGES } from "@/features/manage/manage-pages";
import { useWorkplace } from "@/features/workplace/workplace";

/** The frame around what owners and managers set up; for others there is nothing here. */
export function Component() {
  const { t } = useTranslation("manage");
  const workplace = useWorkplace();
  if (workplace.role !== "owner" && workplace.role !== "manager") {
    return <NotFound />;
  }
  return (
    <div className="manage">
      <LinkRow className="manage-menu" label={t("pages.label")}>
        {MANAGE_PAGES.map(({ name, icon: Icon }) => (
          <NavLink
            key={name}
            to={paths.staff(workplace.clinicId, `manage/${name}`)}
          >
            <Icon aria-hidden size={18} />
            {t(`pages.${name}`)}
          </NavLink>
        ))}
      </LinkRow>
      <Outlet context={workplace} />
    </div>
  );
}
