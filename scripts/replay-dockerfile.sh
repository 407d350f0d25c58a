#!/usr/bin/env bash
# Replays the Dockerfile without a container engine, on Linux as root, and tries what comes out:
#
#   bash scripts/replay-dockerfile.sh
#   bash scripts/with-services.sh bash scripts/replay-dockerfile.sh
#
# Every stage is an overlay over this machine's own root directory, which stands in for the base image: what RUN and COPY
# write goes to the overlay, and this machine is not changed. The result runs as the Dockerfile says: its user without any
# capability, a read-only root, /data and /tmp the only places to write, process number 1 of its own. It runs `all` on the
# embedded database and, where TEST_DATABASE_URL and TEST_REDIS_URL name servers, `migrate`, `api` and `worker` on those.
# Each has to become healthy, answer a question and end with 0 at SIGTERM. Nothing is left behind.
set -euo pipefail

readonly HEALTHY_SECONDS=90
readonly STOP_SECONDS=45

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { echo "replay: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

# All mounts and processes belong to namespaces of the second run of this script, and end with it.
if [ -z "${REPLAY_WORK:-}" ]; then
  [ "$(id -u)" = 0 ] || fail 'only root can mount the overlays'
  REPLAY_WORK=$(mktemp -d "${TMPDIR:-/tmp}/botbase-replay.XXXXXX")
  export REPLAY_WORK
  trap 'rm -rf "$REPLAY_WORK"' EXIT
  # unshare waits for its child whatever it is told; with it, all that is in its namespaces goes.
  trap 'kill -KILL "$inner" 2>/dev/null; wait "$inner" || true; exit 143' HUP INT TERM
  unshare --mount --pid --fork --kill-child --mount-proc bash "${BASH_SOURCE[0]}" &
  inner=$!
  status=0
  wait "$inner" || status=$?
  exit "$status"
fi
work=$REPLAY_WORK

# --- the build

declare -A variables=() uppers=() roots=() workdirs=() users=() environments=()
healthcheck=
entrypoint=
command=
stage_count=0

# The build context: what .dockerignore lets in.
make_context() {
  local pattern included=() excluded=()
  while read -r pattern; do
    case $pattern in
      '' | '#'* | '*') ;;
      '!'*) included+=("${pattern#!}") ;;
      '**/'*) excluded+=("--exclude=${pattern#'**/'}") ;;
      *) fail ".dockerignore: cannot replay '$pattern'" ;;
    esac
  done <"$repository/.dockerignore"
  mkdir "$work/context"
  tar -C "$repository" "${excluded[@]}" -cf - "${included[@]}" | tar -C "$work/context" --no-same-owner -xf -
}

