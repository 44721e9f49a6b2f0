#!/bin/sh
# Writes the passwords of docker-compose.yml into ./secrets (or the directory named), once: it never replaces one.
# The directory is private to its owner. The files in it can be read by all, since compose mounts them as they
# are and the users inside the containers have other numbers.
set -eu

directory="${1:-secrets}"
if [ -e "$directory/database_url" ]; then
    echo "$directory holds secrets already; nothing was changed." >&2
    exit 0
fi

password() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

umask 077
mkdir -p "$directory"
chmod 700 "$directory"
database="$(password)"
broker="$(password)"
printf '%s' "$database" > "$directory/postgres_password"
printf 'redis://:%s@redis:6379/0\n' "$broker" > "$directory/redis_url"
printf 'requirepass %s\n' "$broker" > "$directory/redis_conf"
# Last, because it says that all of them are there.
printf 'postgresql://fittingroom:%s@postgres:5432/fittingroom\n' "$database" > "$directory/database_url"
chmod 444 "$directory/postgres_password" "$directory/redis_url" "$directory/redis_conf" "$directory/database_url"
echo "$directory now holds the passwords; keep a copy of it with your backups." >&2
