import type { Redis } from "ioredis";

/**
 * What endangers a project's queues on a server that others run: a line each, for people. Many hosted servers forbid to ask
 * for a setting or to set one, so INFO is asked first; what can't be known is not warned of.
 */
export async function serverWarnings(connection: Redis): Promise<string[]> {
  const info = await connection.info().catch(() => "");
  const said = (field: string) => new RegExp(`^${field}:(\\S*)`, "m").exec(info)?.[1];
  const setting = async (name: string) => {
    const [, value] = (await connection.config("GET", name).catch(() => [])) as string[];
    return value;
  };
  const warnings: string[] = [];
  const policy = said("maxmemory_policy") ?? (await setting("maxmemory-policy"));
  if (policy !== undefined && policy !== "noeviction")
    warnings.push(
      `Redis may drop jobs when its memory is full (maxmemory-policy ${policy}): set maxmemory-policy noeviction`,
    );
  const log = said("aof_enabled") ?? { yes: "1", no: "0" }[(await setting("appendonly")) ?? ""];
  if (log === "0") {
    const snapshots = await setting("save");
    warnings.push(
      snapshots === ""
        ? "Redis keeps nothing on disk: when it ends all queues are lost, and `pairloom up --mend` must rebuild them. Set appendonly yes"
        : "Redis has no append-only file: when it dies, what came since its last snapshot is lost. Set appendonly yes",
    );
  }
  const entries = await setting("set-max-intset-entries");
  if (entries === undefined || Number(entries) < 1024)
    await connection.config("SET", "set-max-intset-entries", "1024").catch(() => {
      warnings.push(
        "Redis can't be set to set-max-intset-entries 1024: deduplication needs 72 bytes a URL, not 10",
      );
    });
  return warnings;
}
