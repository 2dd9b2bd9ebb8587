/**
 * What runs between us and the Redis server: `sh -c serverScript NAME FOLDER PROGRAM CONFIG GRACE SOCKETFOLDER`.
 *
 * - holds a kernel lock on FOLDER/guard for as long as the server lives (it is inherited), so that two servers can
 *   never write one append-only file, whatever was killed when; exit status 75 where another one holds it;
 * - removes what a server left that was killed while it wrote its file anew;
 * - writes FOLDER/server.pid;
 * - ends the server when for GRACE seconds no process with a lease (FOLDER/users/PID.TICKS.x) is alive.
 *
 * flock(1) is part of util-linux; without it (macOS) the lock of `withFolderLock` is the only one.
 */
export const serverScript = `
folder=$1 program=$2 config=$3 grace=$4 socketfolder=$5
cd "$folder" || exit 70
if command -v flock >/dev/null 2>&1; then
  exec 9>>guard || exit 71
  flock -n 9 || exit 75
  rm -f temp-*.aof temp-*.rdb appendonlydir/temp-*.aof
fi
"$program" "$config" &
pid=$!
exec 9>&-
echo "$pid" >server.pid.new && mv server.pid.new server.pid
trap 'kill "$pid" 2>/dev/null' TERM

has_user() {
  for lease in users/*; do
    name=\${lease#users/}
    user=\${name%%.*}
    rest=\${name#*.}
    ticks=\${rest%%.*}
    case $user in '' | *[!0-9]*) continue ;; esac
    if [ "$ticks" = 0 ]; then
      kill -0 "$user" 2>/dev/null && return 0
      continue
    fi
    stat=
    read -r stat 2>/dev/null <"/proc/$user/stat" || continue
    set -- \${stat##*) }
    [ "$1" != Z ] && [ "\${20}" = "$ticks" ] && return 0
  done
  return 1
}

lonely=0
while kill -0 "$pid" 2>/dev/null; do
  sleep 1
  if has_user; then lonely=0; else lonely=$((lonely + 1)); fi
  if [ "$lonely" -ge "$grace" ]; then
    kill "$pid" 2>/dev/null
    wait "$pid"
    rmdir "$socketfolder" 2>/dev/null
    exit 0
  fi
done
wait "$pid"
`;
