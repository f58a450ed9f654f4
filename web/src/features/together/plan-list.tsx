import { useLanguage } from "@/lib/hooks";
import { clockTime, longDay } from "@/lib/zoned-time";
import type { Clinic } from "../clinics/get-clinic";
import type { PersonsVisit } from "./book-together";
import type { Plan } from "./plan-together";
import type { Asked } from "./together-finder";

interface PlanListProps {
  clinic: Clinic;
  asked: Asked[];
  plans: Plan[];
  onChoose: (visits: PersonsVisit[]) => void;
}

/** Each way to come together as one button: the day, and who is seen when by whom. */
export function PlanList({ clinic, asked, plans, onChoose }: PlanListProps) {
  const language = useLanguage();
  return (
    <ul className="plans">
      {plans.map((plan) => {
        const place = clinic.locations.find(({ id }) => id === plan[0]?.location_id);
        const zone = place?.time_zone ?? clinic.time_zone;
        const visits = asked.flatMap(({ patientId, serviceId }, index) => {
          const slot = plan[index];
          return slot ? [{ patientId, serviceId, slot }] : [];
        });
        return (
          <li
            key={plan.map((slot) => `${slot.starts_at}${slot.provider_id}`)
              .join()}
          >
            <button
              type="button"
              className="plan card card-link"
              onClick={() => onChoose(visits)}
            >
              <strong>
                {plan[0] && longDay(plan[0].starts_at, zone, language)}
              </strong>
              {plan.map((slot, index) => (
                <span key={asked[index]?.patientId}>
                  <b>{clockTime(slot.starts_at, zone, language)}</b> {asked[index]?.name}
                  <span className="muted">
                    {clinic.providers.find(({ id }) => id === slot.provider_id)
                      ?.full_name}
                  </span>
                </span>
              ))}
              {clinic.locations.length > 1 && place && (
                <span className="muted small">{place.name}</span>
              )}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
