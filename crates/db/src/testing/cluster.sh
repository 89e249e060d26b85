#!/bin/sh
# A throw-away PostgreSQL cluster of this machine's packages, for tests. Prints the address of an
# administrator's database and keeps the cluster until its standard input ends; then nothing of it
# is left. Nothing in it is kept on purpose: it never waits for a disk.
set -eu
if [ -n "${MUSTER_TEST_POSTGRES_BIN:-}" ]; then
    bin=$MUSTER_TEST_POSTGRES_BIN
else
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
fi
if [ ! -x "$bin/initdb" ]; then
    echo "PostgreSQL is missing: install the package postgresql, or set MUSTER_TEST_POSTGRES to an administrator's address." >&2
    exit 1
fi
folder=$(mktemp -d /tmp/muster-postgres.XXXXXX)
server=
end() {
    if [ -n "$server" ]; then
        kill -QUIT "$(head -n 1 "$folder/data/postmaster.pid")" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 1' INT TERM HUP
# The server refuses to run as root.
as=
if [ "$(id -u)" = 0 ]; then
    chown postgres "$folder"
    as="setpriv --reuid=postgres --regid=postgres --init-groups"
fi
cd "$folder"
LC_ALL=C $as "$bin/initdb" --no-sync -A trust -U muster -E UTF8 --locale=C -D "$folder/data" >"$folder/initdb.log" 2>&1 || {
    cat "$folder/initdb.log" >&2
    exit 1
}
attempt=1
while :; do
    port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 40000))
    LC_ALL=C $as "$bin/postgres" -D "$folder/data" -p "$port" -k "$folder" \
        -c listen_addresses=127.0.0.1 -c fsync="${MUSTER_TEST_POSTGRES_FSYNC:-off}" \
        -c full_page_writes=off -c max_connections=400 -c shared_buffers=128MB \
        -c max_wal_size=4GB -c log_min_messages=fatal </dev/null >"$folder/server.log" 2>&1 &
    server=$!
    waited=0
    while [ "$waited" -lt 300 ] && kill -0 "$server" 2>/dev/null; do
        if "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" -U muster; then
            echo "postgres://muster@127.0.0.1:$port/postgres"
            # Whoever started this holds the other end open for as long as the cluster is needed.
            cat >/dev/null
            exit 0
        fi
        sleep 0.1
        waited=$((waited + 1))
    done
    attempt=$((attempt + 1))
    if [ "$attempt" -gt 5 ]; then
        cat "$folder/server.log" >&2
        exit 1
    fi
done
