/** The configuration file of an embedded server. `folder` holds its data; `socketPath` is where it listens, alone. */
export function serverConfig(folder: string, socketPath: string): string {
  return `port 0
unixsocket ${quoted(socketPath)}
unixsocketperm 700
daemonize no
supervised no
dir ${quoted(folder)}
logfile ""
loglevel notice
save ""
appendonly yes
appendfsync always
no-appendfsync-on-rewrite no
aof-load-truncated yes
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb
maxmemory-policy noeviction
set-max-intset-entries 1024
`;
}

function quoted(path: string): string {
  return `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
