#!/bin/sh
# List the users, groups, units, files, firewall rules and databases of a host, without files
# that change by themselves, logs, caches of packages and tools, and the scenario's own files
# in /srv.
set -eu
getent passwd
getent group
systemctl list-unit-files --no-legend --no-pager
systemctl list-units --all --no-legend --no-pager --plain 'fastdeploy*'
nft list ruleset
runuser --user=postgres -- psql --no-psqlrc --tuples-only --no-align \
    --command='SELECT datname FROM pg_database' --command='SELECT rolname FROM pg_roles'
sysctl fs.protected_hardlinks fs.protected_symlinks
find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /srv \
    -o -path /run/systemd -o -path /run/user -o -path /run/log -o -path /run/postgresql \
    -o -path /var/cache -o -path /var/log -o -path /var/lib/postgresql/15 \
    -o -path '/var/backups/alternatives.tar.*' -o -path '/var/backups/dpkg.*' \
    -o -path '/var/backups/apt.extended_states.*' \
    -o -path /var/lib/apt/lists -o -path /var/lib/systemd \
    -o -path /root/.ansible -o -path /root/.cache -o -path /root/.npm -o -path /root/.local \
    -o -name '__pycache__' -o -path '/etc/*-' \) -prune \
    -o -printf '%p %y %u:%g %m %l\n' | sort
# The content of settings, without password hashes.
find /etc -type f ! -path '/etc/*-' ! -name '*shadow' -exec sha256sum {} + | sort -k 2
