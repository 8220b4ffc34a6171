"""Compares the answers of dns_server with those of knotd and nsd, field by field.

  compare_servers.py DNS_SERVER ZONE_FILE

All three serve the same zone on loopback. Every question is asked of each over UDP without EDNS,
with EDNS payload sizes of 512, 1232 and 4096 bytes, and over TCP; the raw answers are compared:
flags, response code, question, the records of each section with their TTLs, truncation, EDNS. Then
dig, kdig and drill ask the same and what they print is compared. Differences that EXPLAINED does
not explain are failures. What is not installed is left out, and said so.
"""
import collections
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ORIGIN = "hard.test."
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16,
         "AAAA": 28, "SRV": 33, "DNAME": 39, "DS": 43, "HTTPS": 65, "ANY": 255, "CAA": 257,
         "TYPE65400": 65400, "TYPE65401": 65401, "TYPE62000": 62000}
TYPES_WITH_NAMES = {2: (0, 1), 5: (0, 1), 6: (0, 2), 12: (0, 1), 15: (2, 1), 33: (6, 1),
                    39: (0, 1)}
LONGEST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 51])
MANY_LABELS = ".".join(["z"] * 122)


def questions():
    """(name relative to the origin or absolute, type)."""
    for type_name in ("SOA", "NS", "A", "AAAA", "MX", "TXT", "CAA", "SRV", "ANY", "TYPE62000"):
        yield "@", type_name
    for name in ("ns1", "mail", "www", "WwW", "mixed", "MIXED", "zero", "forever"):
        yield name, "A"
    yield "www", "AAAA"
    yield "www", "MX"
    yield "nothing", "A"
    yield "below.www", "A"
    yield "below.nothing", "MX"
    for name in ("x.wild", "x.y.wild", "*.wild", "x.*.wild", "host.wild", "x.host.wild", "wild",
                 "b.wild", "x.b.wild", "a.b.wild"):
        yield name, "A"
    for name, type_name in (("x.wild", "TXT"), ("x.wild", "AAAA"), ("host.wild", "TXT"),
                            ("x.wild", "ANY"), ("x.wildcname", "A"), ("x.wildcname", "CNAME"),
                            ("x.wildcname", "MX"), ("x.wildmx", "MX"), ("x.wildmx", "A"),
                            ("x.star", "A"), ("sub.x.star", "TXT"), ("sub.*.star", "TXT"),
                            ("y.wildent", "A"), ("z.y.wildent", "A"), ("x.wildent", "A")):
        yield name, type_name
    for name in ("ent", "b.ent", "a.b.ent", "x.ent", "x.b.ent", "x.a.b.ent"):
        yield name, "A"
    yield "ent", "ANY"
    for name in ("c1", "c4", "c5", "loop1", "self", "away", "dangling", "toent", "towild", "tosub",
                 "toapex", "todname"):
        yield name, "A"
        yield name, "CNAME"
    yield "c1", "AAAA"
    yield "c1", "ANY"
    yield "below.c1", "A"
    for name, type_name in (("sub", "A"), ("sub", "NS"), ("sub", "SOA"), ("sub", "ANY"),
                            ("sub", "DS"), ("x.sub", "A"), ("x.y.sub", "MX"), ("ns.sub", "A"),
                            ("hidden.sub", "TXT"), ("far", "A"), ("x.far", "NS"),
                            ("sibling", "A"), ("secure", "DS"), ("secure", "A"),
                            ("x.secure", "DS"), ("broad", "A")):
        yield name, type_name
    for name, type_name in (("dn", "DNAME"), ("dn", "TXT"), ("dn", "A"), ("www.dn", "A"),
                            ("www.dn", "CNAME"), ("x.dn", "A"), ("a.b.dn", "TXT"),
                            ("x.dn", "ANY"),
                            ("x.dnaway", "A"), ("x.dnlong", "A"), ("y" * 50 + ".dnlong", "A")):
        yield name, type_name
    for name in ("x" * 63, LONGEST, MANY_LABELS, "a\\.b", "\\000\\255", "_under._tcp", "\\@"):
        yield name, "A"
    for name, type_name in (("opaque", "TYPE65400"), ("empty", "TYPE65401"), ("https", "HTTPS"),
                            ("opaque", "A"), ("_sip._udp", "SRV"), ("_no._tcp", "SRV"),
                            ("manymx", "MX"), ("ptr", "PTR"), ("caa", "CAA"),
                            ("text4096", "TXT"), ("hundred", "A"), ("hundred", "ANY"),
                            ("mid", "AAAA"), ("tomid", "AAAA"), ("tohundred", "A")):
        yield name, type_name
    for name, type_name in (("example.net.", "A"), ("test.", "NS"), (".", "NS"),
                            ("xhard.test.", "A")):
        yield name, type_name


