import type { Adapter } from "./dawn.js";

/** What a person wants to know of an adapter. */
export interface AdapterFacts {
  /** Such as "nvidia ada-lovelace (NVIDIA: 550.54.14)". */
  name: string;
  /** It computes on the CPU: Mesa's lavapipe or SwiftShader. Right, and slow. */
  software: boolean;
}

export function adapterFacts({ info }: Adapter): AdapterFacts {
  const software = info.isFallbackAdapter || info.architecture === "software";
  const parts = [info.vendor, info.architecture].filter((part) => part !== "").join(" ");
  const name = info.description === "" ? parts || info.device : `${parts} (${info.description})`;
  return { name: software ? `${name}, in software` : name, software };
}
