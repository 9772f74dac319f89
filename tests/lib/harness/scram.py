"""A client's side of SCRAM-SHA-256 and -PLUS (RFC 5802, 5929) over a raw connection, for what no libpq here can do."""
import base64
import hashlib
import hmac
import os
import struct

from . import wire


def _mac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def log_in(send, receive, password, certificate=None):
    """From the server's request for SASL to AuthenticationOk: the mechanism used.  `receive` gives (type, payload);
    with the server's certificate (DER) the proof is bound to it."""
    kind, payload = receive()
    assert kind == b"R" and payload[:4] == struct.pack("!i", 10), (kind, payload)
    mechanism = "SCRAM-SHA-256-PLUS" if certificate else "SCRAM-SHA-256"
    assert mechanism.encode() in payload[4:].split(b"\0"), payload
    header = b"p=tls-server-end-point,," if certificate else b"n,,"
    bare = b"n=,r=" + base64.b64encode(os.urandom(18))
    send(wire.message(b"p", wire.text(mechanism) + struct.pack("!i", len(header + bare)) + header + bare))
    kind, payload = receive()
    assert kind == b"R" and payload[:4] == struct.pack("!i", 11), (kind, payload)
    challenge = payload[4:]
    fields = dict(part.split(b"=", 1) for part in challenge.split(b","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields[b"s"]), int(fields[b"i"]))
    binding = header + (hashlib.sha256(certificate).digest() if certificate else b"")
    final = b"c=" + base64.b64encode(binding) + b",r=" + fields[b"r"]
    said = bare + b"," + challenge + b"," + final
    key = _mac(salted, b"Client Key")
    proof = bytes(a ^ b for a, b in zip(key, _mac(hashlib.sha256(key).digest(), said)))
    send(wire.message(b"p", final + b",p=" + base64.b64encode(proof)))
    kind, payload = receive()
    assert kind == b"R" and payload[:4] == struct.pack("!i", 12), (kind, payload)
    assert payload[4:] == b"v=" + base64.b64encode(_mac(_mac(salted, b"Server Key"), said)), "not the server it says"
    kind, payload = receive()
    assert (kind, payload) == (b"R", struct.pack("!i", 0)), (kind, payload)
    return mechanism