expand() {
  local text=$1 name
  for name in "${!variables[@]}"; do text=${text//"\${$name}"/${variables[$name]}}; done
  printf '%s' "$text"
}

# Mounts a new stage at $root: this machine's root directory and, above it, what an earlier stage wrote.
start_stage() {
  local base=$1 name=$2 directory
  stage_count=$((stage_count + 1))
  directory=$work/stage$stage_count
  root=$directory/root
  upper=$directory/upper
  mkdir -p "$upper" "$directory/overlay" "$root"
  if [ -n "${uppers[$base]:-}" ]; then cp -a "${uppers[$base]}/." "$upper"; fi
  mount -t overlay overlay -o "lowerdir=/,upperdir=$upper,workdir=$directory/overlay" "$root" ||
    fail 'this system cannot mount an overlay here'
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  stage=$name
  uppers[$stage]=$upper
  roots[$stage]=$root
  # A stage goes on with the settings of its base.
  workdir=${workdirs[$base]:-/}
  user=${users[$base]:-0:0}
  mapfile -t environment <<<"${environments[$base]:-PATH=$PATH}"
}
remember_settings() {
  workdirs[$stage]=$workdir
  users[$stage]=$user
  environments[$stage]=$(printf '%s\n' "${environment[@]}")
}

run_step() {
  chroot "$root" env -i -C "$workdir" HOME=/root "${environment[@]}" sh -c "$1" >"$work/step.log" 2>&1 && return
  tail -40 "$work/step.log" >&2
  fail "failed: RUN $1"
}

copy_step() {
  local from=$work/context word words=() target source
  for word in $1; do
    case $word in
      --from=*) from=${roots[${word#--from=}]} ;;
      --*) fail "COPY: cannot replay '$word'" ;;
      *) words+=("$word") ;;
    esac
  done
  target=${words[-1]}
  [[ $target == /* ]] || target=${workdir%/}/$target
  for source in "${words[@]:0:${#words[@]}-1}"; do
    # The content of a directory is copied, not the directory.
    if [ -d "$from/$source" ]; then
      mkdir -p "$root$target"
      cp -R --preserve=mode,timestamps,links "$from/$source/." "$root$target"
    else
      if [[ $target == */ ]]; then mkdir -p "$root$target"; fi
      cp --preserve=mode,timestamps "$from/$source" "$root$target"
    fi
  done
}

# One instruction, its continued lines joined.
replay() {
  local instruction=$1 rest=$2 pair base name
  case $instruction in
    ARG) variables[${rest%%=*}]=${rest#*=} ;;
    FROM)
      read -r base _ name <<<"$(expand "$rest")"
      start_stage "$base" "${name:-last}"
      ;;
    WORKDIR)
      workdir=$rest
      [ "$stage_count" != 1 ] || [ ! -e "$workdir" ] || fail "$workdir is there on this machine already"
      mkdir -p "$root$workdir"
      ;;
    COPY) copy_step "$(expand "$rest")" ;;
    RUN) run_step "$rest" ;;
    ENV) for pair in $rest; do environment+=("$pair"); done ;;
    USER) user=$rest ;;
    HEALTHCHECK) healthcheck=${rest#*CMD } ;;
    ENTRYPOINT) entrypoint=$rest ;;
    CMD) command=$rest ;;
    LABEL | VOLUME | EXPOSE | STOPSIGNAL) ;;
    *) fail "cannot replay $instruction" ;;
  esac
  if [ "$stage_count" -gt 0 ]; then remember_settings; fi
}

build() {
  local line instruction rest
  make_context
  while read -r line; do
    read -r instruction rest <<<"$line"
    say "$instruction ${rest:0:90}"
    replay "$instruction" "$rest"
  done < <(sed -e '/^#/d' -e '/^$/d' -e ':join' -e '/\\$/{N;s/ *\\\n */ /;bjoin' -e '}' "$repository/Dockerfile")
}

# --- the run

# The last stage becomes a container's file system, and a directory of this run its volume.
seal() {
  mount -o remount,ro "$root"
  mount -t tmpfs -o mode=1777,nosuid,nodev,noexec tmpfs "$root/tmp"
}
mount_volume() {
  install -d -o "${user%:*}" -g "${user#*:}" -m 0700 "$work/$1"
  mount --bind "$work/$1" "$root/data"
}

# How a program runs in the container: as its user, with the image's environment and then $settings.
settings=()
contain() {
  contained=(
    chroot "$root" setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs
    --inh-caps=-all --bounding-set=-all env -i -C "$workdir" "${environment[@]}" "${settings[@]}"
  )
}
words_of() { node -e 'for (const word of JSON.parse(process.argv[1])) console.log(word)' "$1"; }

declare -A processes=() ports=()

# Starts the image with a command. As with an engine the program is process number 1 of its namespace.
start() {
  local role=$1 program
  shift
  ports[$role]=$(free_port)
  settings=("HOST=127.0.0.1" "PORT=${ports[$role]}" "$@")
  contain
  mapfile -t program < <(words_of "$entrypoint")
  unshare --pid --fork --kill-child --mount-proc="$root/proc" "${contained[@]}" "${program[@]}" "$role" \
    >"$work/$role.log" 2>&1 &
  processes[$role]=$!
}
free_port() {
  node -e 'const server = require("net").createServer().listen(0, "127.0.0.1", () => {
    console.log(server.address().port); server.close(); })'
}

