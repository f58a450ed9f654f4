import type { ComponentProps } from "react";

interface ButtonProps extends ComponentProps<"button"> {
  look?: "primary" | "quiet" | "danger";
  isBusy?: boolean;
}

/** Stays focusable while busy, and cannot be clicked twice. */
export function Button(
  { look = "quiet", isBusy = false, className = "", onClick, ...button }: ButtonProps,
) {
  return (
    <button
      type="button"
      {...button}
      className={`button button-${look} ${className}`}
      aria-disabled={isBusy || undefined}
      onClick={(event) => {
        if (isBusy) event.preventDefault();
        else onClick?.(event);
      }}
    />
  );
}
