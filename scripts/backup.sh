#!/usr/bin/env bash
# Backs up a Botbase on a PostgreSQL server while it runs: the database and the uploaded files, so that after a restore no
# source misses its file.
#
#   DATABASE_URL=postgres://… DATA_DIR=/srv/botbase/data bash scripts/backup.sh /srv/backups
#
# It makes a directory there, botbase-<time>, with
#   database.dump   pg_dump's custom format
#   files.tar       what is under DATA_DIR/files; not made when S3_BUCKET is set: see DEPLOYMENT.md
#   manifest.json   which version, when, how much
#   SHA256SUMS      of the three
# and prints its path. It needs bash, GNU tar, and pg_dump and pg_restore of the server's version or newer.
# What was encrypted is encrypted in the backup too: keep ENCRYPTION_KEY and JWT_SECRET, elsewhere.
set -euo pipefail
# Whoever can read a backup can read everything.
umask 077

# A source that is deleted while the backup is made may be in the dump and its file no more there: then the dump is made
# anew. It would take another deletion at each time to need one more.
readonly MAX_DUMPS=3
readonly MANIFEST_FORMAT=1

say() { echo "backup: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

[ $# = 1 ] || { echo 'usage: bash scripts/backup.sh directory' >&2; exit 2; }
[ -n "${DATABASE_URL:-}" ] ||
  fail 'DATABASE_URL is not set. The embedded database is copied while Botbase is stopped: see DEPLOYMENT.md'
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/database-url.sh"
files=${DATA_DIR:-./data}/files
[ -n "${S3_BUCKET:-}" ] || [ -d "$files" ] || fail "$files is not there: set DATA_DIR as Botbase has it"

mkdir -p "$1"
target=$(cd "$1" && pwd)/botbase-$(date -u +%Y%m%dT%H%M%SZ)
partial=$target.partial
mkdir "$partial"
trap 'rm -rf "$partial"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Who runs now does not run where this is restored. When its schedules are new too, no files are swept in the first hours:
# time to see that it was restored to a wrong place.
dump_database() {
  pg_dump --dbname "$database" --format=custom --no-owner --no-privileges --no-comments --lock-wait-timeout=60s \
    --exclude-table-data=public.processes --exclude-table-data=public.schedules \
    --file "$partial/database.dump"
}

# The keys of all stored files that the sources in the dump point to. In COPY's text columns are parted by tabs, and a
# quotation mark inside a JSON string has a backslash before it, so no name of a file can look like a key.
keys_in_dump() {
  pg_restore --data-only --table=sources --file=- "$partial/database.dump" | awk -F '\t' '
    /^COPY .*sources \(/ {
      columns = $0; sub(/^[^(]*\(/, "", columns); sub(/\).*/, "", columns)
      count = split(columns, names, /, /)
      for (i = 1; i <= count; i++) if (names[i] == "origin") origin = i
      next
    }
    /^\\\.$/ { origin = 0 }
    origin && match($origin, /"fileKey": "[^"]*"/) { print substr($origin, RSTART + 12, RLENGTH - 13) }
  ' | sort -u
}

# Adds the files that are not in the archive yet. They are written under a hidden name and never changed afterwards; one
# that is deleted meanwhile is passed over.
archive_files() {
  (cd "$files" && find . -type f ! -name '.*' ! -path './health/*' -printf '%P\n') | sort >"$partial/present"
  comm -23 "$partial/present" "$partial/archived" >"$partial/new"
  tar --append --file "$partial/files.tar" --directory "$files" --no-recursion --ignore-failed-read \
    --warning=no-failed-read --files-from "$partial/new"
  tar --list --file "$partial/files.tar" | sort >"$partial/archived"
}

: >"$partial/archived"
: >"$partial/missing"
if [ -n "${S3_BUCKET:-}" ]; then
  dump_database
  say "the files are in the bucket $S3_BUCKET: keep its old versions as long as this backup"
else
  tar --create --file "$partial/files.tar" --files-from /dev/null
  # A file is stored before its row is written and deleted after: the database goes first.
  for dumps in $(seq $MAX_DUMPS); do
    dump_database
    archive_files
    keys_in_dump | comm -23 - "$partial/archived" >"$partial/still-missing"
    # What is missing twice was not deleted meanwhile: it is lost, and another dump would not bring it back.
    if [ ! -s "$partial/still-missing" ] || cmp -s "$partial/still-missing" "$partial/missing"; then break; fi
    say "$(wc -l <"$partial/still-missing") sources were deleted while dump $dumps was made"
    mv "$partial/still-missing" "$partial/missing"
  done
  mv "$partial/still-missing" "$partial/missing" 2>/dev/null || true
  if [ -s "$partial/missing" ]; then
    say 'these files are named by sources and are not in the storage; the backup is whole without them:'
    cat "$partial/missing" >&2
  fi
fi

version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$here/../server/package.json")
cat >"$partial/manifest.json" <<JSON
{
  "format": $MANIFEST_FORMAT,
  "createdAt": "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
  "botbase": "$version",
  "postgres": "$(psql -XAtq --dbname "$database" -c 'show server_version')",
  "files": $(if [ -n "${S3_BUCKET:-}" ]; then echo "\"s3://$S3_BUCKET\""; else wc -l <"$partial/archived"; fi),
  "missingFiles": $(wc -l <"$partial/missing")
}
JSON
rm -f "$partial"/{archived,present,new,missing,still-missing}
(cd "$partial" && sha256sum -- * >../"$(basename "$target")".sums && mv ../"$(basename "$target")".sums SHA256SUMS)
sync
mv "$partial" "$target"
echo "$target"
