#!/bin/sh
# Owns the configuration of one Sentinel: written at its start, kept by Sentinel itself from then on.
# It begins by watching `redis`; where another node has become the master since, the other Sentinels
# tell it so. A POSIX shell and redis-server, nothing else.
set -eu
umask 077
folder="${SENTINEL_DIR:-/sentinel}"
host="${SENTINEL_HOST:-$(hostname -i | cut -d ' ' -f 1)}"

cat >"$folder/sentinel.conf" <<EOF
port ${SENTINEL_PORT:-26379}
dir $folder
requirepass $REDIS_PASSWORD
sentinel sentinel-pass $REDIS_PASSWORD
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $host
sentinel monitor parley ${MASTER_HOST:-redis} ${MASTER_PORT:-6379} 2
sentinel auth-pass parley $REDIS_PASSWORD
sentinel down-after-milliseconds parley ${DOWN_AFTER_MS:-5000}
sentinel failover-timeout parley ${FAILOVER_TIMEOUT_MS:-30000}
EOF
exec redis-server "$folder/sentinel.conf" --sentinel
