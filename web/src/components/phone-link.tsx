import { Phone } from "lucide-react";

/** A number to call with one tap. */
export function PhoneLink({ number }: { number: string }) {
  return (
    <a className="with-icon" href={callUrl(number)}>
      <Phone aria-hidden size={16} />
      {number}
    </a>
  );
}

// As appoint/mail/rendering.py: a zero in parentheses is for calls within the country.
function callUrl(number: string): string {
  const dialled = number.startsWith("+") ? number.replace("(0)", "") : number;
  return `tel:${dialled.replace(/(?!^\+)\D/g, "")}`;
}