def absolute(name):
    if name.endswith(".") and not name.endswith("\\."):
        return name
    return ORIGIN if name == "@" else name + "." + ORIGIN


def to_wire(name):
    wire, label, i = b"", b"", 0
    if name == ".":
        return b"\0"
    while i < len(name):
        if name[i] == "\\" and name[i + 1].isdigit():
            label += bytes([int(name[i + 1:i + 4])])
            i += 4
        elif name[i] == "\\":
            label += name[i + 1].encode()
            i += 2
        elif name[i] == ".":
            wire += bytes([len(label)]) + label
            label = b""
            i += 1
        else:
            label += name[i].encode()
            i += 1
    return wire + b"\0"


def make_query(name, type_name, payload_bytes):
    query = struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 1 if payload_bytes else 0)
    query += to_wire(absolute(name)) + struct.pack("!2H", TYPES[type_name], 1)
    if payload_bytes:
        query += struct.pack("!BHHIH", 0, 41, payload_bytes, 0, 0)
    return query


def read_name(message, at):
    """The name in wire form, lower case, and where it ends."""
    wire, end = b"", None
    while True:
        size = message[at]
        if size >= 0xc0:
            end = end if end is not None else at + 2
            at = (size & 0x3f) << 8 | message[at + 1]
            continue
        wire += message[at:at + 1 + size]
        at += 1 + size
        if size == 0:
            return wire.lower(), end if end is not None else at


Answer = collections.namedtuple(
    "Answer", "code flags question answer authority additional edns size")


def read_answer(message):
    _, bits, *counts = struct.unpack_from("!6H", message)
    at, sections, edns = 12, [], None
    code = bits & 15
    question = []
    for _ in range(counts[0]):
        name, at = read_name(message, at)
        question.append((name,) + struct.unpack_from("!2H", message, at))
        at += 4
    for count in counts[1:]:
        records = []
        for _ in range(count):
            owner, at = read_name(message, at)
            kind, record_class, ttl, size = struct.unpack_from("!HHIH", message, at)
            at += 10
            data = message[at:at + size]
            if kind == 41:
                edns = (ttl >> 16 & 255, ttl & 0x8000)
                code |= ttl >> 24 << 4
            else:
                if kind in TYPES_WITH_NAMES:
                    prefix, names = TYPES_WITH_NAMES[kind]
                    inside = at + prefix
                    plain = message[at:inside]
                    for _ in range(names):
                        name, inside = read_name(message, inside)
                        plain += name
                    data = plain + message[inside:at + size]
                records.append((owner, kind, record_class, ttl, data))
            at += size
        sections.append(tuple(sorted(records)))
    assert at == len(message), "bytes are left behind the last record"
    flags = " ".join(flag for flag, mask in (("qr", 0x8000), ("aa", 0x400), ("tc", 0x200),
                                             ("rd", 0x100), ("ra", 0x80), ("ad", 0x20),
                                             ("cd", 0x10)) if bits & mask)
    return Answer(code, flags, tuple(question), *sections, edns, len(message))


