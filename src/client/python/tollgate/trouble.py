"""Why there is no connection, where TLS is the reason: gRPC says too little to mend it."""

from __future__ import annotations

import re
import socket
import ssl

from .tls import SCHEME, TlsFiles

# A handshake takes milliseconds, in seconds.
_TIMEOUT = 1.0

# What a client of HTTP/2 begins with: the preface, and no settings.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"

_OURS_REFUSED = (
    "it does not believe the certificate in TOLLGATE_CLIENT_CERT_FILE: it must be of the CA in the "
    "TOLLGATE_TLS_CLIENT_CA_FILE of the sidecar, and not have ended"
)

_SPEAKS_TLS = "it speaks TLS: its address is tls://host:port"

# What OpenSSL says, and what it means to whoever sets up a client.
_PROBLEMS = (
    (
        "WRONG_VERSION_NUMBER|RECORD_LAYER|PACKET_LENGTH",
        "it speaks without TLS: its address is without tls://",
    ),
    (
        "CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE",
        "it asks for a certificate: set TOLLGATE_CLIENT_CERT_FILE and TOLLGATE_CLIENT_KEY_FILE",
    ),
    ("ALERT", _OURS_REFUSED),
    ("certificate has expired", "its certificate has ended: renew it at the sidecar"),
    ("mismatch|not valid for", "its certificate is for other names: use one of them, or add this one"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not of the CA in TOLLGATE_CLIENT_CA_FILE"),
)


def may_be_tls(address: str) -> bool:
    """Is it worth trying? Plain addresses are, where no name must be looked up, which may take long."""
    return re.match(rf"{SCHEME}|localhost:|127\.|\[", address) is not None


def tls_trouble(address: str, files: TlsFiles) -> str | None:
    """What is wrong with TLS at an address, by trying; None where it is something else. Blocks."""
    secure = address.startswith(SCHEME)
    where = re.fullmatch(r"\[?([^\]/]+)\]?:(\d+)", address[len(SCHEME) :] if secure else address)
    if where is None:
        return None
    try:
        context = ssl.create_default_context(cafile=files.ca or None)
        if not secure:
            # Whatever certificate it shows: nothing is sent there.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif files.cert:
            context.load_cert_chain(files.cert, files.key)
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection((where[1], int(where[2])), _TIMEOUT)
        with plain, context.wrap_socket(plain, server_hostname=where[1]) as shaken:
            if not secure:
                return _SPEAKS_TLS
            # With TLS 1.3 a server looks at the client's certificate when the client is through.
            shaken.sendall(_PREFACE)
            return None if shaken.recv(1) else _OURS_REFUSED
    except ssl.SSLError as error:
        if not secure:
            # What is plain answers a handshake with bytes that are none, or hangs up; TLS with an alert.
            return _SPEAKS_TLS if "ALERT" in str(error) else None
        return next((what for said, what in _PROBLEMS if re.search(said, str(error))), None)
    except ConnectionResetError:
        return _OURS_REFUSED if secure else None
    except (OSError, ValueError):
        return None
