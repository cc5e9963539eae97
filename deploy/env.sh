#!/bin/sh
# Owns the secrets of docker-compose.yml: makes what is missing in .env and deploy/secrets/, changes
# nothing that is there, prints no secret. Needs a POSIX shell and nothing else.
set -eu
umask 077
cd "$(dirname "$0")/.."

random() { # random BYTES: twice as many hexadecimal digits
  od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'
}

touch .env
chmod 600 .env
for name in SECRET_KEY MONGODB_ROOT_PASSWORD MONGODB_PASSWORD REDIS_PASSWORD METRICS_TOKEN GRAFANA_PASSWORD; do
  if ! grep -q "^$name=." .env; then
    sed -i.old "/^$name=/d" .env && rm -f .env.old
    if [ -s .env ] && [ -n "$(tail -c 1 .env)" ]; then echo >>.env; fi
    echo "$name=$(random 32)" >>.env
    echo "made $name in .env"
  fi
done

# Containers read these as users of their own: the files are open, the folder is not.
mkdir -p deploy/secrets
chmod 700 deploy/secrets
if ! [ -s deploy/secrets/mongo_keyfile ]; then
  random 378 >deploy/secrets/mongo_keyfile
  echo "made deploy/secrets/mongo_keyfile"
fi
sed -n 's/^METRICS_TOKEN=//p' .env | tr -d '\n' >deploy/secrets/metrics_token
chmod 644 deploy/secrets/mongo_keyfile deploy/secrets/metrics_token
