import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "./api.js";

const firstBytes = 20_000;
const keptCharacters = 100_000;

/** What the run's process said, followed while it is open. */
export function RunLog({ run, isLive }: { run: string; isLive: boolean }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const end = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    let offset = -firstBytes;
    let isGone = false;
    setText("");
    const follow = async () => {
      const more = await ask<{ text: string; offset: number }>(`/runs/${run}/log?offset=${offset}`).catch(
        () => null,
      );
      if (more === null || isGone || more.offset === offset) return;
      ({ offset } = more);
      setText((before) => (before + more.text).slice(-keptCharacters));
      if (end.current !== null) end.current.scrollTop = end.current.scrollHeight;
    };
    void follow();
    const timer = isLive ? setInterval(() => void follow(), 1500) : undefined;
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, [run, open, isLive]);
  return (
    <details class="log" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Log</summary>
      <pre ref={end}>{text === "" ? "Nothing yet." : text}</pre>
    </details>
  );
}
