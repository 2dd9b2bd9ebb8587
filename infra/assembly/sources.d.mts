/** The AssemblyScript of a folder: the files' names in order, and the hash that the compiled bytes are kept with. */
export function sourcesOf(folder: string): { names: string[]; hash: string };
