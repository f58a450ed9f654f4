import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { draft, dropDraft, keepDraft } from "@/lib/storage";
import { sendCode, signInWithCode, signInWithPassword } from "./sign-in";

interface SignInFormProps {
  /** Also asks for the full name, for people whom the clinic does not know yet. */
  asksForName?: boolean;
  onName?: (name: string) => void;
  /** Whose address it will most likely be. */
  email?: string | undefined;
}

interface Typed {
  name: string;
  email: string;
  step: "address" | "code" | "password";
}

const EMPTY: Typed = { name: "", email: "", step: "address" };

/** Signs in or up by a mailed code, or by password. Ends when the session changes, not by itself. */
export function SignInForm(
  { asksForName = false, onName, email = "" }: SignInFormProps,
) {
  const [typed, setTyped] = useState<Typed>(() => draft<Typed>("sign-in") ?? { ...EMPTY, email });
  const change = (part: Partial<Typed>) => setTyped((before) => ({ ...before, ...part }));
  useEffect(() => keepDraft("sign-in", typed), [typed]);

  const send = useMutation({
    mutationFn: sendCode,
    onSuccess: () => change({ step: "code" }),
  });

  if (typed.step === "code") {
    return (
      <CodeForm
        email={typed.email}
        onOtherAddress={() => change({ step: "address" })}
        resend={send.mutateAsync}
      />
    );
  }
  if (typed.step === "password") {
    return (
      <PasswordForm
        email={typed.email}
        onEmail={(email) => change({ email })}
        onUseCode={() => change({ step: "address" })}
      />
    );
  }
  return (
    <AddressForm
      typed={typed}
      asksForName={asksForName}
      isBusy={send.isPending}
      error={send.error}
      onChange={change}
      onSend={() => {
        onName?.(typed.name.trim());
        send.mutate(typed.email.trim());
      }}
    />
  );
}

interface AddressFormProps {
  typed: Typed;
  asksForName: boolean;
  isBusy: boolean;
  error: unknown;
  onChange: (part: Partial<Typed>) => void;
  onSend: () => void;
}

function AddressForm(
  { typed, asksForName, isBusy, error, onChange, onSend }: AddressFormProps,
) {
  const { t } = useTranslation();
  const [isChecked, setChecked] = useState(false);
  const nameError = isChecked && asksForName && !typed.name.trim()
    ? t("fields.required")
    : undefined;
  const emailError = isChecked ? emailProblem(typed.email) : undefined;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if ((asksForName && !typed.name.trim()) || emailProblem(typed.email)) {
      focusFirstInvalid(event);
    } else if (!isBusy) onSend();
  };

  return (
    <form className="form" onSubmit={submit} noValidate>
      {asksForName && (
        <Field
          label={t("confirm.name")}
          name="name"
          autoComplete="name"
          maxLength={200}
          value={typed.name}
          error={nameError}
          onChange={(event) => onChange({ name: event.target.value })}
        />
      )}
      <Field
        label={t("confirm.email")}
        type="email"
        name="email"
        autoComplete="email"
        inputMode="email"
        maxLength={320}
        value={typed.email}
        error={emailError && t(emailError)}
        onChange={(event) => onChange({ email: event.target.value })}
      />
      <ErrorNotice error={error} />
      <div className="actions">
        <Button type="submit" look="primary" isBusy={isBusy}>
          {t("confirm.send_code")}
        </Button>
        <Button onClick={() => onChange({ step: "password" })}>
          {t("confirm.use_password")}
        </Button>
      </div>
    </form>
  );
}

interface CodeFormProps {
  email: string;
  onOtherAddress: () => void;
  resend: (email: string) => Promise<void>;
}

function CodeForm({ email, onOtherAddress, resend }: CodeFormProps) {
  const { t } = useTranslation();
  const [code, setCode] = useState("");
  const [isChecked, setChecked] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const verify = useMutation({
    mutationFn: (digits: string) => signInWithCode(email.trim(), digits),
    onSuccess: () => dropDraft("sign-in"),
    onError: () => setCode(""),
  });
  const again = useMutation({ mutationFn: () => resend(email.trim()) });
  useEffect(() => form.current?.querySelector("input")?.focus(), []);

  const change = (value: string) => {
    const digits = value.replace(/\D/g, "").slice(0, 6);
    setCode(digits);
    if (digits.length === 6 && !verify.isPending) verify.mutate(digits);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (code.length === 6 && !verify.isPending) verify.mutate(code);
  };

  return (
    <form className="form" onSubmit={submit} noValidate ref={form}>
      <p>{t("confirm.code_lead", { email })}</p>
      <Field
        className="field-code"
        label={t("confirm.code")}
        name="code"
        autoComplete="one-time-code"
        inputMode="numeric"
        value={code}
        error={isChecked && code.length < 6 ? t("fields.code") : undefined}
        onChange={(event) => change(event.target.value)}
      />
      <ErrorNotice error={verify.error ?? again.error} />
      {again.isSuccess && !verify.error && <Notice kind="good">{t("confirm.resent")}</Notice>}
      <div className="actions">
        <Button type="submit" look="primary" isBusy={verify.isPending}>
          {t("confirm.verify")}
        </Button>
        <Button isBusy={again.isPending} onClick={() => again.mutate()}>
          {t("confirm.resend")}
        </Button>
        <Button onClick={onOtherAddress}>{t("confirm.other_email")}</Button>
      </div>
    </form>
  );
}

interface PasswordFormProps {
  email: string;
  onEmail: (email: string) => void;
  onUseCode: () => void;
}

function PasswordForm({ email, onEmail, onUseCode }: PasswordFormProps) {
  const { t } = useTranslation();
  const [password, setPassword] = useState("");
  const [isChecked, setChecked] = useState(false);
  const enter = useMutation({
    mutationFn: () => signInWithPassword(email.trim(), password),
    onSuccess: () => dropDraft("sign-in"),
  });
  const problem = isChecked ? emailProblem(email) : undefined;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (emailProblem(email) || !password) focusFirstInvalid(event);
    else if (!enter.isPending) enter.mutate();
  };

  return (
    <form className="form" onSubmit={submit} noValidate>
      <Field
        label={t("confirm.email")}
        type="email"
        name="email"
        autoComplete="username"
        value={email}
        error={problem && t(problem)}
        onChange={(event) => onEmail(event.target.value)}
      />
      <Field
        label={t("confirm.password")}
        type="password"
        name="password"
        autoComplete="current-password"
        value={password}
        error={isChecked && !password ? t("fields.required") : undefined}
        onChange={(event) => setPassword(event.target.value)}
      />
      <ErrorNotice error={enter.error} />
      <div className="actions">
        <Button type="submit" look="primary" isBusy={enter.isPending}>
          {t("app.sign_in")}
        </Button>
        <Button onClick={onUseCode}>{t("confirm.use_code")}</Button>
      </div>
    </form>
  );
}

function emailProblem(
  email: string,
): "fields.required" | "fields.email" | undefined {
  if (!email.trim()) return "fields.required";
  return /^[^@\s]+@[^@\s]+\.[^@\s.]+$/.test(email.trim()) ? undefined : "fields.email";
}

function focusFirstInvalid(event: FormEvent): void {
  const form = event.currentTarget;
  // The errors are marked when this event has been dealt with.
  requestAnimationFrame(() => form.querySelector<HTMLElement>("[aria-invalid]")?.focus());
}
