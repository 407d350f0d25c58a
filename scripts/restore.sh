#!/usr/bin/env bash
# Restores what backup.sh made, into an empty database and into DATA_DIR. Stop every Botbase on them first.
#
#   DATABASE_URL=postgres://… DATA_DIR=/srv/botbase/data bash scripts/restore.sh /srv/backups/botbase-20260101T030000Z
#
# --replace, before the directory, empties a database that is not empty, unless a Botbase that runs on it has just given a
# sign of life; with --while-running nobody looks for one. The database changes in one transaction: when anything fails,
# it is as it was. Start Botbase with the ENCRYPTION_KEY and the JWT_SECRET of the time of the backup, and of the same
# version or a newer one.
set -euo pipefail
umask 077

readonly MANIFEST_FORMAT=1

say() { echo "restore: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

replace=
while_running=
while :; do
  case ${1:-} in
    --replace) replace=yes ;;
    --while-running) while_running=yes ;;
    *) break ;;
  esac
  shift
done
[ $# = 1 ] || { echo 'usage: bash scripts/restore.sh [--replace] [--while-running] directory' >&2; exit 2; }
[ -n "${DATABASE_URL:-}" ] || fail 'DATABASE_URL is not set'
backup=$(cd "$1" && pwd)
. "$(dirname "${BASH_SOURCE[0]}")/database-url.sh"
files=${DATA_DIR:-./data}/files

query() { psql -XAtq --dbname "$database" -v ON_ERROR_STOP=1 -c "$1"; }

# Everything is checked before anything is changed.
check_backup() {
  local expected='database.dump manifest.json'
  [ -f "$backup/SHA256SUMS" ] || fail "$backup is no backup: it has no SHA256SUMS"
  if [ -f "$backup/files.tar" ] || grep -q '"files": [0-9]' "$backup/manifest.json"; then
    expected='database.dump files.tar manifest.json'
  fi
  [ "$(sed 's/^[0-9a-f]\{64\}  //' "$backup/SHA256SUMS" | sort | xargs)" = "$expected" ] ||
    fail 'SHA256SUMS does not name the files of the backup'
  (cd "$backup" && sha256sum --check --strict --quiet SHA256SUMS) || fail 'the backup is damaged; nothing was changed'
  grep -q "\"format\": $MANIFEST_FORMAT," "$backup/manifest.json" ||
    fail 'the backup has a format of another version of this script'
}

check_database() {
  local tables
  tables=$(query "select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')") ||
    fail 'the database cannot be reached'
  [ "$tables" = 0 ] || [ -n "$replace" ] ||
    fail "the database has $tables tables. Give an empty one, or --replace to delete what is in it"
  [ -n "$while_running" ] || check_nobody_runs
}

# A process that runs on would write into what is restored.
check_nobody_runs() {
  local table running
  # An empty database does not have the table, nor has one of the first version.
  table=$(query "select to_regclass('public.processes')") || fail 'the database cannot be reached'
  [ -n "$table" ] || return 0
  running=$(query "select string_agg(role || ' on ' || host, ', ' order by role, host) from $table
    where alive_until > now()") || fail 'the processes on the database cannot be read'
  [ -z "$running" ] ||
    fail "Botbase runs on this database ($running). Stop it; one that was killed counts for some seconds more"
}

# Files that are there already stay: their names are never used twice, and what no source points to is swept a day later.
restore_files() {
  if [ ! -f "$backup/files.tar" ]; then
    say "the files are in $(sed -n 's/^  "files": "\(.*\)",$/\1/p' "$backup/manifest.json"): bring back what was deleted there"
    return
  fi
  mkdir -p "$files"
  tar --extract --file "$backup/files.tar" --directory "$files" --no-same-owner
  # Where root restores, they belong to whom the data directory belongs to.
  if [ "$(id -u)" = 0 ]; then chown -R --reference="${DATA_DIR:-./data}" "$files"; fi
}

# Everything but what belongs to an extension, which only an administrator may be able to make again.
empty_database() {
  cat <<'SQL'
set local client_min_messages = warning;
drop schema if exists drizzle cascade;
do $$
declare
  name text;
begin
  for name in select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'public' loop
    execute 'drop table ' || name || ' cascade';
  end loop;
  for name in
    select format('public.%I(%s)', proname, pg_get_function_identity_arguments(oid)) from pg_proc
    where pronamespace = 'public'::regnamespace and prokind = 'f'
      and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
  loop
    execute 'drop function ' || name || ' cascade';
  end loop;
  for name in
    select format('public.%I', typname) from pg_type
    where typnamespace = 'public'::regnamespace and typtype in ('e', 'd')
      and not exists (select from pg_depend where objid = pg_type.oid and deptype = 'e')
  loop
    execute 'drop type ' || name || ' cascade';
  end loop;
end $$;
SQL
}

# Policies are left out: they name a role, which belongs to the server and not to the backup. The next start makes them.
list_contents() {
  pg_restore --list "$backup/database.dump" | grep -Ev '^[0-9]+; [0-9]+ [0-9]+ (POLICY|ROW SECURITY) '
}

# Without its last line, which comes only when the whole dump was read, psql's transaction is rolled back.
restore_database() {
  {
    echo 'begin;'
    if [ -n "$replace" ]; then empty_database; fi
    pg_restore --no-owner --no-privileges --use-list=<(list_contents) --file=- "$backup/database.dump" && echo 'commit;'
  } | psql -Xq --dbname "$database" -v ON_ERROR_STOP=1 -o /dev/null
}

check_backup
check_database
# Files first: a row must not point to what is not there yet.
restore_files
restore_database || fail 'the database could not be restored; it is as it was before'
query 'analyze'
say "restored $(query 'select count(*) from users') accounts and $(query 'select count(*) from sources') sources"
