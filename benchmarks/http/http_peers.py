"""HTTP servers of Debian, and small ones on its libraries, that answer as hello_http does."""

import pathlib
from typing import Sequence

from benchmarks.driver import peers
from benchmarks.driver.scenario import Load, Server

_HELLO = "Hello, World!"


def _just_port(port: int, _: pathlib.Path) -> Sequence[str]:
    return [str(port)]


# nginx closes idle connections when fewer than a sixteenth of the allowed ones are free.
def _nginx(port: int, folder: pathlib.Path) -> Sequence[str]:
    (folder / "nginx.conf").write_text(
        f"""daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 19900; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_header_timeout 600s;
  tcp_nodelay on;
  server {{
    listen 127.0.0.1:{port} deferred backlog=4096;
    location / {{ default_type text/plain; return 200 "{_HELLO}"; }}
  }}
}}
"""
    )
    return [peers.program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _h2o(port: int, folder: pathlib.Path) -> Sequence[str]:
    (folder / "index.txt").write_text(_HELLO)
    (folder / "h2o.conf").write_text(
        f"""num-threads: 1
max-connections: 19000
http1-request-timeout: 600
listen: {{ host: 127.0.0.1, port: {port} }}
hosts:
  default:
    paths:
      /:
        file.dir: {folder}
        file.index: [index.txt]
"""
    )
    # As root it would serve as another user, who may not read the folder.
    return [peers.program("h2o"), "-m", "worker", "-c", str(folder / "h2o.conf")]


def _haproxy(port: int, folder: pathlib.Path) -> Sequence[str]:
    (folder / "haproxy.cfg").write_text(
        f"""global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout client 60s
  timeout connect 5s
  timeout server 60s
frontend hello
  bind 127.0.0.1:{port} backlog 4096 defer-accept
  http-request return status 200 content-type text/plain string "{_HELLO}"
"""
    )
    return [peers.program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]


def _few(load: Load) -> bool:
    """Connections that fit (HAProxy reserves two descriptors for each) and take no minutes."""
    return "many" not in load.tags


def _short(load: Load) -> bool:
    """Its library runs under the other loads; this is the server with which short ones compare."""
    return "close" in load.tags


def _writes_each_answer_alone(load: Load) -> bool:
    """evhttp without TCP_NODELAY waits 40 ms for each batch: a figure of a stall, not of cost."""
    return "pipelined" not in load.tags


def http_peers() -> list[Server]:
    return [
        Server(
            "libuv",
            _just_port,
            source="benchmarks/peers/http_libuv.cc",
            headers=["uv.h", "http_parser.h"],
            libraries=["uv", "http_parser"],
            package="libuv1-dev libhttp-parser-dev",
        ),
        Server(
            "libh2o",
            _just_port,
            source="benchmarks/peers/http_libh2o.cc",
            headers=["h2o.h"],
            libraries=["h2o-evloop", "ssl", "crypto", "z"],
            package="libh2o-evloop-dev",
            loads=_few,
        ),
        Server(
            "beast",
            _just_port,
            source="benchmarks/peers/http_beast.cc",
            headers=["boost/beast.hpp"],
            libraries=["pthread"],
            package="libboost-dev",
            loads=_few,
        ),
        Server(
            "libevent",
            _just_port,
            source="benchmarks/peers/http_libevent.cc",
            headers=["event2/http.h"],
            libraries=["event"],
            package="libevent-dev",
            loads=_writes_each_answer_alone,
            by_default=False,
        ),
        Server("nginx", _nginx, program="nginx", package="nginx-light"),
        Server("h2o", _h2o, program="h2o", package="h2o", loads=_short),
        Server(
            "haproxy",
            _haproxy,
            program="haproxy",
            package="haproxy",
            loads=_few,
            by_default=False,
        ),
    ]
