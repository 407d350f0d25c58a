# Read by backup.sh and restore.sh. Takes the password out of DATABASE_URL: command lines can be read by every user of a
# machine. $database is the address without it, and PGPASSWORD has it.
database=$DATABASE_URL
if [[ $DATABASE_URL =~ ^([a-z]+://[^:@/]*):([^@/]*)@(.*)$ ]]; then
  database="${BASH_REMATCH[1]}@${BASH_REMATCH[3]}"
  # %40 and the like; a backslash stands for itself.
  password=${BASH_REMATCH[2]//\\/\\\\}
  printf -v PGPASSWORD '%b' "${password//\%/\\x}"
  unset password
  export PGPASSWORD
fi
