"""The client speaks TLS to a real sidecar, and says what is wrong with it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from real_sidecar import POLICY, RealSidecar

import tollgate
from tollgate.tls import TlsFiles
from tollgate.trouble import tls_trouble

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]


class Certificates:
    """A CA, and what it has signed."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.ca = str(folder / f"{name}.crt")
        self._key = str(folder / f"{name}.key")
        self._run("req", "-x509", *NEW_KEY, "-keyout", self._key, "-out", self.ca, "-subj", f"/CN={name}")

    def sign(self, name: str) -> tuple[str, str]:
        """A certificate for localhost, and its key."""
        cert, key, request = (str(self.folder / f"{name}.{end}") for end in ("crt", "key", "csr"))
        self._run("req", *NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extensions = self.folder / "extensions.cnf"
        extensions.write_text("subjectAltName=DNS:localhost\n")
        self._run(
            *("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key),
            *("-CAcreateserial", "-out", cert, "-days", "2", "-extfile", str(extensions)),
        )
        return cert, key

    @staticmethod
    def _run(*args: str) -> None:
        subprocess.run(["openssl", *args], check=True, capture_output=True)


class Tls(unittest.TestCase):
    folder: Path
    ours: Certificates
    others: Certificates
    client: tuple[str, str]
    stranger: tuple[str, str]
    mutual: RealSidecar
    port: str
    address: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.ours = Certificates(cls.folder, "ca")
        cls.others = Certificates(cls.folder, "other")
        cert, key = cls.ours.sign("server")
        cls.client = cls.ours.sign("client")
        cls.stranger = cls.others.sign("stranger")
        cls.mutual = RealSidecar(
            POLICY,
            TOLLGATE_TLS_CERT_FILE=cert,
            TOLLGATE_TLS_KEY_FILE=key,
            TOLLGATE_TLS_CLIENT_CA_FILE=cls.ours.ca,
        )
        cls.addClassCleanup(cls.mutual.stop)
        cls.port = cls.mutual.address.rpartition(":")[2]
        cls.address = f"tls://localhost:{cls.port}"

    def gate(self, ca: str, own: tuple[str, str]) -> tollgate.Gate:
        gate = tollgate.connect(
            self.address, agent="a", ca_file=ca, cert_file=own[0], key_file=own[1], timeout=5
        )
        self.addCleanup(gate.close)
        return gate

    def test_calls_pass_in_threads_and_in_asyncio(self) -> None:
        gate = self.gate(self.ours.ca, self.client)
        with gate.call(tool="search") as grant:
            self.assertFalse(grant.degraded)

        async def ask() -> bool:
            async with gate.call(tool="fetch") as grant:
                degraded = grant.degraded
            await gate.aclose()
            return degraded

        self.assertFalse(asyncio.run(ask()))

    def test_what_is_wrong_is_said_with_what_to_do(self) -> None:
        cases = (
            (self.address, TlsFiles(self.others.ca), "not of the CA in TOLLGATE_CLIENT_CA_FILE"),
            (self.address, TlsFiles(self.ours.ca), "asks for a certificate: set TOLLGATE_CLIENT_CERT"),
            (self.address, TlsFiles(self.ours.ca, *self.stranger), "does not believe the certificate"),
            (f"localhost:{self.port}", TlsFiles(), "it speaks TLS: its address is tls://"),
        )
        for address, files, words in cases:
            with self.subTest(words):
                self.assertIn(words, tls_trouble(address, files) or "nothing")
        self.assertIsNone(tls_trouble(self.address, TlsFiles(self.ours.ca, *self.client)))
        self.assertIsNone(tls_trouble("tls://localhost:1", TlsFiles(self.ours.ca)))
        gate = self.gate(self.others.ca, self.client)
        with self.assertLogs("tollgate", "WARNING") as logs:
            with self.assertRaises(tollgate.Denied), gate.call(tool="search"):
                self.fail("it ran")
            give_up = time.monotonic() + 20
            while not any("cannot be used" in line for line in logs.output):
                self.assertLess(time.monotonic(), give_up, logs.output)
                time.sleep(0.01)

    def test_a_renewed_certificate_is_used_from_then_on(self) -> None:
        own = (str(self.folder / "own.crt"), str(self.folder / "own.key"))
        for source, target in zip(self.stranger, own):
            shutil.copyfile(source, target)
        gate = self.gate(self.ours.ca, own)
        with self.assertRaises(tollgate.Denied), gate.call(tool="search"):
            self.fail("it ran")
        for source, target in zip(self.client, own):
            shutil.copyfile(source, target)
        give_up = time.monotonic() + 20
        while True:
            try:
                with gate.call(tool=f"t{time.monotonic()}"):
                    return
            except tollgate.Denied:
                self.assertLess(time.monotonic(), give_up)

    def test_files_that_are_no_pair_or_not_there_are_refused_at_once(self) -> None:
        with self.assertRaisesRegex(ValueError, "belong together"):
            tollgate.connect("tls://localhost:1", cert_file=__file__)
        with self.assertRaisesRegex(ValueError, "cannot be read"):
            tollgate.connect("tls://localhost:1", ca_file="/nowhere")

    def test_what_may_be_a_secret_is_not_repeated(self) -> None:
        secret = "sEcReT"
        for address, ca_file in (
            ("tls://localhost:1", secret),
            ("tls://localhost:1", f"-----BEGIN PRIVATE KEY-----\n/{secret}"),
            (f"tls://u:{secret}@localhost:1", None),
            (f"{secret}@localhost:1", None),
        ):
            with self.assertRaises(ValueError) as refused:
                tollgate.connect(address, ca_file=ca_file)
            self.assertNotIn(secret, str(refused.exception))


if __name__ == "__main__":
    unittest.main()
