import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { type PatientRecord, recordsIn, recordsQuery, registerPatient } from "./patient-records";

interface KnownPatients {
  /** Undefined while that is being found out. */
  records: PatientRecord[] | undefined;
  needsName: boolean;
  register: (name: string) => void;
  isRegistering: boolean;
  error: unknown;
}

/** The signed-in person's records in the clinic; with a name at hand, a missing one is made. */
export function usePatientRecords(
  clinicId: string,
  userId: string,
  name: string,
): KnownPatients {
  const queries = useQueryClient();
  const all = useQuery(recordsQuery);
  const register = useMutation({
    mutationFn: (fullName: string) => registerPatient(clinicId, fullName),
    onSuccess: () => queries.invalidateQueries({ queryKey: recordsQuery.queryKey }),
  });
  const records = all.data && recordsIn(all.data, clinicId);
  const isUnknown = records !== undefined &&
    !records.some((record) => record.user_id === userId);

  const { mutate, isIdle } = register;
  useEffect(() => {
    if (isUnknown && name && isIdle) mutate(name);
  }, [isUnknown, name, isIdle, mutate]);

  return {
    records: isUnknown ? undefined : records,
    needsName: isUnknown && (!name || register.isError),
    register: mutate,
    isRegistering: register.isPending,
    error: all.error ?? register.error,
  };
}
