"""A real sidecar on its embedded engine, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any

import tollgate

ROOT = Path(__file__).parents[3]

POLICY = """
rules:
  - id: budget
    action: block
    match: { agent: "*" }
    rateLimit: { metric: estimated_cost_usd, limit: 1.00, window: 1h }
  - id: loops
    action: block
    match: { tool: "*" }
    rateLimit: { limit: 3, window: 1h }
"""


class RealSidecar:
    """`tollgate serve` with this policy, on free ports; ready when this returns."""

    def __init__(self, policy: str, **env: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        file = Path(self._folder.name, "policy.yaml")
        file.write_text(policy)
        self._process = subprocess.Popen(
            [os.environ.get("NODE", "node"), ROOT / "dist" / "src" / "main.js", "serve"],
            env={
                "PATH": os.environ["PATH"],
                "TOLLGATE_LISTEN": "127.0.0.1:0",
                "TOLLGATE_OPS_LISTEN": "127.0.0.1:0",
                "TOLLGATE_PAGE_LISTEN": "off",
                "TOLLGATE_LOG_FORMAT": "json",
                # No decision is degraded because this machine is busy.
                "TOLLGATE_DECISION_MS": "2000",
                "TOLLGATE_POLICY": str(file),
                **env,
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = self._ready()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        self._folder.cleanup()

    def _ready(self) -> str:
        assert self._process.stdout is not None
        log: list[str] = []
        for line in self._process.stdout:
            log.append(line)
            entry = json.loads(line)
            if str(entry["msg"]).startswith("tollgate is ready"):
                self._reader = threading.Thread(target=self._read_on)
                self._reader.start()
                return str(entry["listen"])
        raise AssertionError(f"the sidecar has ended: {log}")

    def _read_on(self) -> None:
        """A log that nobody reads would stop the sidecar."""
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for _ in lines:
                pass


class SidecarTest(unittest.TestCase):
    """Tests that share one sidecar under POLICY."""

    sidecar: RealSidecar
    agents = 0

    @classmethod
    def setUpClass(cls) -> None:
        cls.sidecar = RealSidecar(POLICY)
        cls.addClassCleanup(cls.sidecar.stop)

    def gate(self, **options: Any) -> tollgate.Gate:
        """Of an agent of its own, whose windows are empty; with time for a busy machine."""
        SidecarTest.agents += 1
        agent = f"agent-{SidecarTest.agents}"
        options.setdefault("timeout", 5.0)
        gate = tollgate.connect(self.sidecar.address, agent=agent, **options)
        self.addCleanup(gate.close)
        return gate
