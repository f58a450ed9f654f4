import { type ReactNode, useEffect, useRef } from "react";
import { useLocation } from "react-router";

interface LinkRowProps {
  label: string;
  className: string;
  children: ReactNode;
}

/** Links to pages beside this one; where they are wider than the screen, the open one is in view. */
export function LinkRow({ label, className, children }: LinkRowProps) {
  const { pathname } = useLocation();
  const row = useRef<HTMLElement>(null);
  useEffect(() => {
    const shown = row.current;
    if (!shown) return;
    const markEdges = () => {
      const hidden = shown.scrollWidth - shown.clientWidth - shown.scrollLeft;
      shown.toggleAttribute("data-more-before", shown.scrollLeft > 1);
      shown.toggleAttribute("data-more-after", hidden > 1);
    };
    const watcher = new ResizeObserver(markEdges);
    watcher.observe(shown);
    shown.addEventListener("scroll", markEdges, { passive: true });
    return () => {
      watcher.disconnect();
      shown.removeEventListener("scroll", markEdges);
    };
  }, []);
  useEffect(() => {
    const open = row.current?.querySelector<HTMLElement>("[aria-current]");
    // Not scrollIntoView, which would scroll the page, too.
    if (row.current && open) {
      row.current.scrollLeft = open.offsetLeft - (row.current.clientWidth - open.offsetWidth) / 2;
    }
  }, [pathname]);
  return (
    <nav ref={row} className={`link-row ${className}`} aria-label={label}>
      {children}
    </nav>
  );
}
