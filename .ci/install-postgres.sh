#!/usr/bin/env bash
# Installs PostgreSQL and pgvector 0.8 or newer on Debian, as root. Run again it changes nothing.
# Prints what it does to standard error, and the directory of the server's programs to standard output.
# PG_MAJOR chooses the major version; without it, the one that is installed, or Debian's own.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

readonly LEAST_PGVECTOR=0.8
# The first Debian release whose source of pgvector is new enough.
readonly PGVECTOR_SUITE=trixie

say() { echo "install-postgres: $*" >&2; }
fail() { say "$*"; exit 1; }

[ "$(id -u)" = 0 ] || fail 'root is needed to install packages'
command -v apt-get >/dev/null || fail 'this is not Debian: there is no apt-get'

refreshed=no
refresh() {
  [ "$refreshed" = yes ] || apt-get update -qq >&2
  refreshed=yes
}
install_packages() {
  refresh
  apt-get install -y -qq --no-install-recommends "$@" >&2
}
candidate_of() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -v '(none)' || true; }
# dpkg takes a version that it cannot read for any other, so only what begins with a digit is compared.
is_new_enough() { [[ $1 == [0-9]* ]] && dpkg --compare-versions "$1" ge "$LEAST_PGVECTOR"; }

installed_major() {
  for directory in /usr/lib/postgresql/*/bin; do
    [ -x "$directory/postgres" ] && basename "$(dirname "$directory")"
  done | sort -n | tail -1
}
major=${PG_MAJOR:-$(installed_major)}
if [ -z "$major" ]; then
  refresh
  # The version of Debian's metapackage begins with the major version: 15+248, 17+278.
  major=$(candidate_of postgresql | sed 's/[^0-9].*//')
  [ -n "$major" ] || fail 'apt knows no package postgresql'
fi
readonly bin=/usr/lib/postgresql/$major/bin
readonly control=/usr/share/postgresql/$major/extension/vector.control

if [ ! -x "$bin/initdb" ]; then
  say "installing PostgreSQL $major"
  # Without a cluster of its own: whoever wants a server makes one.
  mkdir -p /etc/postgresql-common/createcluster.d
  echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/botbase-ci.conf
  install_packages "postgresql-$major"
fi

pgvector_version() { sed -n "s/^default_version = '\(.*\)'/\1/p" "$control" 2>/dev/null || true; }

build_pgvector() {
  local work mirror server_version apt_options
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  server_version=$(dpkg-query -W -f='${Version}' "postgresql-$major")
  # Headers of the very server that is there; where apt has only newer ones, both are brought to the newer.
  install_packages "postgresql-server-dev-$major=$server_version" make gcc libc6-dev dpkg-dev ||
    install_packages "postgresql-$major" "postgresql-server-dev-$major" make gcc libc6-dev dpkg-dev
  mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian|Debian|//p' | head -1)
  [ -n "$mirror" ] || fail 'apt is configured with no Debian mirror'
  mkdir -p "$work/lists/partial" "$work/source"
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $PGVECTOR_SUITE main" > "$work/sources.list"
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

if ! is_new_enough "$(pgvector_version)"; then
  refresh
  if is_new_enough "$(candidate_of "postgresql-$major-pgvector")"; then
    say 'installing pgvector'
    install_packages "postgresql-$major-pgvector"
  else
    say 'building pgvector from its Debian source'
    build_pgvector
  fi
fi
is_new_enough "$(pgvector_version)" || fail "pgvector $LEAST_PGVECTOR or newer is needed, and there is '$(pgvector_version)'"
say "PostgreSQL $major with pgvector $(pgvector_version)"
echo "$bin"
