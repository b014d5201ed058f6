#!/bin/bash
# Use FastDeploy like a browser: over HTTPS, through the proxy, with a session.
#
#   smoke.sh CA_FILE    launch hello and watch it live; prints its number
set -euo pipefail
authority=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
name=fastdeploy.local
site=https://$name

ask() {
    curl --silent --show-error --max-time 60 --cacert "$authority" \
        --resolve "$name:443:127.0.0.1" --resolve "$name:80:127.0.0.1" \
        --cookie "$folder/jar" --cookie-jar "$folder/jar" "$@"
}
complain() {
    echo "$*" >&2
    exit 1
}

# HTTP redirects to HTTPS.
ask --output /dev/null --write-out '%{redirect_url}' "http://$name/login" | grep -qxF "$site/login" ||
    complain "no redirect to HTTPS"

# The address that a client claims is ignored.
ask --output /dev/null --header 'X-Forwarded-For: 203.0.113.9' --header 'Forwarded: for=203.0.113.9' \
    --data name=nobody --data password=wrong "$site/login"
found=$(runuser --user=postgres -- psql --no-psqlrc --tuples-only --no-align \
    --command='SELECT DISTINCT address FROM login_failures' fastdeploy)
[ "$found" = 127.0.0.1 ] || complain "who failed to log in came from: $found"

ask --dump-header "$folder/login" --output /dev/null --data name=admin \
    --data-urlencode "password=$PASSWORD" "$site/login"
grep -qi '^set-cookie: __Host-fastdeploy=.*; *secure' "$folder/login" ||
    complain "no secure cookie: $(cat "$folder/login")"

# Each security header is sent once.
ask --dump-header "$folder/headers" --output "$folder/page" "$site/services/hello"
for header in content-security-policy strict-transport-security x-frame-options \
    x-content-type-options referrer-policy; do
    [ "$(grep -ci "^$header:" "$folder/headers")" = 1 ] ||
        complain "$header: $(grep -i "^$header:" "$folder/headers" || echo none)"
done

token=$(grep -om1 'name="csrf_token" value="[^"]*"' "$folder/page" | cut -d '"' -f 4)
place=$(ask --output /dev/null --write-out '%{redirect_url}' --data csrf_token="$token" \
    --data var.name=Molecule --data var.pause=1 "$site/services/hello/deploy")
number=${place##*/}
[ "$place" = "$site/deployments/$number" ] || complain "launching led to: $place"

# Four steps of one second: without buffering, the lines arrive one after another.
ask --no-buffer "$place/events" | while read -r line; do
    printf '%s %s\n' "$(date +%s)" "$line"
done >"$folder/stream"
moments=$(cut -d ' ' -f 1 "$folder/stream" | sort -u | wc -l)
[ "$moments" -ge 4 ] || complain "the stream came in $moments pieces"
grep -q 'event: end' "$folder/stream" || complain "the stream has no end"

# Write to files: grep exits at the first match, and curl would fail.
ask --output "$folder/page" "$place"
grep -q 'data-status="successful"' "$folder/page" || complain "$place is not successful"
ask --output "$folder/output" "$place/output"
grep -q 'Hello, Molecule!' "$folder/output" || complain "$place has no output"
echo "$number"
