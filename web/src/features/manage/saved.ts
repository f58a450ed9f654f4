import { keyOf, Refusal } from "@/lib/errors";

interface Answer {
  data: unknown;
  error: { message: string; hint?: string | null } | null;
}

/** A refusal that names the rule of the table that what was typed breaks. */
export class BrokenRule extends Refusal {
  readonly rule: string;

  constructor(rule: string) {
    super("invalid_input");
    this.rule = rule;
  }
}

/** The rows that were written; at least one, since row security refuses silently. */
export function saved<Row>(answer: Answer & { data: Row[] | null }): Row[] {
  if (answer.error) {
    const rule = ruleIn(answer.error);
    throw rule ? new BrokenRule(rule) : new Refusal(keyOf(answer.error));
  }
  if (!answer.data?.length) throw new Refusal("not_allowed");
  return answer.data;
}

// A constraint by its name, or one that private.check_given, check_bounds, check_lengths or
// refuse_removal_in_use found broken first: their sentences say which, in words.
function ruleIn({ message, hint }: { message: string; hint?: string | null }) {
  const constraint = /constraint "(\w+)"/.exec(message)?.[1];
  const [, missing] = /^Give the ([a-z ]+)\.$/.exec(hint ?? "") ?? [];
  const [, outside] = /^The ([a-z ]+) can be \d+ to \d+\.$/.exec(hint ?? "") ?? [];
  if (/(^Coming visits keep| still refer to) it\. /.test(hint ?? "")) return "still_in_use";
  const [, endless] = /^The ([a-z ]+) can have \d+ letters at most\.$/.exec(hint ?? "") ?? [];
  const column = (missing ?? outside ?? endless)?.replaceAll(" ", "_");
  return constraint ?? (column && `_${column}_is_${missing ? "not_blank" : "possible"}`);
}

type Mistake = "taken" | "blank" | "not_possible";

/** What is wrong with a field, if the refusal names a rule of that column. */
export function mistakeIn(error: unknown, column: string): Mistake | undefined {
  if (!(error instanceof BrokenRule)) return undefined;
  const { rule } = error;
  if (!isRuleOf(rule, column)) return undefined;
  if (rule.endsWith("_is_unique") || rule.endsWith("_pkey")) return "taken";
  return rule.endsWith("_is_not_blank") ? "blank" : "not_possible";
}

// Constraints are called <table>_<column, without its unit>_<truth>.
function isRuleOf(rule: string, column: string): boolean {
  const stem = column.replace(/_(minutes|days|hours)$/, "");
  return new RegExp(`_(${stem}|${column})_(is|are|has|have)_`).test(rule);
}
