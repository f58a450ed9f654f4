import { askApi } from "@/lib/api";

export type Format = "html" | "json";

/** Everything that is kept about the signed-in person, in all clinics, as a file to keep. */
export async function downloadOwnData(format: Format): Promise<void> {
  const answer = await askApi(`/v1/me/export?format=${format}`);
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = `personal-data.${format}`;
  link.click();
  URL.revokeObjectURL(address);
}

/** Makes the signed-in person unknown, in all clinics. Cannot be undone. */
export async function eraseOwnData(requestId: string): Promise<void> {
  await askApi("/v1/me/erasure", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "Idempotency-Key": requestId,
    },
    body: JSON.stringify({ confirm: "erase" }),
  });
}