# By the image's own health check.
is_healthy() {
  local check
  settings=("PORT=${ports[$1]}")
  contain
  mapfile -t check < <(words_of "$healthcheck")
  "${contained[@]}" "${check[@]}"
}
wait_until_healthy() {
  local role=$1 deadline=$((SECONDS + HEALTHY_SECONDS))
  until is_healthy "$role"; do
    if ! kill -0 "${processes[$role]}" 2>/dev/null || [ $SECONDS -ge $deadline ]; then
      tail -20 "$work/$role.log" >&2
      fail "$role did not become healthy"
    fi
    sleep 0.2
  done
}

# The resident memory of a process and of all that it started, in MB.
resident_mb() {
  local id sum=0 own
  for id in $(descendants "$1"); do
    own=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$id/status")
    sum=$((sum + ${own:-0}))
  done
  echo $((sum / 1024))
}
descendants() {
  local child
  echo "$1"
  for child in $(cat "/proc/$1/task/$1/children"); do descendants "$child"; done
}

stop() {
  local role=$1 status=0 process
  process=$(xargs <"/proc/${processes[$role]}/task/${processes[$role]}/children")
  say "$role: $(resident_mb "$process") MB resident"
  kill -TERM "$process"
  timeout $STOP_SECONDS tail --pid="$process" -f /dev/null || fail "$role did not end within $STOP_SECONDS s of SIGTERM"
  wait "${processes[$role]}" || status=$?
  [ "$status" = 0 ] || fail "$role ended with $status after SIGTERM"
  say "$role: ended with 0 at SIGTERM"
}

try_writing() {
  settings=()
  contain
  "${contained[@]}" sh -c 'touch /data/probe /tmp/probe && rm /data/probe /tmp/probe' || fail '/data or /tmp is not writable'
  if "${contained[@]}" sh -c "touch $workdir/probe" 2>/dev/null; then fail "$workdir is writable"; fi
  # Not even without the read-only root: all files of the program belong to root.
  mount -o remount,rw "$root"
  if "${contained[@]}" sh -c "touch $workdir/probe" 2>/dev/null; then fail "$workdir belongs to the program's user"; fi
  mount -o remount,ro "$root"
}

try_alone() {
  mount_volume alone
  try_writing
  start all "${secrets[@]}"
  wait_until_healthy all
  node "$repository/scripts/smoke-test.mjs" "http://127.0.0.1:${ports[all]}"
  stop all
  umount "$root/data"
}

try_on_servers() {
  local servers=("DATABASE_URL=$TEST_DATABASE_URL" "REDIS_URL=$TEST_REDIS_URL" "${secrets[@]}")
  mount_volume shared
  start migrate "${servers[@]}"
  wait "${processes[migrate]}" || fail "migrate failed: $(tail -5 "$work/migrate.log")"
  say 'migrate: ended with 0'
  start api "${servers[@]}"
  start worker "${servers[@]}"
  wait_until_healthy api
  wait_until_healthy worker
  node "$repository/scripts/smoke-test.mjs" "http://127.0.0.1:${ports[api]}"
  stop api
  stop worker
  umount "$root/data"
}

build
say "the image adds $(du -sm "$upper" | cut -f1) MB to its base"
seal
secrets=(
  "JWT_SECRET=$(node -p 'require("crypto").randomBytes(48).toString("base64")')"
  "ENCRYPTION_KEY=$(node -p 'require("crypto").randomBytes(32).toString("base64")')"
)
[ "$command" = '["all"]' ] || fail "CMD is $command"
try_alone
if [ -n "${TEST_DATABASE_URL:-}" ] && [ -n "${TEST_REDIS_URL:-}" ]; then
  try_on_servers
else
  say 'api and worker were not tried: TEST_DATABASE_URL and TEST_REDIS_URL name no servers'
fi
say 'passed'
