"""A client of the PostgreSQL protocol that can say anything, also what no client should."""
import socket
import struct

from .paths import patience

PROTOCOL_3 = 196608
SSL_REQUEST, GSSENC_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102


class Closed(AssertionError):
    """The server closed the connection while an answer was expected."""


def message(kind, payload=b""):
    """A well-formed message of one-letter type `kind`."""
    return kind + struct.pack("!i", len(payload) + 4) + payload


def text(value):
    return value.encode() + b"\0"


def startup(version=PROTOCOL_3, **parameters):
    parameters = {"user": "test", "database": "test", **parameters}
    body = struct.pack("!i", version)
    body += b"".join(text(name) + text(value) for name, value in parameters.items()) + b"\0"
    return struct.pack("!i", len(body) + 4) + body


def query(sql):
    return message(b"Q", (sql if isinstance(sql, bytes) else sql.encode()) + b"\0")


def parse(sql, name="", types=()):
    return message(b"P", text(name) + text(sql) + struct.pack("!h", len(types))
                   + b"".join(struct.pack("!i", oid) for oid in types))


def bind(values=(), portal="", name="", formats=(), results=()):
    body = text(portal) + text(name) + struct.pack("!h", len(formats))
    body += b"".join(struct.pack("!h", code) for code in formats)
    body += struct.pack("!h", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None \
            else struct.pack("!i", len(value)) + value
    return message(b"B", body + struct.pack("!h", len(results))
                   + b"".join(struct.pack("!h", code) for code in results))


def describe(kind, name=""):
    return message(b"D", kind + text(name))


def execute(portal="", limit=0):
    return message(b"E", text(portal) + struct.pack("!i", limit))


SYNC, FLUSH, TERMINATE = message(b"S"), message(b"H"), message(b"X")


def error_fields(payload):
    """The fields of an ErrorResponse or NoticeResponse by their letters."""
    return {part[:1].decode(): part[1:].decode() for part in payload.split(b"\0") if part}


class Wire:
    """One raw connection; `with Wire(server) as wire:` has logged in already."""

    def __init__(self, server, login=True, source=None):
        self.socket = socket.create_connection(("127.0.0.1", server.port), patience(20),
                                               source_address=source and (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.parameters, self.key = {}, None
        if login:
            self.send(startup())
            for kind, payload in self.until(b"Z"):
                if kind == b"S":
                    name, value = payload.split(b"\0")[:2]
                    self.parameters[name.decode()] = value.decode()
                elif kind == b"K":
                    self.key = payload

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def take(self, count):
        while len(self.buffer) < count:
            try:
                got = self.socket.recv(65536)
            except ConnectionResetError:
                got = b""
            except socket.timeout:
                raise AssertionError("the server does not answer") from None
            if not got:
                raise Closed("the server closed the connection")
            self.buffer += got
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def receive(self):
        head = self.take(5)
        return head[:1], self.take(struct.unpack("!i", head[1:])[0] - 4)

    def until(self, last):
        """Messages up to and with the first of type `last` (one letter or several)."""
        messages = []
        while True:
            messages.append(self.receive())
            if messages[-1][0] in [last[i:i + 1] for i in range(len(last))]:
                return messages

    def ask(self, data):
        """Sends `data`, returns everything up to ReadyForQuery."""
        self.send(data)
        return self.until(b"Z")

    def rest(self):
        """Everything until the server closes; fails if it does not close."""
        messages = []
        try:
            while True:
                messages.append(self.receive())
        except Closed:
            return messages


def kinds(messages):
    return b"".join(kind for kind, _ in messages).decode()


def errors(messages):
    """SQLSTATEs of the errors among messages."""
    return [error_fields(payload)["C"] for kind, payload in messages if kind == b"E"]


def rows(messages):
    """Values of the DataRows among messages."""
    result = []
    for kind, payload in messages:
        if kind != b"D":
            continue
        count, = struct.unpack_from("!h", payload)
        at, row = 2, []
        for _ in range(count):
            size, = struct.unpack_from("!i", payload, at)
            at += 4
            row.append(None if size < 0 else payload[at:at + size])
            at += max(size, 0)
        result.append(row)
    return result
