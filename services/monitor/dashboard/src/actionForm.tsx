import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

/** A form that sends its fields, then says what came of it. */
export function ActionForm(props: {
  label: string;
  act: (fields: Record<string, string>) => Promise<string>;
  children: ComponentChildren;
}) {
  const [said, setSaid] = useState<{ text: string; bad: boolean } | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const fields: Record<string, string> = {};
    for (const [name, value] of new FormData(form))
      if (typeof value === "string" && value.trim() !== "") fields[name] = value.trim();
    setBusy(true);
    try {
      setSaid({ text: await props.act(fields), bad: false });
    } catch (error) {
      setSaid({ text: (error as Error).message, bad: true });
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      {props.children}
      <button type="submit" disabled={busy}>
        {props.label}
      </button>
      {said !== null && (
        <p class={said.bad ? "said bad" : "said"} role="status">
          {said.text}
        </p>
      )}
    </form>
  );
}
