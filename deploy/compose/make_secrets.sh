#!/bin/sh
# Makes what compose.yml reads from ./secrets beside it: random, once, and never anew. Keep a copy elsewhere: without
# backup_key nobody reads the backups again.
set -eu
folder=${1:-"$(dirname "$0")/../secrets"}
# Others of this machine are kept out by the folder; within a container the files are read by another user.
mkdir -p "$folder" && chmod 0700 "$folder"

random() { head -c "$1" /dev/urandom | base64 | tr -d '\n=' | tr '+/' '-_'; }

keep() { # name, content
    if [ ! -e "$folder/$1" ]; then
        printf '%s' "$2" > "$folder/$1.new"
        chmod 0444 "$folder/$1.new"
        mv "$folder/$1.new" "$folder/$1"
    fi
}

keep mongo_root_password "$(random 30)"
keep mongo_app_password "$(random 30)"
keep mongo_keyfile "$(head -c 300 /dev/urandom | base64 | tr -d '\n')"
keep valkey_password "$(random 30)"
keep jwt_keys "first:$(random 48)"
keep metrics_token "$(random 30)"
keep backup_key "$(random 30)"
members=mongo-1:27017,mongo-2:27017,mongo-3:27017
keep mongodb_uri "mongodb://school:$(cat "$folder/mongo_app_password")@$members/?replicaSet=school&authSource=admin"
keep redis_url "redis://:$(cat "$folder/valkey_password")@valkey:6379/0"
# The mail server, if there is one, to be written into it by hand: empty is none.
keep smtp_url ""
chmod 0644 "$folder/smtp_url"