class Server:
    def __init__(self, name, command, folder):
        self.name, self.command, self.folder = name, command, folder
        self.process = None

    def start(self):
        self.port = free_port()
        log = open(os.path.join(self.folder, self.name + ".log"), "wb")
        self.process = subprocess.Popen(self.command(self.port), stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if self.ask(make_query("@", "SOA", 0), 0.2):
                    return
            except OSError:
                time.sleep(0.05)
        with open(log.name, errors="replace") as text:
            sys.exit("%s does not answer: %s" % (self.name, text.read()))

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def ask(self, query, timeout=5):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(timeout)
            udp.connect(("127.0.0.1", self.port))
            udp.send(query)
            return udp.recv(65535)

    def ask_tcp(self, query):
        with socket.create_connection(("127.0.0.1", self.port), 5) as tcp:
            tcp.sendall(struct.pack("!H", len(query)) + query)
            with tcp.makefile("rb") as stream:
                return stream.read(struct.unpack("!H", stream.read(2))[0])


def free_port():
    """One that is free for UDP and TCP at the moment."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return tcp.getsockname()[1]


def write(path, text):
    with open(path, "w") as out:
        out.write(text)
    return path


def knot_command(folder, zone):
    def command(port):
        return ["knotd", "-c", write(os.path.join(folder, "knot.conf"), f"""
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: "{folder}"
template:
  - id: default
    storage: "{folder}"
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
zone:
  - domain: {ORIGIN}
    file: "{zone}"
"""), "-s", os.path.join(folder, "knot.sock")]
    return command


def nsd_command(folder, zone):
    def command(port):
        return ["nsd", "-d", "-c", write(os.path.join(folder, "nsd.conf"), f"""
server:
    server-count: 1
    ip-address: 127.0.0.1
    port: {port}
    username: ""
    chroot: ""
    zonesdir: ""
    database: ""
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/xfrd.state"
    zonelistfile: "{folder}/zone.list"
    xfrdir: "{folder}"
    minimal-responses: yes
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: "{ORIGIN}"
    zonefile: "{zone}"
""")]
    return command


# ---- what the tools print

def tool_command(tool, port, name, type_name, tcp):
    name = absolute(name)
    if tool == "drill":
        return ["drill", "-p", str(port), "-b", "1232", "-o", "rd", "-t" if tcp else "-u", name,
                "@127.0.0.1", type_name]
    return [tool, "@127.0.0.1", "-p", str(port), "+norecurse", "+bufsize=1232", "+ignore",
            "+tcp" if tcp else "+notcp", "-t", type_name, "-q", name]


def read_tool(text):
    code = re.search(r"(?:status|rcode): (\w+)", text)
    flags = re.search(r"(?i)^;; flags:([a-z ]*)", text, re.M)
    sections, section = {}, None
    for line in text.splitlines():
        title = re.match(r";; (ANSWER|AUTHORITY|ADDITIONAL) SECTION", line)
        if title:
            section = sections.setdefault(title.group(1).lower(), [])
        elif line.startswith(";;") or not line.strip():
            section = None if line.startswith(";;") else section
        elif section is not None and not line.startswith(";"):
            owner, rest = line.split(None, 1)
            section.append((owner.lower(), " ".join(rest.split()).lower()))
    return (code.group(1) if code else text.strip(),
            " ".join(sorted(flags.group(1).split())) if flags else "",
            *(tuple(sorted(sections.get(name, []))) for name in
              ("answer", "authority", "additional")))


# ---- comparing

# Why another server may answer otherwise: (server, question, field, ours, theirs) is so explained.
EXPLAINED = (
    ("with minimal-responses nsd adds no addresses of mail and service hosts",
     lambda server, name, kind, field, ours, theirs:
     server == "nsd" and kind in ("MX", "SRV") and field == "additional" and not theirs),
    ("RFC 8482 section 4.1: any one RRset answers ANY; knot takes another one",
     lambda server, name, kind, field, ours, theirs:
     server == "knot" and kind == "ANY" and field == "answer" and ours and theirs),
    ("knot repeats the addresses of a host that two records name",
     lambda server, name, kind, field, ours, theirs:
     server == "knot" and field == "additional" and set(ours) == set(theirs)),
    ("truncated before the end of the chain, and nsd tells the code of that end",
     lambda server, name, kind, field, ours, theirs:
     server == "nsd" and name.endswith(".dnlong") and field == "code" and ours in (0, "NOERROR")),
)


def main():
    os.environ["PATH"] += os.pathsep + "/usr/sbin"  # where Debian has knotd and nsd
    binary, zone = (os.path.abspath(path) for path in sys.argv[1:3])
    asked = list(questions())
    with tempfile.TemporaryDirectory(prefix="dns") as folder:
        servers = [Server("ours", lambda port: [binary, "--port=%d" % port, "--zone=" + zone],
                          folder)]
        for name, program, command in (("knot", "knotd", knot_command),
                                       ("nsd", "nsd", nsd_command)):
            if shutil.which(program):
                servers.append(Server(name, command(folder, zone), folder))
            else:
                print("LEFT OUT: %s is not installed" % program)
        if len(servers) == 1:
            print("NOTHING COMPARED: neither knotd nor nsd is installed")
            return 0
        try:
            for server in servers:
                server.start()
            return compare(servers, asked)
        finally:
            for server in servers:
                server.stop()


class Notes:
    """What differs, explained or not."""

    def __init__(self):
        self.explained, self.failures, self.compared = collections.Counter(), [], 0

    def compare(self, server, question, way, fields, ours, theirs):
        for field, mine, other in zip(fields, ours, theirs):
            self.compared += 1
            if mine == other:
                continue
            for reason, explains in EXPLAINED:
                if explains(server, *question, field, mine, other):
                    self.explained[server + ": " + reason] += 1
                    break
            else:
                self.failures.append("%s %s, %s: %s of %s: ours %s, theirs %s" % (
                    question[0][:40], question[1], way, field, server, show(mine), show(other)))


def compare(servers, asked):
    notes, truncated = Notes(), []
    for question in asked:
        for way, payload_bytes in (("UDP", 0), ("UDP", 512), ("UDP", 1232), ("UDP", 4096),
                                   ("TCP", 0), ("TCP", 1232)):
            query = make_query(*question, payload_bytes)
            ours, *others = [read_answer(server.ask_tcp(query) if way == "TCP" else
                                         server.ask(query)) for server in servers]
            if "tc" in ours.flags and payload_bytes == 1232:
                truncated.append(question)
            for server, theirs in zip(servers[1:], others):
                notes.compare(server.name, question, "%s, EDNS %d" % (way, payload_bytes),
                              Answer._fields[:-1], ours, theirs)
    print("%d questions, 6 ways each, %d servers beside ours" % (len(asked), len(servers) - 1))
    for tool in ("dig", "kdig", "drill"):
        if shutil.which(tool):
            run_tool(tool, servers, [(question, False) for question in asked] +
                     [(question, True) for question in truncated], notes)
        else:
            print("LEFT OUT: %s is not installed" % tool)
    print("%d fields compared, %d differences explained, %d not" % (
        notes.compared, sum(notes.explained.values()), len(notes.failures)))
    for reason, count in sorted(notes.explained.items()):
        print("  %d x %s" % (count, reason))
    for failure in notes.failures:
        print("DIFFERENT " + failure)
    return 1 if notes.failures else 0


def run_tool(tool, servers, asked, notes):
    def ask(server, question, tcp):
        command = tool_command(tool, server.port, *question, tcp)
        run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, check=False)
        return read_tool(run.stdout.decode("latin1"))

    for question, tcp in asked:
        ours, *others = [ask(server, question, tcp) for server in servers]
        for server, theirs in zip(servers[1:], others):
            notes.compare(server.name, question, tool + (" over TCP" if tcp else ""),
                          ("code", "flags", "answer", "authority", "additional"), ours, theirs)
    print("%s: %d questions" % (tool, len(asked)))


def show(value):
    text = repr(value)
    return text if len(text) < 300 else text[:300] + "..."


if __name__ == "__main__":
    sys.exit(main())
