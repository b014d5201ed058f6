#!/bin/sh
# An executable inventory: the hosts that a cloud would list.
cat <<'END'
{
  "db": {"hosts": ["live2"]},
  "first": {"children": ["web"]},
  "_meta": {"hostvars": {"live2": {"rack": "south", "listen_port": 8082}}}
}
END
