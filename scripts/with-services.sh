#!/usr/bin/env bash
# Runs a command with PostgreSQL (with pgvector) and Redis of its own, and stops both when the command has ended, however
# it ended:
#
#   bash scripts/with-services.sh npx vitest run --project services
#
# Both listen on free ports of 127.0.0.1 and keep their data in a new temporary directory. The command finds them by
# TEST_DATABASE_URL (a superuser who may create databases) and TEST_REDIS_URL, and TMPDIR is a directory that goes with
# them. The exit status is the command's. install-services.sh installs what is missing.
set -euo pipefail

if [ $# = 0 ]; then
  echo 'usage: bash scripts/with-services.sh command [argument…]' >&2
  exit 2
fi

# A command that is told to stop gets this long.
readonly STOP_SECONDS=10
readonly START_SECONDS=60
# Below the ports that systems give to outgoing connections: none of those can take one while a server restarts.
readonly FIRST_PORT=20000
readonly PORTS=12000

pg_bin=$(bash "$(dirname "${BASH_SOURCE[0]}")/install-services.sh")
work=$(mktemp -d "${TMPDIR:-/tmp}/botbase-services.XXXXXX")
redis_id=
command_id=

say() { echo "with-services: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then (cd / && exec runuser -u postgres -- "$@"); else "$@"; fi
}

# Asks the command to end, and all that it started and that stayed in its process group.
stop_command() {
  [ -n "$command_id" ] || return 0
  kill "-$1" -- "-$command_id" 2>/dev/null || true
  for _ in $(seq $((STOP_SECONDS * 10))); do
    kill -0 "$command_id" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$command_id" 2>/dev/null || true
  wait "$command_id" 2>/dev/null || true
  command_id=
}

clean_up() {
  # Impatience must not leave half of it.
  trap '' HUP INT TERM
  stop_command TERM
  if [ -n "$redis_id" ]; then
    kill "$redis_id" 2>/dev/null || true
    wait "$redis_id" 2>/dev/null || true
  fi
  if [ -f "$work/postgres/postmaster.pid" ]; then
    as_postgres "$pg_bin/pg_ctl" -D "$work/postgres" -m immediate -w stop >/dev/null || true
  fi
  rm -rf "$work"
}
interrupted() {
  trap '' HUP INT TERM
  stop_command "$1"
  exit "$2"
}
trap clean_up EXIT
trap 'interrupted HUP 129' HUP
trap 'interrupted INT 130' INT
trap 'interrupted TERM 143' TERM

is_port_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

find_port() {
  local port
  for _ in $(seq 100); do
    port=$((FIRST_PORT + RANDOM % PORTS))
    if is_port_free "$port"; then
      echo "$port"
      return
    fi
  done
  fail "no free port from $FIRST_PORT on"
}

start_postgres() {
  local port password
  port=$(find_port)
  password=$(random_password)
  mkdir -m 700 "$work/postgres"
  printf '%s' "$password" >"$work/password"
  [ "$(id -u)" != 0 ] || chown postgres:postgres "$work/postgres" "$work/password"
  chmod 600 "$work/password"
  as_postgres "$pg_bin/initdb" -D "$work/postgres" -U postgres -A scram-sha-256 --pwfile "$work/password" \
    -E UTF8 --locale C.UTF-8 >"$work/initdb.log"
  # These data are thrown away: nothing waits for the disk.
  cat >>"$work/postgres/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 400
fsync = off
synchronous_commit = off
full_page_writes = off
CONF
  as_postgres "$pg_bin/pg_ctl" -D "$work/postgres" -l "$work/postgres/server.log" -w -t $START_SECONDS start >/dev/null || {
    tail -20 "$work/postgres/server.log" >&2
    fail 'PostgreSQL did not start'
  }
  export TEST_DATABASE_URL=postgres://postgres:$password@127.0.0.1:$port/postgres
  say "PostgreSQL listens on 127.0.0.1:$port"
}

start_redis() {
  local port password
  port=$(find_port)
  password=$(random_password)
  mkdir -m 700 "$work/redis"
  # By standard input, so that the password is in no command line. Tests that run at once take a numbered database each.
  redis-server - >"$work/redis/server.log" <<CONF &
bind 127.0.0.1
port $port
requirepass $password
dir $work/redis
appendonly yes
save ""
maxmemory-policy noeviction
databases 1000
CONF
  redis_id=$!
  for _ in $(seq $((START_SECONDS * 10))); do
    if ! kill -0 "$redis_id" 2>/dev/null || ! is_port_free "$port"; then break; fi
    sleep 0.1
  done
  if ! kill -0 "$redis_id" 2>/dev/null || is_port_free "$port"; then
    tail -20 "$work/redis/server.log" >&2
    fail 'Redis did not start'
  fi
  export TEST_REDIS_URL=redis://default:$password@127.0.0.1:$port
  say "Redis listens on 127.0.0.1:$port"
}

random_password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# The postgres user has to find its way in; what is secret has a directory of its own.
chmod 755 "$work"
start_postgres
start_redis

mkdir "$work/tmp"
# In a process group of its own, so that a signal reaches all of it, and a signal to us does not wait for its end.
set -m
TMPDIR=$work/tmp "$@" <&0 &
command_id=$!
set +m
status=0
wait "$command_id" || status=$?
# What it left behind would go on without its servers.
kill -KILL -- "-$command_id" 2>/dev/null || true
command_id=
exit "$status"
