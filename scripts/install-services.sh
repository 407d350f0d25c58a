#!/usr/bin/env bash
# Installs on Debian, as root, the real servers that tests run on: PostgreSQL with pgvector 0.8 or newer, and Redis 6.2
# or newer. Run again it changes nothing; where all is there already it needs neither root nor Debian.
# Prints what it does to standard error, and the directory of PostgreSQL's programs to standard output.
# PG_MAJOR chooses PostgreSQL's major version; without it, the newest that is installed, or Debian's own.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

readonly LEAST_PGVECTOR=0.8
readonly LEAST_REDIS=6.2
# The first Debian release whose source of pgvector is new enough.
readonly PGVECTOR_SUITE=trixie

work=$(mktemp -d)
# Settings of the system that hold while packages are installed, and no longer.
temporary=()
clean_up() { rm -rf "$work" ${temporary[@]+"${temporary[@]}"}; }
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { echo "install-services: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

# Only what begins with a digit is a version.
is_at_least() { [[ $1 == [0-9]* ]] && [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -1)" = "$2" ]; }

refreshed=no
refresh() {
  [ "$refreshed" = yes ] || apt-get update -qq >&2
  refreshed=yes
}
# Says what is missing where this machine cannot be given it.
require_apt() {
  [ "$(id -u)" = 0 ] || fail "$1 is missing, and only root can install it"
  command -v apt-get >/dev/null || fail "$1 is missing, and this is not Debian: there is no apt-get to install it with"
}
# Writes a file that is there for the time of this script, unless it is there for longer.
set_temporarily() {
  [ ! -e "$1" ] || return 0
  temporary+=("$1")
  mkdir -p "$(dirname "$1")"
  printf '%b' "$2" >"$1"
  chmod 755 "$1"
}
install_packages() {
  refresh
  # A package would start a server of its own at once, and PostgreSQL's make data for it; the tests start theirs.
  set_temporarily /usr/sbin/policy-rc.d '#!/bin/sh\nexit 101\n'
  set_temporarily /etc/postgresql-common/createcluster.d/botbase.conf 'create_main_cluster = false\n'
  apt-get install -y -qq --no-install-recommends "$@" >&2
}
candidate_of() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -v '(none)' || true; }

installed_major() {
  for directory in /usr/lib/postgresql/*/bin; do
    [ ! -x "$directory/postgres" ] || basename "$(dirname "$directory")"
  done | sort -n | tail -1
}

# The directory of PostgreSQL's programs: Debian's, or what pg_config on PATH names.
find_postgres() {
  local major=${PG_MAJOR:-$(installed_major)}
  if [ -n "$major" ]; then
    echo "/usr/lib/postgresql/$major/bin"
  elif command -v pg_config >/dev/null; then
    pg_config --bindir
  fi
}

install_postgres() {
  local major=${PG_MAJOR:-}
  require_apt 'PostgreSQL'
  refresh
  # The version of Debian's metapackage begins with the major version: 15+248, 17+278.
  [ -n "$major" ] || major=$(candidate_of postgresql | sed 's/[^0-9].*//')
  [ -n "$major" ] || fail 'PostgreSQL is missing, and apt knows no package postgresql'
  say "installing PostgreSQL $major"
  install_packages "postgresql-$major" || fail "apt could not install postgresql-$major"
}

pgvector_version() {
  sed -n "s/^default_version = '\(.*\)'/\1/p" "$("$bin/pg_config" --sharedir)/extension/vector.control" 2>/dev/null || true
}

install_pgvector() {
  local major
  require_apt "pgvector $LEAST_PGVECTOR or newer for the PostgreSQL in $bin"
  major=$("$bin/pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
  refresh
  # A package's version carries the revision of its packaging: 0.8.0-1.
  if is_at_least "$(candidate_of "postgresql-$major-pgvector")" "$LEAST_PGVECTOR"; then
    say 'installing pgvector'
    install_packages "postgresql-$major-pgvector"
  else
    say 'building pgvector from its Debian source'
    build_pgvector "$major"
  fi
}

build_pgvector() {
  local major=$1 mirror server_version apt_options
  server_version=$(dpkg-query -W -f='${Version}' "postgresql-$major")
  # Headers of the very server that is there; where apt has only newer ones, both are brought to the newer.
  install_packages "postgresql-server-dev-$major=$server_version" make gcc libc6-dev dpkg-dev ||
    install_packages "postgresql-$major" "postgresql-server-dev-$major" make gcc libc6-dev dpkg-dev
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian|Debian|//p' | head -1)
  [ -n "$mirror" ] || fail 'pgvector is missing, and apt is configured with no Debian mirror to fetch its source from'
  mkdir -p "$work/lists/partial" "$work/source"
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $PGVECTOR_SUITE main" >"$work/sources.list"
  apt_options=(
    -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$work/lists" -o APT::Sandbox::User=root
  )
  apt-get update -qq "${apt_options[@]}" >&2
  # apt checks the archive's signature and the file's hash.
  (cd "$work" && apt-get source -qq --download-only "${apt_options[@]}" pgvector >&2)
  tar -xzf "$work"/pgvector_*.orig.tar.gz -C "$work/source" --strip-components=1
  # No tuning to this very processor, and no bitcode: clang is not needed.
  make -s -C "$work/source" -j"$(nproc)" OPTFLAGS= with_llvm=no PG_CONFIG="$bin/pg_config" >&2
  make -s -C "$work/source" install OPTFLAGS= with_llvm=no PG_CONFIG="$bin/pg_config" >&2
}

redis_version() { redis-server --version 2>/dev/null | sed -n 's/.* v=\([0-9.]*\).*/\1/p' || true; }

bin=$(find_postgres)
if [ -z "$bin" ] || [ ! -x "$bin/initdb" ]; then
  install_postgres
  bin=$(find_postgres)
fi
is_at_least "$(pgvector_version)" "$LEAST_PGVECTOR" || install_pgvector
is_at_least "$(pgvector_version)" "$LEAST_PGVECTOR" ||
  fail "pgvector $LEAST_PGVECTOR or newer is needed, and there is '$(pgvector_version)'"

if ! command -v redis-server >/dev/null; then
  require_apt 'Redis'
  say 'installing Redis'
  install_packages redis-server || fail 'apt could not install redis-server'
fi
is_at_least "$(redis_version)" "$LEAST_REDIS" ||
  fail "Redis $LEAST_REDIS or newer is needed, and there is '$(redis_version)'"

say "$("$bin/postgres" --version), pgvector $(pgvector_version), Redis $(redis_version)"
echo "$bin"
