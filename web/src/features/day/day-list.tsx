import { PersonMark } from "@/components/person-mark";
import { now } from "@/lib/clock";
import { DayCard } from "./day-card";
import { type DayVisit, nextVisit } from "./day-visits";

interface DayListProps {
  visits: DayVisit[];
  isToday: boolean;
  onOpen: (id: string) => void;
}

/** The day as cards, each provider's under their name: for phones, and for who likes lists. */
export function DayList({ visits, isToday, onOpen }: DayListProps) {
  return (
    <div className="day-columns">
      {columnsOf(visits).map(({ provider, visits: own }) => {
        const next = isToday ? nextVisit(own, now()) : undefined;
        return (
          <section key={provider.id} aria-label={provider.full_name}>
            <h2 className="with-icon">
              <PersonMark name={provider.full_name} />
              {provider.full_name}
            </h2>
            {own.map((visit) => (
              <DayCard
                key={visit.id}
                visit={visit}
                isNext={visit.id === next?.id}
                onOpen={onOpen}
              />
            ))}
          </section>
        );
      })}
    </div>
  );
}

function columnsOf(visits: DayVisit[]) {
  const columns = new Map<string, { provider: DayVisit["providers"]; visits: DayVisit[] }>();
  for (const visit of visits) {
    const column = columns.get(visit.providers.id) ?? { provider: visit.providers, visits: [] };
    column.visits.push(visit);
    columns.set(visit.providers.id, column);
  }
  return [...columns.values()].sort((one, other) =>
    one.provider.full_name.localeCompare(other.provider.full_name)
  );
}
