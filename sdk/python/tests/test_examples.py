# SPDX-License-Identifier: Apache-2.0
"""The programs in examples/ and in the README run as printed, against the fake server."""

import os
import re
import subprocess
import sys

from .support import KEY, ROOT, Case

EXAMPLES = ROOT / "examples"
README = ROOT / "sdk" / "python" / "README.md"
INVISIBLE = ("\u200b", "\u202e")


class Examples(Case):
    def run_program(self, *command, code=0):
        """Runs Python with the fake server in its environment; returns what it printed."""
        environment = {
            **os.environ,
            "FERMATA_URL": self.server.url,
            "FERMATA_KEY": KEY,
            "PYTHONPATH": str(ROOT / "sdk" / "python" / "src"),
        }
        done = subprocess.run(
            [sys.executable, *command],
            env=environment,
            timeout=60,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.assertEqual(done.returncode, code, done.stdout)
        self.assertNotIn(KEY, done.stdout)
        return done.stdout

    def test_first_proposals_are_sent(self):
        program = str(EXAMPLES / "first_proposals.py")
        printed = self.run_program(program, "--url", self.server.url, "--key", KEY, "--no-wait")
        sent = list(self.server.proposals.values())
        self.assertEqual(len({p["action"] for p in sent}), 8)
        for proposal in sent:
            self.assertIn(proposal["id"], printed)
        policy = (EXAMPLES / "policy.yaml").read_text()
        catalogue = re.findall(r"^  ([a-z._]+):$", policy, re.MULTILINE)
        self.assertLessEqual({p["action"] for p in sent}, set(catalogue))
        carriers = [
            [p["action"] for p in sent if any(character in str(v) for v in p["arguments"].values())]
            for character in INVISIBLE
        ]
        self.assertEqual(carriers, [["account.change_address"], ["contract.amend"]])

    def test_first_proposals_are_followed(self):
        decisions = iter(["approved", "rejected", "returned", "expired"] + ["approved"] * 9)

        def on_poll(proposal):
            decided = "approved" if proposal["revision"] > 1 else next(decisions)
            self.server.decide(proposal, decided, reason="Look\x1b[2J again")

        self.server.on_poll = on_poll
        printed = self.run_program(str(EXAMPLES / "first_proposals.py"))
        outcomes = [p["outcome"] for p in self.server.proposals.values() if p["outcome"]]
        self.assertEqual((len(outcomes), len(self.server.redeemed)), (6, 6))
        for text in ("would act now", "rejected 'Look", "was asked 'Look", "nobody decided"):
            self.assertIn(text, printed)
        self.assertNotIn("\x1b", printed)

    def test_first_proposals_that_are_refused(self):
        self.server.fail("POST", (422, {}))
        printed = self.run_program(str(EXAMPLES / "first_proposals.py"), "--no-wait", code=1)
        self.assertEqual(len(self.server.proposals), 7)
        self.assertIn("422 invalid-argument", printed)

    def test_refund_agent(self):
        decisions = iter(["approved", "rejected"])
        self.server.on_poll = lambda p: self.server.decide(p, next(decisions), reason="No photo")
        printed = self.run_program(str(EXAMPLES / "refund_agent.py"))
        self.assertIn("paid: 74.5 USD for W2378156", printed)
        self.assertIn("not paid: 'refund.issue", printed)
        self.assertIn("No photo", printed)

    def test_readme(self):
        blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
        self.server.on_poll = lambda proposal: self.server.decide(proposal, "approved")
        for number, block in enumerate(blocks):
            with self.subTest(block.splitlines()[0]):
                self.run_program("-c", block)
        self.assertGreaterEqual(number, 3)
