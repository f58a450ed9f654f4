import { Navigate } from "react-router";

/** Most come for the services. */
export function Component() {
  return <Navigate replace to="services" />;
}
