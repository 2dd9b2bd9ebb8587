import type { LibraryHandle } from "koffi";

/** A shared library that is installed on this machine, by the first of its names that is found; null where none is. */
export async function openLibrary(names: readonly string[]): Promise<LibraryHandle | null> {
  const koffi = await import("koffi").then(
    (module) => module.default,
    () => null,
  );
  if (koffi === null) return null;
  for (const name of names) {
    try {
      return koffi.load(name);
    } catch {
      // The next one, or none.
    }
  }
  return null;
}

/** Where the system's loader finds a library by itself, and where Homebrew puts it. */
export const places = (linux: string, homebrew: string): readonly string[] =>
  ({
    linux: [linux],
    darwin: [`/opt/homebrew/opt/${homebrew}`, `/usr/local/opt/${homebrew}`],
  })[process.platform as string] ?? [];
