import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface Nginx {
  /** With a slash at its end. */
  url: string;
  stop(): Promise<void>;
}

/** Serves a folder with nginx on a free port of 127.0.0.1, as this user, with everything it writes below `work`. */
export async function startNginx(root: string, work: string): Promise<Nginx> {
  await mkdir(work, { recursive: true });
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${join(work, name)};`)
    .join(" ");
  const configuration = `
daemon off; master_process off; pid ${join(work, "pid")}; error_log ${join(work, "error.log")};
events { worker_connections 256; }
http {
  include /etc/nginx/mime.types; access_log off; ${temporary}
  server { listen 127.0.0.1:${port}; root ${root}; autoindex on; }
}
`;
  const file = join(work, "nginx.conf");
  await writeFile(file, configuration);
  const child = spawn("nginx", ["-c", file, "-e", join(work, "error.log")], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}/`;
  for (let tries = 0; ; tries++) {
    const answer = await fetch(url).catch(() => null);
    if (answer !== null) break;
    if (tries > 100 || child.exitCode !== null) throw new Error(`nginx does not answer at ${url}`);
    await sleep(50);
  }
  return { url, stop: () => stopChild(child) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}
