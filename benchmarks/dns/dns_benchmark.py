"""dns_server beside a null server, NSD and Knot: see benchmarks/README.md."""

import pathlib
import sys
import tempfile
from typing import Sequence

from benchmarks.driver import measure, peers, system
from benchmarks.driver.scenario import (
    Load,
    Server,
    dnsperf_command,
    load_command,
    parse_dnsperf,
)

_DNS_SERVER = "examples/dns_server/dns_server"
_NULL = "benchmarks/null/null_dns"
# As in benchmarks/load/requests.cc: names n0.test to n999.test, types by their last digit.
_NAMES = 1000
_TYPES = ["A"] * 5 + ["AAAA"] * 2 + ["MX", "TXT", "SRV"]
_DATA = {
    "A": "192.0.2.1",
    "AAAA": "2001:db8::1",
    "MX": "10 n0.test.",
    "TXT": '"one of a thousand names of the benchmark"',
    "SRV": "0 5 8080 n0.test.",
}


def zone() -> str:
    """The zone `test` as a master file, RFC 1035 §5."""
    lines = [
        "$ORIGIN test.",
        "$TTL 3600",
        "@ IN SOA ns hostmaster 1 3600 600 86400 60",
        "@ IN NS ns",
        "ns IN A 192.0.2.53",
    ]
    for number in range(_NAMES):
        kind = _TYPES[number % 10]
        lines.append(f"n{number} IN {kind} {_DATA[kind]}")
    return "\n".join(lines) + "\n"


def queries() -> str:
    """The same names for dnsperf."""
    return "".join(f"n{number}.test {_TYPES[number % 10]}\n" for number in range(_NAMES))


def _zone_file(folder: pathlib.Path) -> pathlib.Path:
    path = folder / "test.zone"
    path.write_text(zone())
    return path


def _ours(port: int, folder: pathlib.Path) -> Sequence[str]:
    return [_DNS_SERVER, f"--port={port}", f"--zone={_zone_file(folder)}"]


def _nsd(port: int, folder: pathlib.Path) -> Sequence[str]:
    (folder / "nsd.conf").write_text(
        f"""server:
  ip-address: 127.0.0.1@{port}
  do-ip6: no
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  database: ""
  rrl-ratelimit: 0
  tcp-count: 1000
  tcp-query-count: 0
remote-control:
  control-enable: no
zone:
  name: "test"
  zonefile: "{_zone_file(folder)}"
"""
    )
    return [peers.program("nsd"), "-d", "-c", str(folder / "nsd.conf")]


def _knot(port: int, folder: pathlib.Path) -> Sequence[str]:
    (folder / "knot.conf").write_text(
        f"""server:
  listen: 127.0.0.1@{port}
  rundir: {folder}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  tcp-max-clients: 1000
log:
  - target: stderr
    any: error
database:
  storage: {folder}
zone:
  - domain: test
    file: {_zone_file(folder)}
    zonefile-sync: -1
    journal-content: none
"""
    )
    return [peers.program("knotd"), "-c", str(folder / "knot.conf")]


# For the address of n0.test. That a port takes connections does not mean yet that its server reads.
_QUERY = b"\0\0\0\0\0\1\0\0\0\0\0\0\2n0\4test\0\0\1\0\1"


def servers() -> list[Server]:
    result = [
        Server("ours", _ours, kind="ours"),
        Server("null", lambda port, _: [_NULL, f"--port={port}"], kind="reference"),
        Server("nsd", _nsd, program="nsd", package="nsd"),
        Server("knot", _knot, program="knotd", package="knot"),
    ]
    for server in result:
        server.ready = system.answers_datagram(_QUERY)
    return result


def _load(name: str, title: str, *flags: str, metric: str = "cpu") -> Load:
    command = lambda port, seconds: load_command(port, seconds, *flags)
    return Load(name, title, command, metric=metric)


def loads(query_file: pathlib.Path) -> list[Load]:
    udp, tcp = "--requests=dns-udp", "--requests=dns"
    many = "--connections=10"
    result = [
        _load("udp", "UDP, 4 sockets, 100 queries under way", udp, "--connections=4", "--depth=25"),
        _load("udp-single", "UDP, one query at a time", udp, "--connections=1", metric="p50"),
        _load("tcp", "TCP, 10 connections, 10 queries in a piece", tcp, many, "--depth=10"),
        _load("tcp-single", "TCP, one connection, one query", tcp, "--connections=1", metric="p50"),
        _load("connection", "a TCP connection per query, 10 at a time", tcp, many, "--per_request"),
    ]
    if peers.program("dnsperf"):
        for mode, connections in (("udp", 4), ("tcp", 10)):
            command = dnsperf_command(query_file, mode, connections)
            title = f"dnsperf, {mode.upper()}, 100 queries under way"
            result.append(Load(f"dnsperf-{mode}", title, command, parse=parse_dnsperf))
    return result


def main() -> int:
    about = (
        "Authoritative DNS: a zone of 1,000 names (A, AAAA, MX, TXT, SRV), each asked for equally "
        "often, one thread or worker each. `null` looks nothing up and answers with a fixed "
        "record. NSD and Knot send each answer over TCP by itself and without TCP_NODELAY: where "
        "several queries come in a piece they wait 40 ms, which is their latency there."
    )
    with tempfile.TemporaryDirectory() as folder:
        query_file = pathlib.Path(folder, "queries")
        query_file.write_text(queries())
        return measure.run("dns", about, servers(), loads(query_file))


if __name__ == "__main__":
    sys.exit(main())
