#!/bin/sh
# Answers of dns_server beside those of knotd and nsd, as far as they are installed.
exec python3 examples/dns_server/compare_servers.py examples/dns_server/dns_server \
  examples/dns_server/testdata/hard.zone
