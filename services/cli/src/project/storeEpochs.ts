import type { EpochRecord } from "@pairloom/queue";
import type { Store } from "@pairloom/storage";

const folder = "epochs/";
const nameOf = (number: number) => `${folder}${String(number).padStart(6, "0")}.json`;

/** What only work leaves behind that the queues must know of. */
const workFolders = ["queries/", "frontier/", "expansions/", "crawls/", "segments/", "requests/"];

/** The epochs of a project in its store: numbered files, of which the last one counts. @param dir for messages */
export function storeEpochs(store: Store, dir: string): EpochRecord {
  const last = async (): Promise<string | null> => {
    let name: string | null = null;
    for await (const blob of store.list(folder)) name = blob.name;
    return name;
  };
  const read = async (name: string): Promise<string> => {
    const text = (await store.get(name)).toString("utf8");
    try {
      return String((JSON.parse(text) as { epoch: unknown }).epoch);
    } catch {
      return `damaged ${name}`; // equal to none
    }
  };
  const newest = async () => {
    const name = await last();
    return name === null ? null : read(name);
  };
  return {
    remedy: `pairloom up --dir ${dir} --mend`,
    newest,
    publish: async (epoch, before) => {
      const name = await last();
      if (name !== null && (await read(name)) !== before) return read(name);
      const number = name === null ? 1 : Number(/(\d+)\.json$/.exec(name)?.[1]) + 1;
      await store.publish(nameOf(number), Buffer.from(JSON.stringify({ version: 1, epoch }) + "\n"));
      return read((await last()) ?? nameOf(number));
    },
    holdsWork: async () => {
      for (const prefix of workFolders) for await (const _ of store.list(prefix)) return true;
      return false;
    },
  };
}
