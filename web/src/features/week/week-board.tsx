import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { ErrorNotice } from "@/components/notice";
import { paths } from "@/config/paths";
import { useBroadcast } from "@/lib/broadcasts";
import { useCoalesced } from "@/lib/coalesce";
import { addDays, type Day, dayOf, startOfDay } from "@/lib/zoned-time";
import { Calendar } from "../calendar/calendar";
import { useMediaQuery } from "../calendar/use-media-query";
import { useMove } from "../day/use-move";
import { Toast, type Told } from "../desk/toast";
import { WeekList } from "./week-list";
import { weekEntries, weekFrameQuery, weekVisitsQuery } from "./week";

interface WeekBoardProps {
  clinicId: string;
  provider: { id: string; full_name: string };
  monday: Day;
  zone: string;
}

/** One provider's week; a visit opens on its day, where everything can be done with it. */
export function WeekBoard(
  { clinicId, provider, monday, zone }: WeekBoardProps,
) {
  const { t } = useTranslation("workplace");
  const navigate = useNavigate();
  const queries = useQueryClient();
  const isNarrow = useMediaQuery("(max-width: 59.99rem)");
  const [told, tell] = useState<Told | null>(null);
  const from = startOfDay(monday, zone);
  const to = startOfDay(addDays(monday, 7), zone);
  const visitsQuery = weekVisitsQuery(clinicId, from, to);
  const all = useQuery({ ...visitsQuery, placeholderData: keepPreviousData });
  const frame = useQuery({
    ...weekFrameQuery(clinicId, provider.id, from, to),
    placeholderData: keepPreviousData,
  });
  const readAnew = useCoalesced(() => queries.invalidateQueries({ queryKey: ["day", clinicId] }));
  useBroadcast(
    {
      topic: `clinic:${clinicId}:appointments`,
      isPrivate: true,
      event: "appointment_changed",
    },
    readAnew,
    readAnew,
  );
  const visits = useMemo(
    () => all.data?.filter(({ provider_id }) => provider_id === provider.id) ?? [],
    [all.data, provider.id],
  );
  const drawn = useMemo(
    () =>
      weekEntries(visits, frame.data ?? { hours: [], busy: [] }, {
        status: (visit) => t(`day.status_${visit.status}`),
        elsewhere: t("day.elsewhere"),
      }),
    [visits, frame.data, t],
  );
  const open = (visitId: string) => {
    const visit = visits.find(({ id }) => id === visitId);
    if (!visit) return;
    const search = new URLSearchParams({
      day: dayOf(visit.starts_at, zone),
      with: provider.id,
      visit: visit.id,
    });
    void navigate({
      pathname: paths.staff(clinicId, "day"),
      search: search.toString(),
    });
  };
  const move = useMove({
    visitsKey: visitsQuery.queryKey,
    zone,
    tell,
    onRefused: (visit) => open(visit.id),
  });
  return (
    <>
      <ErrorNotice error={all.error ?? frame.error} />
      {isNarrow ? <WeekList monday={monday} visits={visits} zone={zone} onOpen={open} /> : (
        <Calendar
          label={provider.full_name}
          day={monday}
          zone={zone}
          {...drawn}
          onOpen={open}
          onMove={({ id, startsAt }) => {
            const visit = visits.find((known) => known.id === id);
            return visit
              ? move(visit, {
                at: startsAt,
                providerId: null,
                overbookReason: "",
              })
              : Promise.reject(new Error("gone"));
          }}
        />
      )}
      <Toast told={told} onGone={() => tell(null)} />
    </>
  );
}
